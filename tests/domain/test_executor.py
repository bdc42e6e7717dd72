"""What a department owes, how it may answer and what it must undo; and what a check finds."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.executor.domain.answers import AnswerKind, LineAnswer
from services.executor.domain.check import CHECK, RecordOutcome
from services.executor.domain.events import (
    CheckMade,
    EndOrdered,
    Hit,
    LateEffectsOwed,
    LinesDirected,
    LinesResumed,
    LinesSuspended,
    OutcomeRecorded,
    TermAmended,
)
from services.executor.domain.finding import KnownLine, find
from services.executor.domain.orders import Order
from services.executor.domain.reports import Report, sift
from services.executor.domain.response import RESPONSE, Command
from services.executor.domain.response_state import Response
from services.executor.domain.task import Asks, Task, TaskState, ToUndo, asks_of, state_name
from services.executor.domain.task import Undone as UndoneTask
from shared.contracts.event import DepartmentId, EntryId, Event, EventId, LineId, MeasureId, ResponseId
from shared.contracts.execution import (
    Acknowledged,
    Applied,
    Armed,
    EffectUndone,
    ExecutionEvent,
    Failed,
    NotApplicable,
    Refused,
    Undone,
    WithoutBasis,
)
from shared.contracts.lawbook import (
    Basis,
    Duty,
    Force,
    ListKind,
    Measure,
    MeasureKind,
    Undoing,
    Works,
)
from shared.contracts.response import (
    EndMode,
    Line,
    RefusalReason,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
)
from shared.lawbook.book import LawBook
from tests.builders import PUBLISHED_ON, a_book, a_domain, a_line, a_measure, a_subject, an_instrument
from tests.decider import NOON, Given, given

HOUR = timedelta(hours=1)
TAX, COURT = DepartmentId("example-tax"), DepartmentId("example-court")
SUBJECT = a_subject()
AResponse = Given[Response | None, Command]


# --- builders of commands --------------------------------------------------------------------------------------------


def book_of(*measures: Measure, in_force_to: date | None = None) -> LawBook:
    """A law book of these measures (m1, m2 and m3 without any) and of what they need."""
    published = measures or tuple(a_measure(f"m{number}") for number in range(1, 4))
    return a_book([an_instrument(in_force_to=in_force_to), a_domain(lists=(ListKind.BLACK, ListKind.RED)), *published])


BOOK = book_of()


def line(number: int = 1, **changes: Any) -> Line:
    """The line `l<number>` of the measure `m<number>`, to be undone within five working days."""
    return a_line(
        f"l{number}",
        **{
            "measure_id": MeasureId(f"m{number}"),
            "undo_within_days": 5,
            "nothing_to_undo_because": "一次性告知，无后续影响",
            **changes,
        },
    )


FACTS = {
    "entry_id": EntryId("e1"),
    "subject": SUBJECT.key,
    "lawbook_version": 3,
    "list_event_id": EventId("le1"),
    "response_id": ResponseId("r1"),
    "department": TAX,
}


def directed(*lines: Line, until: date | None = None) -> ResponseDirected:
    return ResponseDirected.model_validate(
        {
            **FACTS,
            "of": SUBJECT,
            "list_kind": ListKind.BLACK,
            "domain_id": "tax",
            "entry_subject": SUBJECT.key,
            "jurisdiction": "410300",
            "until": until,
            "lines": lines or (line(),),
        }
    )


def suspended(*lines: str) -> ResponseSuspended:
    return ResponseSuspended.model_validate({**FACTS, "lines": lines or ("l1",), "reason": "异议受理"})


def resumed(*lines: str) -> ResponseResumed:
    return ResponseResumed.model_validate({**FACTS, "lines": lines or ("l1",), "reason": "异议办结"})


def ended(*lines: str, mode: EndMode = EndMode.FROM_NOW) -> ResponseEnded:
    return ResponseEnded.model_validate({**FACTS, "lines": lines or ("l1",), "mode": mode, "reason": "信用修复"})


def answer(kind: AnswerKind, line_id: str = "l1", **fields: Any) -> LineAnswer:
    return LineAnswer(LineId(line_id), kind, **fields)


def report(*answers: LineAnswer, book: LawBook = BOOK) -> Report:
    return Report(answers, book)


def apply(book: LawBook = BOOK, **fields: Any) -> Report:
    return report(answer(AnswerKind.APPLY, **fields), book=book)


def told(book: LawBook = BOOK, *, done_at: datetime = NOON, **fields: Any) -> Report:
    """The report of an effect that exists, with its time and evidence."""
    return apply(book, done_at=done_at, evidence="示例实施〔2026〕8号", **fields)


def applied_in(events: Sequence[Event]) -> Applied:
    """The first event, which is an application."""
    assert isinstance(events[0], Applied)
    return events[0]


def undo(how: Undone = Undone.STOPPED, evidence: str = "示例〔2026〕9号") -> Report:
    return report(answer(AnswerKind.UNDO, how=how, evidence=evidence))


ACKNOWLEDGE, APPLY = report(answer(AnswerKind.ACKNOWLEDGE)), apply()
NOT_APPLICABLE = report(answer(AnswerKind.NOT_APPLICABLE, reason="主体已注销"))
FAIL = report(answer(AnswerKind.FAIL, reason="系统故障"))
REFUSE = report(answer(AnswerKind.REFUSE, reason="本部门不采纳"))


def after(*commands: Command) -> AResponse:
    """A response after these commands."""
    return given(RESPONSE).having(*commands)


def task_in(response: AResponse, line_id: str = "l1") -> Task:
    assert response.state is not None
    return response.state.tasks[LineId(line_id)]


def status(response: AResponse, line_id: str = "l1") -> tuple[TaskState, Asks]:
    """The state of a task, and what it asks."""
    held = task_in(response, line_id)
    return state_name(held.state), asks_of(held)


# --- directed, and due -----------------------------------------------------------------------------------------------


def test_a_directed_line_asks_for_an_answer_within_its_working_days() -> None:
    outcome = given(RESPONSE).when(directed())
    assert status(outcome.next) == (TaskState.DIRECTED, Asks.ANSWER)
    [opened] = outcome.events
    assert isinstance(opened, LinesDirected)
    assert opened.due == (date(2026, 3, 16),)  # ten working days after 2 March 2026


def test_an_invited_duty_has_no_due_date() -> None:
    [opened] = given(RESPONSE).when(directed(line(duty=Duty.INVITED))).events
    assert isinstance(opened, LinesDirected)
    assert opened.due == (None,)


def test_a_line_that_is_directed_again_changes_nothing() -> None:
    after(directed()).when(directed()).then_nothing()


def test_new_lines_join_the_response() -> None:
    outcome = after(directed(line(1))).when(directed(line(1), line(2)))
    [opened] = outcome.events
    assert isinstance(opened, LinesDirected)
    assert [line.line_id for line in opened.lines] == ["l2"]
    assert status(outcome.next, "l2") == (TaskState.DIRECTED, Asks.ANSWER)


def test_an_amended_term_is_recorded_once() -> None:
    amended = ResponseAmended.model_validate({**FACTS, "until": date(2027, 1, 1)})
    recorded = TermAmended(response_id=ResponseId("r1"), until=date(2027, 1, 1))
    after(directed()).when(amended).then(recorded).when(amended).then_nothing()


@pytest.mark.parametrize("order", [suspended(), resumed(), ended()])
def test_an_order_about_what_was_never_directed_is_refused_and_parks(order: Order) -> None:
    given(RESPONSE).when(order).then_rejected("unknown_response")
    after(directed(line(2))).when(order).then_rejected("unknown_line")


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("works", "state", "event"),
    [
        (Works.OCCASION, TaskState.ARMED, Armed),
        (Works.ACT, TaskState.APPLIED, Applied),
        (Works.LASTING, TaskState.APPLIED, Applied),
        (Works.ACT_AND_OCCASION, TaskState.APPLIED, Applied),
    ],
)
def test_applying_arms_an_occasion_measure_and_applies_any_other(
    works: Works, state: TaskState, event: type[ExecutionEvent]
) -> None:
    outcome = after(directed(line(works=works)), ACKNOWLEDGE).when(APPLY)
    assert status(outcome.then_types(event)) == (state, Asks.NOTHING)


@pytest.mark.parametrize(
    ("answered", "event", "state", "asked"),
    [
        (ACKNOWLEDGE, Acknowledged, TaskState.ACKNOWLEDGED, Asks.ANSWER),
        (NOT_APPLICABLE, NotApplicable, TaskState.NOT_APPLICABLE, Asks.NOTHING),
        (FAIL, Failed, TaskState.FAILED, Asks.ANSWER),
        (REFUSE, Refused, TaskState.REFUSED, Asks.NOTHING),
    ],
)
def test_other_answers_are_taken_with_their_reason(
    answered: Report, event: type[Event], state: TaskState, asked: Asks
) -> None:
    response = after(directed(line(force=Force.RECOMMENDED))).when(answered).then_types(event)
    assert status(response) == (state, asked)
    response.when(answered).then_rejected("already_answered")


def test_a_mandatory_measure_cannot_be_refused() -> None:
    after(directed()).when(REFUSE).then_rejected("refusal_not_allowed")


@pytest.mark.parametrize("kind", [AnswerKind.NOT_APPLICABLE, AnswerKind.REFUSE, AnswerKind.FAIL])
def test_an_answer_that_needs_a_reason_is_refused_without(kind: AnswerKind) -> None:
    response = after(directed(line(force=Force.RECOMMENDED)))
    response.when(report(answer(kind, reason=" "))).then_rejected("field_missing")


@pytest.mark.parametrize("first", [FAIL, REFUSE, NOT_APPLICABLE])
def test_what_failed_or_was_declined_may_still_be_applied(first: Report) -> None:
    response = after(directed(line(force=Force.RECOMMENDED)), first, APPLY)
    assert status(response) == (TaskState.APPLIED, Asks.NOTHING)


def test_nothing_is_applied_twice() -> None:
    after(directed(), APPLY).when(APPLY).then_rejected("already_answered")
    after(directed(line(works=Works.OCCASION)), APPLY).when(APPLY).then_rejected("already_answered")


def test_one_event_names_all_lines_with_the_same_answer() -> None:
    command = report(
        answer(AnswerKind.APPLY, "l1"), answer(AnswerKind.APPLY, "l2"), answer(AnswerKind.ACKNOWLEDGE, "l3")
    )
    events = after(directed(line(1), line(2), line(3))).when(command).events
    assert [(type(e), e.lines) for e in events if isinstance(e, ExecutionEvent)] == [
        (Applied, ("l1", "l2")),
        (Acknowledged, ("l3",)),
    ]


def test_of_many_answers_the_valid_ones_can_be_accepted() -> None:
    response = after(directed(line(1), line(2)), report(answer(AnswerKind.APPLY, "l1")))
    command = report(
        answer(AnswerKind.APPLY, "l1"),
        answer(AnswerKind.APPLY, "l2"),
        answer(AnswerKind.FAIL, "l2", reason="示例"),
        answer(AnswerKind.APPLY, "l9"),
    )
    assert response.state is not None
    sifted = sift(response.state, command, response.now)
    assert sifted.valid == (command.answers[1],)
    assert {index: faults[0].code for index, faults in sifted.faults.items()} == {
        0: "already_answered",
        2: "task_repeated",
        3: "unknown_id",
    }


def test_when_it_was_done_lies_between_the_direction_and_now() -> None:
    response = after(directed()).at(NOON + HOUR)
    response.when(apply(done_at=NOON + 2 * HOUR)).then_rejected("date_in_future")
    response.when(apply(done_at=NOON - HOUR)).then_rejected("done_before_directed")
    [applied] = response.when(apply(done_at=NOON)).events
    assert isinstance(applied, Applied)
    assert applied.done_at == NOON


def test_all_faults_of_an_answer_are_reported_at_once() -> None:
    after(directed()).when(report(answer(AnswerKind.UNDO, done_at=NOON - HOUR))).then_rejected(
        "done_before_directed", "field_missing", "field_missing", "end_not_ordered"
    )


# --- the basis gate, when applied (row 5) ----------------------------------------------------------------------------


EXPIRED = Basis(document="示例办法", article="第一条", valid_from=PUBLISHED_ON, valid_to=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("book", "held", "reason"),
    [
        (book_of(a_measure(published=False)), line(), RefusalReason.UNPUBLISHED),
        (book_of(a_measure(), a_measure(version=2, published=False)), line(), RefusalReason.UNPUBLISHED),
        (book_of(a_measure("m2")), line(), RefusalReason.UNPUBLISHED),
        (book_of(a_measure(effective_to=date(2026, 3, 1))), line(), RefusalReason.RETIRED),
        (BOOK, line(basis_valid_to=date(2026, 3, 1)), RefusalReason.BASIS_NOT_VALID),
        (book_of(a_measure(basis=(EXPIRED,))), line(), RefusalReason.BASIS_NOT_VALID),
        (book_of(a_measure(), in_force_to=date(2026, 3, 1)), line(), RefusalReason.INSTRUMENT_NOT_IN_FORCE),
    ],
)
def test_a_punishment_whose_basis_is_gone_is_not_applied(book: LawBook, held: Line, reason: RefusalReason) -> None:
    response = after(directed(held))
    response.when(apply(book)).then_rejected("basis_gone", reason=reason)
    declined = report(*NOT_APPLICABLE.answers, book=book)
    assert status(response.having(declined)) == (TaskState.NOT_APPLICABLE, Asks.NOTHING)


def test_the_last_day_of_a_basis_still_holds_in_shanghai() -> None:
    response = after(directed(line(basis_valid_to=date(2026, 3, 2))))
    late = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert status(response.when(APPLY, now=late).next)[0] is TaskState.APPLIED


def test_a_withdrawal_that_begins_later_bars_nothing_today() -> None:
    book = book_of(a_measure(), a_measure(version=2, published=False, effective_from=date(2026, 7, 1)))
    assert status(after(directed(), apply(book)))[0] is TaskState.APPLIED


def test_an_incentive_passes_the_gate() -> None:
    book = book_of(a_measure(published=False))
    assert status(after(directed(line(kind=MeasureKind.INCENTIVE)), apply(book)))[0] is TaskState.APPLIED


# --- suspension (row 16) ---------------------------------------------------------------------------------------------


def test_a_suspended_punishment_must_not_be_applied_and_asks_nothing() -> None:
    response = after(directed(), suspended())
    assert status(response) == (TaskState.DIRECTED, Asks.NOTHING)
    response.when(APPLY).then_rejected("line_suspended")


def test_what_was_applied_before_the_suspension_may_be_reported_during_it() -> None:
    response = after(directed()).having(suspended(), now=NOON + HOUR).at(NOON + 2 * HOUR)
    response.when(apply(done_at=NOON + HOUR / 2)).then_rejected("line_suspended")
    outcome = response.when(told(done_at=NOON + HOUR / 2))
    assert status(outcome.next) == (TaskState.APPLIED, Asks.NOTHING)
    assert applied_in(outcome.events).without_basis is None


def test_after_it_is_resumed_the_time_to_answer_starts_anew() -> None:
    outcome = after(directed(), suspended()).when(resumed(), now=NOON + timedelta(days=7))
    [event] = outcome.events
    assert isinstance(event, LinesResumed)
    assert event.lines[0].due_on == date(2026, 3, 23)
    assert status(outcome.next) == (TaskState.DIRECTED, Asks.ANSWER)
    assert status(outcome.next.having(APPLY, now=NOON + timedelta(days=7)))[0] is TaskState.APPLIED


def test_only_punishments_are_suspended() -> None:
    [event] = after(directed(line(1, kind=MeasureKind.INCENTIVE), line(2))).when(suspended("l1", "l2")).events
    assert isinstance(event, LinesSuspended)
    assert event.lines == ("l2",)


def test_suspending_twice_and_resuming_twice_changes_nothing() -> None:
    after(directed(), suspended()).when(suspended()).then_nothing()
    after(directed(), suspended(), resumed()).when(resumed()).then_nothing()


# --- the end (row 18) ------------------------------------------------------------------------------------------------


def test_an_applied_line_that_ends_owes_an_undoing_with_evidence() -> None:
    outcome = after(directed(), APPLY).when(ended())
    [event] = outcome.events
    assert isinstance(event, EndOrdered)
    assert event.lines[0].due_on == date(2026, 3, 9)  # five working days
    response = outcome.next
    assert status(response) == (TaskState.APPLIED, Asks.UNDO)
    response.when(undo(evidence="")).then_rejected("field_missing")
    response = response.having(undo())
    assert status(response) == (TaskState.UNDONE, Asks.NOTHING)
    response.when(undo()).then_rejected("already_answered")


@pytest.mark.parametrize(
    ("mode", "held", "not_enough", "enough"),
    [
        (EndMode.FROM_NOW, line(), [Undone.NEVER_APPLIED, Undone.NOTHING_TO_UNDO], [Undone.STOPPED, Undone.RESTORED]),
        (EndMode.FROM_BEGINNING, line(), [Undone.STOPPED, Undone.NEVER_APPLIED], [Undone.RESTORED]),
        (
            EndMode.FROM_BEGINNING,
            line(on_error=Undoing.STOP),
            [Undone.NOTHING_TO_UNDO],
            [Undone.STOPPED, Undone.RESTORED],
        ),
        (EndMode.FROM_NOW, line(on_end=Undoing.RESTORE), [Undone.STOPPED], [Undone.RESTORED]),
    ],
)
def test_the_mode_of_the_end_says_which_undoing_is_enough(
    mode: EndMode, held: Line, not_enough: list[Undone], enough: list[Undone]
) -> None:
    response = after(directed(held), APPLY, ended(mode=mode))
    for how in not_enough:
        response.when(undo(how)).then_rejected("undoing_not_enough")
    for how in enough:
        assert status(response.having(undo(how)))[1] is Asks.NOTHING


@pytest.mark.parametrize(
    ("mode", "held"),
    [
        (EndMode.FROM_NOW, line(on_end=Undoing.NOTHING)),
        (EndMode.FROM_BEGINNING, line(on_error=Undoing.NOTHING)),
    ],
)
def test_where_the_measure_leaves_nothing_to_undo_the_line_is_undone_at_once(mode: EndMode, held: Line) -> None:
    outcome = after(directed(held), APPLY).when(ended(mode=mode))
    undone = outcome.events[1]
    assert isinstance(undone, EffectUndone)
    assert (undone.how, undone.evidence) == (Undone.NOTHING_TO_UNDO, held.nothing_to_undo_because)
    assert status(outcome.next) == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("answered", [NOT_APPLICABLE, REFUSE, FAIL])
def test_what_was_answered_without_an_effect_is_never_applied_at_once(answered: Report) -> None:
    outcome = after(directed(line(force=Force.RECOMMENDED)), answered).when(ended())
    undone = outcome.events[1]
    assert isinstance(undone, EffectUndone)
    assert (undone.how, undone.evidence) == (Undone.NEVER_APPLIED, answered.answers[0].reason)
    assert status(outcome.next) == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("before", [(), (ACKNOWLEDGE,)])
def test_an_unanswered_line_has_to_be_confirmed(before: tuple[Report, ...]) -> None:
    response = after(directed(), *before, ended())
    assert status(response)[1] is Asks.CONFIRM
    response.when(ACKNOWLEDGE).then_rejected("line_ended")
    response.when(NOT_APPLICABLE).then_rejected("line_ended")
    response.when(undo(Undone.STOPPED)).then_rejected("effect_not_reported")
    assert status(response.having(undo(Undone.NEVER_APPLIED))) == (TaskState.UNDONE, Asks.NOTHING)


def over(*before: Command, mode: EndMode = EndMode.FROM_NOW, held: Line | None = None) -> AResponse:
    """A line that was directed at noon and ended an hour later; it is two hours later now."""
    response = after(directed(held or line())).having(*before)
    return response.having(ended(mode=mode), now=NOON + HOUR).at(NOON + 2 * HOUR)


def test_what_was_done_before_the_end_is_reported_late_and_owes_what_the_end_demands() -> None:
    """Applied at 10:00 and reported after the withdrawal at 10:02: the gate of today does not prevent the report."""
    gone = book_of(a_measure(effective_to=date(2026, 3, 2)))
    for confirmed in ((), (undo(Undone.NEVER_APPLIED),)):
        outcome = over().having(*confirmed).when(told(gone), now=NOON + timedelta(days=3))
        applied = applied_in(outcome.events)
        assert (applied.late, applied.without_basis, applied.evidence) == (True, None, "示例实施〔2026〕8号")
        assert status(outcome.next) == (TaskState.APPLIED, Asks.UNDO)
        assert status(outcome.next.having(undo())) == (TaskState.UNDONE, Asks.NOTHING)


def test_the_time_to_undo_a_late_effect_runs_from_its_report() -> None:
    owed = over().when(told(), now=NOON + timedelta(days=14)).events[1]
    assert isinstance(owed, LateEffectsOwed)
    assert owed.lines[0].due_on == date(2026, 3, 23)


def test_a_late_effect_that_leaves_nothing_to_undo_is_undone_with_the_report() -> None:
    response = over(held=line(on_end=Undoing.NOTHING)).when(told()).then_types(Applied, EffectUndone)
    assert status(response) == (TaskState.UNDONE, Asks.NOTHING)


# --- no door at the back (004 四(三)) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(EndMode))
@pytest.mark.parametrize("before", [(), (ACKNOWLEDGE,), (NOT_APPLICABLE,)])
def test_after_the_end_nothing_is_applied_any_more(mode: EndMode, before: tuple[Report, ...]) -> None:
    """Seen: a measure was retired, `apply` gave basis_gone, and after the end order the same call gave `applied`."""
    for kind in MeasureKind:
        over(*before, mode=mode, held=line(kind=kind)).when(APPLY).then_rejected("line_ended")
    over().having(undo(Undone.NEVER_APPLIED)).when(APPLY).then_rejected("line_ended")


def test_a_report_of_a_barred_effect_without_evidence_is_refused() -> None:
    gone = book_of(a_measure(effective_to=date(2026, 3, 1)))
    for blank in ("", " "):
        over().when(apply(done_at=NOON, evidence=blank)).then_rejected("line_ended")
        after(directed()).when(apply(gone, done_at=NOON, evidence=blank)).then_rejected("basis_gone")
    over().when(apply(evidence="示例")).then_rejected("line_ended")


def test_what_was_done_after_the_end_is_recorded_as_without_basis_and_owes_an_undoing_from_the_beginning() -> None:
    outcome = over().when(told(done_at=NOON + HOUR))
    applied, owed = outcome.events
    assert isinstance(applied, Applied)
    assert (applied.late, applied.without_basis) == (True, WithoutBasis.AFTER_END)
    assert isinstance(owed, LateEffectsOwed)
    assert owed.lines[0].due_on == date(2026, 3, 3)  # the next working day
    assert status(outcome.next) == (TaskState.APPLIED, Asks.UNDO)
    outcome.next.when(undo(Undone.STOPPED)).then_rejected("undoing_not_enough")
    outcome.next.when(undo(Undone.NEVER_APPLIED)).then_rejected("undoing_not_enough")
    outcome.next.when(told(done_at=NOON + HOUR)).then_rejected("already_answered")
    assert status(outcome.next.having(undo(Undone.RESTORED))) == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("works", list(Works))
def test_what_was_done_on_a_day_without_a_basis_is_recorded_and_undone_at_once_and_may_be_answered_again(
    works: Works,
) -> None:
    gone = book_of(a_measure(effective_to=date(2026, 3, 1)))
    outcome = after(directed(line(works=works))).when(told(gone))
    applied = applied_in(outcome.then_types(Applied, LateEffectsOwed) and outcome.events)
    assert (applied.late, applied.without_basis) == (False, WithoutBasis.BASIS_GONE)
    assert status(outcome.next) == (TaskState.APPLIED, Asks.UNDO)
    outcome.next.when(ACKNOWLEDGE).then_rejected("already_answered")
    withdrawn = outcome.next.having(undo(Undone.RESTORED))
    assert status(withdrawn) == (TaskState.UNDONE, Asks.ANSWER)
    withdrawn.when(apply(gone)).then_rejected("basis_gone")
    assert status(withdrawn.having(NOT_APPLICABLE)) == (TaskState.NOT_APPLICABLE, Asks.NOTHING)
    assert status(withdrawn.having(ended())) == (TaskState.UNDONE, Asks.NOTHING)


def test_the_gate_tests_the_law_book_by_the_day_of_the_act() -> None:
    """The measure is retired after 2 March: an act of that day had its basis, an act of the next day had none."""
    gone = book_of(a_measure(effective_to=date(2026, 3, 2)))
    later = after(directed()).at(NOON + timedelta(days=3))
    later.when(apply(gone)).then_rejected("basis_gone", reason=RefusalReason.RETIRED)
    assert applied_in(later.when(told(gone)).events).without_basis is None
    next_day = applied_in(later.when(told(gone, done_at=NOON + timedelta(days=1))).events)
    assert next_day.without_basis is WithoutBasis.BASIS_GONE
    assert next_day.lawbook_version == gone.version


def test_what_was_done_during_a_suspension_is_recorded_as_such_also_after_it() -> None:
    held = after(directed()).having(suspended(), now=NOON + HOUR)
    now_suspended = held.at(NOON + 3 * HOUR)
    resumed_since = held.having(resumed(), now=NOON + 3 * HOUR).at(NOON + 4 * HOUR)
    ended_since = held.having(ended(), now=NOON + 3 * HOUR).at(NOON + 4 * HOUR)
    for response in (now_suspended, resumed_since, ended_since):
        applied = applied_in(response.when(told(done_at=NOON + 2 * HOUR)).events)
        assert applied.without_basis is WithoutBasis.SUSPENDED
        assert applied_in(response.when(told(done_at=NOON)).events).without_basis is None
    unfounded = now_suspended.having(told(done_at=NOON + 2 * HOUR))
    assert status(unfounded) == (TaskState.APPLIED, Asks.UNDO)
    [event] = unfounded.when(resumed()).events
    assert isinstance(event, LinesResumed)
    assert event.lines[0].due_on is None, "the last day to undo stays"
    assert status(unfounded.having(undo(Undone.RESTORED))) == (TaskState.UNDONE, Asks.NOTHING)
    assert status(unfounded.having(undo(Undone.RESTORED), resumed())) == (TaskState.UNDONE, Asks.ANSWER)


def test_an_effect_without_a_basis_is_still_to_be_undone_after_the_end() -> None:
    gone = book_of(a_measure(effective_to=date(2026, 3, 1)))
    response = after(directed(), told(gone), ended())
    assert status(response) == (TaskState.APPLIED, Asks.UNDO)
    response.when(undo(Undone.STOPPED)).then_rejected("undoing_not_enough")
    assert status(response.having(undo(Undone.RESTORED))) == (TaskState.UNDONE, Asks.NOTHING)


def test_what_is_applied_again_after_its_undoing_is_another_effect() -> None:
    response = over(APPLY).having(undo(Undone.STOPPED)).at(NOON + 4 * HOUR)
    response.when(APPLY).then_rejected("already_answered")
    response.when(told(done_at=NOON + HOUR)).then_rejected("already_answered")
    again = response.when(told(done_at=NOON + 3 * HOUR))
    assert applied_in(again.events).without_basis is WithoutBasis.AFTER_END
    assert status(again.next) == (TaskState.APPLIED, Asks.UNDO)


def test_an_armed_measure_that_is_applied_on_an_occasion_after_its_end_is_recorded() -> None:
    response = over(APPLY, held=line(works=Works.OCCASION))
    response.when(APPLY).then_rejected("line_ended")
    assert applied_in(response.when(told(done_at=NOON + HOUR)).events).without_basis is WithoutBasis.AFTER_END


def test_of_an_end_that_an_older_event_ordered_the_time_is_not_known() -> None:
    """Nothing is applied any more, and nobody is blamed by a guess."""
    end = after(directed()).when(ended(), now=NOON + HOUR).events[0]
    assert isinstance(end, EndOrdered)
    older = end.model_copy(update={"ordered_at": None})
    response = given(RESPONSE, *given(RESPONSE).when(directed()).events, older, now=NOON + 3 * HOUR)
    response.when(APPLY).then_rejected("line_ended")
    assert applied_in(response.when(told(done_at=NOON + 2 * HOUR)).events).without_basis is None


@pytest.mark.parametrize("mode", list(EndMode))
def test_an_end_that_is_ordered_again_changes_nothing(mode: EndMode) -> None:
    for answers in ((), (APPLY,), (NOT_APPLICABLE,)):
        after(directed(), *answers, ended(mode=mode)).when(ended(mode=mode)).then_nothing()
    after(directed(), APPLY, ended(mode=EndMode.FROM_BEGINNING)).when(ended()).then_nothing()


def test_wrong_from_the_beginning_reopens_what_was_only_stopped() -> None:
    response = after(directed(), APPLY, ended(), undo(Undone.STOPPED), ended(mode=EndMode.FROM_BEGINNING))
    state = task_in(response).state
    assert state == ToUndo(EndMode.FROM_BEGINNING, state.effect, Undoing.RESTORE)  # pyright: ignore
    assert status(response) == (TaskState.APPLIED, Asks.UNDO)
    response.when(undo(Undone.STOPPED)).then_rejected("undoing_not_enough")
    assert status(response.having(undo(Undone.RESTORED))) == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize(
    ("held", "first"),
    [(line(), Undone.RESTORED), (line(on_error=Undoing.STOP), Undone.STOPPED)],
)
def test_wrong_from_the_beginning_changes_nothing_when_the_undoing_was_enough(held: Line, first: Undone) -> None:
    response = after(directed(held), APPLY, ended(), undo(first), ended(mode=EndMode.FROM_BEGINNING))
    assert status(response) == (TaskState.UNDONE, Asks.NOTHING)


def test_a_late_effect_owes_what_the_latest_end_says() -> None:
    response = over(mode=EndMode.FROM_NOW).having(
        undo(Undone.NEVER_APPLIED), ended(mode=EndMode.FROM_BEGINNING), told()
    )
    response.when(undo(Undone.STOPPED)).then_rejected("undoing_not_enough")


def test_nothing_can_be_undone_before_its_end_is_ordered() -> None:
    after(directed(), APPLY).when(undo()).then_rejected("end_not_ordered")


# --- invariants after any commands -----------------------------------------------------------------------------------

LINES = st.fixed_dictionaries(
    {
        "works": st.sampled_from(Works),
        "force": st.sampled_from(Force),
        "kind": st.sampled_from(MeasureKind),
        "on_end": st.sampled_from(Undoing),
        "on_error": st.sampled_from(Undoing),
    }
).map(lambda changes: line(**changes))
COMMANDS = st.lists(
    st.sampled_from(
        [
            suspended(),
            resumed(),
            ended(),
            ended(mode=EndMode.FROM_BEGINNING),
            directed(),
            ACKNOWLEDGE,
            APPLY,
            told(),
            told(done_at=NOON + 2 * HOUR),
            told(done_at=NOON + 5 * HOUR),
            NOT_APPLICABLE,
            FAIL,
            REFUSE,
            *(undo(how) for how in Undone),
        ]
    ),
    max_size=14,
)


def live(response: AResponse, commands: Sequence[Command]) -> tuple[AResponse, list[Event]]:
    """The response after these commands, an hour apart, and the events. Orders are always accepted. A report is accepted, or
    refused without any change."""
    events: list[Event] = []
    for command in commands:
        response = response.at(response.now + HOUR)
        before = response.state
        outcome = response.when(command)
        if outcome.rejected is None:
            events += outcome.events
            response = outcome.next
        else:
            assert isinstance(command, Report)
            assert response.state == before
    return response, events


@settings(max_examples=400)
@for_all(held=LINES, commands=COMMANDS)
def test_after_an_end_every_line_is_undone_or_owes_exactly_one_thing(held: Line, commands: list[Command]) -> None:
    response, _ = live(after(directed(held)), [*commands, ended()])
    state, asked = status(response)
    assert (state is TaskState.UNDONE) == (asked is Asks.NOTHING)
    assert asked in (Asks.NOTHING, Asks.UNDO, Asks.CONFIRM)
    required = {Asks.UNDO: undo(Undone.RESTORED), Asks.CONFIRM: undo(Undone.NEVER_APPLIED)}
    if asked in required:
        response = response.having(required[asked])
    assert status(response) == (TaskState.UNDONE, Asks.NOTHING)


@settings(max_examples=400)
@for_all(held=LINES, commands=COMMANDS)
def test_what_is_barred_is_never_applied_but_for_what_is_flagged_and_no_line_twice_without_an_undoing(
    held: Line, commands: list[Command]
) -> None:
    _, events = live(after(directed(held)), commands)
    spans: list[tuple[datetime, datetime]] = []
    since, end, in_effect = NEVER, NEVER, False
    for event in events:
        match event:
            case LinesSuspended():
                since = event.since
            case LinesResumed(resumed_at=datetime() as until):
                spans, since = [*spans, (since, until)], NEVER
            case EndOrdered(ordered_at=datetime() as at):
                spans, since, end = [*spans, (since, at)], NEVER, min(end, at)
                in_effect = in_effect or event.lines[0].effect is not None  # reopened: the undoing was not enough
            case Armed() | Applied():
                on_occasion = held.works in (Works.OCCASION, Works.ACT_AND_OCCASION)
                flagged = isinstance(event, Applied) and event.without_basis is not None
                assert not in_effect or (flagged and on_occasion)
                suspended_then = event.done_at >= since or any(a <= event.done_at < b for a, b in spans)
                assert flagged == (event.done_at >= end or suspended_then)
                in_effect = True
            case EffectUndone() if event.how is not Undone.NEVER_APPLIED:
                assert in_effect
                in_effect = False
            case EffectUndone():
                assert not in_effect
            case _:
                pass


NEVER = datetime.max.replace(tzinfo=UTC)


@settings(max_examples=200)
@for_all(held=LINES, commands=COMMANDS)
def test_an_effect_whose_undoing_was_enough_stays_undone(held: Line, commands: list[Command]) -> None:
    response, _ = live(after(directed(held)), [*commands, ended(mode=EndMode.FROM_BEGINNING)])
    if status(response)[1] is Asks.NOTHING:
        state = task_in(response).state
        assert isinstance(state, UndoneTask)
        later, _ = live(response, [ended(), ended(mode=EndMode.FROM_BEGINNING), suspended(), resumed()])
        assert task_in(later).state == state


@settings(max_examples=200)
@for_all(held=LINES, commands=COMMANDS)
def test_a_real_effect_is_always_accepted_when_none_was_known(held: Line, commands: list[Command]) -> None:
    response, events = live(after(directed(held)), [*commands, ended()])
    if not any(isinstance(event, Armed | Applied) for event in events):
        assert response.when(APPLY).faults == [("line_ended", None)]
        assert applied_in(response.when(told()).events).late
        after_end = applied_in(response.when(told(done_at=response.now)).events)
        assert after_end.without_basis is WithoutBasis.AFTER_END


# --- checks (row 11) -------------------------------------------------------------------------------------------------


def known(
    held: Line, state: TaskState = TaskState.ARMED, *, department: DepartmentId = TAX, **changed: bool
) -> KnownLine:
    [opened] = given(RESPONSE).when(directed(held)).events
    assert isinstance(opened, LinesDirected)
    direction = opened.model_copy(update={"department": department})
    return KnownLine(
        direction,
        held,
        state,
        changed.get("suspended", False),
        changed.get("ended", False),
        changed.get("without_basis", False),
    )


OCCASION = line(works=Works.OCCASION, matters=("procurement",))
TODAY = date(2026, 3, 2)


@pytest.mark.parametrize("state", [TaskState.DIRECTED, TaskState.ACKNOWLEDGED, TaskState.ARMED])
def test_an_occasion_measure_hits_in_its_matter_whether_armed_or_not(state: TaskState) -> None:
    found = find([known(OCCASION, state)], TAX, "procurement", BOOK, TODAY)
    assert [hit.measure_id for hit in found.hits] == ["m1"]
    assert found.hits[0].must
    assert [entry.entry_id for entry in found.lists] == ["e1"]


def test_a_measure_without_matters_hits_in_any() -> None:
    held = line(works=Works.ACT_AND_OCCASION)
    assert len(find([known(held, TaskState.APPLIED)], TAX, "licensing", BOOK, TODAY).hits) == 1


@pytest.mark.parametrize(
    "held",
    [
        known(OCCASION.model_copy(update={"matters": ("licensing",)})),
        known(line(works=Works.ACT), TaskState.APPLIED),
        known(OCCASION, suspended=True),
        known(OCCASION, TaskState.APPLIED, without_basis=True),
        known(OCCASION, TaskState.NOT_APPLICABLE),
    ],
)
def test_what_is_not_due_here_does_not_hit_and_the_list_is_still_named(held: KnownLine) -> None:
    found = find([held], TAX, "procurement", BOOK, TODAY)
    assert found.hits == ()
    assert len(found.lists) == 1


def test_a_check_shows_nothing_of_the_matters_of_other_departments() -> None:
    found = find([known(OCCASION, department=COURT)], TAX, "procurement", BOOK, TODAY)
    assert (found.hits, found.barred, found.lists) == ((), (), ())


def test_an_ended_line_gives_neither_a_hit_nor_a_list() -> None:
    found = find([known(OCCASION, ended=True)], TAX, "procurement", BOOK, TODAY)
    assert (found.hits, found.lists) == ((), ())


def test_a_punishment_whose_basis_is_gone_is_named_as_barred() -> None:
    found = find([known(OCCASION)], TAX, "procurement", book_of(a_measure(published=False)), TODAY)
    assert found.hits == ()
    assert found.barred[0].reason is RefusalReason.UNPUBLISHED


def test_no_record_names_the_lists_that_the_department_implements() -> None:
    found = find([], TAX, "procurement", BOOK, TODAY)
    assert [(one.domain_id, one.list_kind) for one in found.covers] == [("tax", ListKind.BLACK)]
    assert find([], COURT, "procurement", BOOK, TODAY).covers == ()


def made(*hits: Hit) -> CheckMade:
    return CheckMade(
        check_id="c1",
        receipt_number="20260302-1",
        department=TAX,
        subject=SUBJECT.key,
        matter="procurement",
        made_at=NOON,
        hits=hits,
        barred=(),
        lists=(),
        covers=(),
        as_of=NOON,
        complete=True,
        lawbook_version=3,
    )


HIT = find([known(OCCASION)], TAX, "procurement", BOOK, TODAY).hits[0]


def outcome_by(department: DepartmentId = TAX) -> RecordOutcome:
    return RecordOutcome("c1", department, applied=True, note="取消投标资格")


def test_the_outcome_of_a_hit_is_recorded_once() -> None:
    check = given(CHECK, made(HIT))
    assert check.state is not None
    assert check.state.awaits_outcome
    recorded = OutcomeRecorded(check_id="c1", applied=True, note="取消投标资格", recorded_at=NOON)
    check.when(outcome_by()).then(recorded).when(outcome_by()).then_rejected("outcome_recorded_already")


def test_a_check_without_hits_awaits_no_outcome() -> None:
    given(CHECK, made()).when(outcome_by()).then_rejected("no_outcome_awaited")


def test_an_outcome_belongs_to_the_department_that_asked() -> None:
    given(CHECK, made(HIT)).when(outcome_by(COURT)).then_rejected("unknown_id")
    given(CHECK).when(outcome_by()).then_rejected("unknown_id")
