"""What a department owes, may say, and has to undo; and what a check finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.executor.domain import check, response
from services.executor.domain.answers import LineAnswer, Saying
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
from services.executor.domain.response import Order, Report, Response
from services.executor.domain.task import Asks, Task, TaskState, ToUndo, asks, named
from services.executor.domain.task import Undone as UndoneTask
from shared.contracts.event import (
    DepartmentId,
    DomainId,
    EntryId,
    Event,
    EventId,
    InstrumentId,
    LineId,
    MeasureId,
    ResponseId,
    SubjectKey,
)
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
)
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Domain,
    Duty,
    Force,
    Instrument,
    ListKind,
    Measure,
    MeasureKind,
    SubjectKind,
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import DomainPublished, InstrumentPublished, MeasurePublished
from shared.contracts.listing import Subject
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
from shared.rejection import Rejected

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # a Monday morning in Shanghai
HOUR = timedelta(hours=1)
TAX, COURT = DepartmentId("example-tax"), DepartmentId("example-court")
KEY = SubjectKey("other-example:1")
SUBJECT = Subject(key=KEY, kind=SubjectKind.OTHER, name="示例甲有限公司")
PUBLISHED = date(2020, 1, 1)


# --- given, when, then -----------------------------------------------------------------------------------------------


def a_measure(number: int, **changed: object) -> Measure:
    facts: dict[str, object] = {
        "measure_id": f"m{number}",
        "version": 1,
        "text_zh": f"示例措施{number}",
        "clause": "示例",
        "kind": MeasureKind.DISCIPLINE,
        "constraint": Constraint.ADMINISTRATIVE,
        "force": Force.MANDATORY,
        "duty": Duty.OWED,
        "works": Works.ACT,
        "target": Target(lists=(ListKind.BLACK,)),
        "implementers": (TAX,),
        "basis": (Basis(document="示例办法", article="第一条", valid_from=PUBLISHED),),
        "instrument_id": "memo",
        "on_end": Undoing.STOP,
        "on_error": Undoing.RESTORE,
        "published": True,
        "effective_from": PUBLISHED,
    }
    return Measure.model_validate(facts | changed)


def a_book(*measures: Measure, in_force_to: date | None = None) -> LawBook:
    instrument = Instrument(
        instrument_id=InstrumentId("memo"),
        version=1,
        kind="memorandum",
        title_zh="示例备忘录",
        document_number="示例〔2020〕1号",
        issued_by="示例办",
        region="000000",
        in_force_from=PUBLISHED,
        in_force_to=in_force_to,
    )
    domain = Domain(
        domain_id=DomainId("tax"), name_zh="税收", name_en="Tax", lists=(ListKind.BLACK, ListKind.RED), may_list=(TAX,)
    )
    published = measures or tuple(a_measure(number) for number in range(1, 4))
    events = [
        InstrumentPublished(lawbook_version=1, instrument=instrument),
        DomainPublished(lawbook_version=2, domain=domain),
        *(MeasurePublished(lawbook_version=v, measure=m) for v, m in enumerate(published, start=3)),
    ]
    return LawBook.empty().with_changes(events)


BOOK = a_book()


def a_line(number: int = 1, **changed: object) -> Line:
    facts: dict[str, object] = {
        "line_id": f"l{number}",
        "measure_id": MeasureId(f"m{number}"),
        "measure_version": 1,
        "text_zh": f"示例措施{number}",
        "kind": MeasureKind.DISCIPLINE,
        "force": Force.MANDATORY,
        "duty": Duty.OWED,
        "works": Works.ACT,
        "instrument_id": "memo",
        "instrument_version": 1,
        "basis": "示例办法 第一条",
        "on_end": Undoing.STOP,
        "on_error": Undoing.RESTORE,
        "nothing_to_undo_because": "一次性告知，无后续影响",
        "answer_within_days": 10,
        "undo_within_days": 5,
    }
    return Line.model_validate(facts | changed)


FACTS = {
    "entry_id": EntryId("e1"),
    "subject": KEY,
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
            "entry_subject": KEY,
            "jurisdiction": "410300",
            "until": until,
            "lines": lines or (a_line(),),
        }
    )


def suspended(*lines: str) -> ResponseSuspended:
    return ResponseSuspended.model_validate({**FACTS, "lines": lines or ("l1",), "reason": "异议受理"})


def resumed(*lines: str) -> ResponseResumed:
    return ResponseResumed.model_validate({**FACTS, "lines": lines or ("l1",), "reason": "异议办结"})


def ended(*lines: str, mode: EndMode = EndMode.FROM_NOW) -> ResponseEnded:
    return ResponseEnded.model_validate({**FACTS, "lines": lines or ("l1",), "mode": mode, "reason": "信用修复"})


def says(saying: Saying, line: str = "l1", **said: object) -> LineAnswer:
    return LineAnswer(LineId(line), saying, **said)  # pyright: ignore[reportArgumentType]


ACK, APPLY = says(Saying.ACKNOWLEDGE), says(Saying.APPLY)
NOT_APPLICABLE = says(Saying.NOT_APPLICABLE, reason="主体已注销")
FAIL = says(Saying.FAIL, reason="系统故障")
REFUSE = says(Saying.REFUSE, reason="本部门不采纳")


def undo(how: Undone = Undone.STOPPED, line: str = "l1", evidence: str = "示例〔2026〕9号") -> LineAnswer:
    return says(Saying.UNDO, line, how=how, evidence=evidence)


@dataclass
class Story:
    """A response, told in order: an hour lies between two steps."""

    state: Response | None = None
    now: datetime = NOW
    events: list[Event] = field(default_factory=list[Event])
    last: Sequence[Event] = ()

    def then(self, *steps: Order | LineAnswer, book: LawBook = BOOK) -> "Story":
        for step in steps:
            command = Report((step,), book) if isinstance(step, LineAnswer) else step
            self.last = response.decide(self.state, command, self.now)
            for event in self.last:
                self.state = response.evolve(self.state, event)
                self.events.append(event)
            self.now += HOUR
        return self

    def fault(self, step: Order | LineAnswer, book: LawBook = BOOK) -> str:
        with pytest.raises(Rejected) as refused:
            self.then(step, book=book)
        assert len(refused.value.faults) == 1
        return refused.value.faults[0].code

    def task(self, line: str = "l1") -> Task:
        assert self.state is not None
        return self.state.tasks[LineId(line)]

    def stands(self, line: str = "l1") -> tuple[TaskState, Asks]:
        return named(self.task(line).state), asks(self.task(line))


def given_(*steps: Order | LineAnswer, book: LawBook = BOOK) -> Story:
    return Story().then(*steps, book=book)


def last(story: Story, kind: type[Event]) -> Event:
    return next(event for event in reversed(story.events) if isinstance(event, kind))


# --- directed, and due -----------------------------------------------------------------------------------------------


def test_a_directed_line_asks_for_an_answer_within_its_working_days() -> None:
    story = given_(directed())
    assert story.stands() == (TaskState.DIRECTED, Asks.ANSWER)
    opened = story.last[0]
    assert isinstance(opened, LinesDirected)
    assert opened.due == (date(2026, 3, 16),)  # ten working days after 2 March 2026


def test_an_invited_duty_has_no_due_date() -> None:
    opened = given_(directed(a_line(duty=Duty.INVITED))).last[0]
    assert isinstance(opened, LinesDirected)
    assert opened.due == (None,)


def test_a_line_that_is_directed_again_changes_nothing() -> None:
    assert given_(directed(), directed()).last == []


def test_new_lines_join_the_response() -> None:
    story = given_(directed(a_line(1)), directed(a_line(1), a_line(2)))
    opened = story.last[0]
    assert isinstance(opened, LinesDirected)
    assert [line.line_id for line in opened.lines] == ["l2"]
    assert story.stands("l2") == (TaskState.DIRECTED, Asks.ANSWER)


def test_an_amended_term_is_told_once() -> None:
    amended = ResponseAmended.model_validate({**FACTS, "until": date(2027, 1, 1)})
    story = given_(directed(), amended)
    assert story.last == [TermAmended(response_id=ResponseId("r1"), until=date(2027, 1, 1))]
    assert story.then(amended).last == []


@pytest.mark.parametrize("order", [suspended(), resumed(), ended()])
def test_an_order_about_what_was_never_directed_is_refused_and_parks(order: Order) -> None:
    assert Story().fault(order) == "unknown_response"
    assert given_(directed(a_line(2))).fault(order) == "unknown_line"


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
    story = given_(directed(a_line(works=works)), ACK, APPLY)
    assert story.stands() == (state, Asks.NOTHING)
    assert isinstance(story.last[0], event)


@pytest.mark.parametrize(
    ("answer", "event", "state", "asked"),
    [
        (ACK, Acknowledged, TaskState.ACKNOWLEDGED, Asks.ANSWER),
        (NOT_APPLICABLE, NotApplicable, TaskState.NOT_APPLICABLE, Asks.NOTHING),
        (FAIL, Failed, TaskState.FAILED, Asks.ANSWER),
        (REFUSE, Refused, TaskState.REFUSED, Asks.NOTHING),
    ],
)
def test_other_answers_are_taken_with_their_reason(
    answer: LineAnswer, event: type[Event], state: TaskState, asked: Asks
) -> None:
    story = given_(directed(a_line(force=Force.RECOMMENDED)), answer)
    assert isinstance(story.last[0], event)
    assert story.stands() == (state, asked)
    assert story.fault(answer) == "already_answered"


def test_a_mandatory_measure_cannot_be_refused() -> None:
    assert given_(directed()).fault(REFUSE) == "refusal_not_allowed"


@pytest.mark.parametrize("saying", [Saying.NOT_APPLICABLE, Saying.REFUSE, Saying.FAIL])
def test_an_answer_that_needs_a_reason_is_refused_without(saying: Saying) -> None:
    assert given_(directed(a_line(force=Force.RECOMMENDED))).fault(says(saying, reason=" ")) == "field_missing"


@pytest.mark.parametrize("first", [FAIL, REFUSE, NOT_APPLICABLE])
def test_what_failed_or_was_declined_may_still_be_applied(first: LineAnswer) -> None:
    story = given_(directed(a_line(force=Force.RECOMMENDED)), first, APPLY)
    assert story.stands() == (TaskState.APPLIED, Asks.NOTHING)


def test_nothing_is_applied_twice() -> None:
    assert given_(directed(), APPLY).fault(APPLY) == "already_answered"
    assert given_(directed(a_line(works=Works.OCCASION)), APPLY).fault(APPLY) == "already_answered"


def test_one_event_tells_all_lines_of_one_kind_of_answer() -> None:
    story = given_(directed(a_line(1), a_line(2), a_line(3)))
    told = (says(Saying.APPLY, "l1"), says(Saying.APPLY, "l2"), says(Saying.ACKNOWLEDGE, "l3"))
    events = response.decide(story.state, Report(told, BOOK), story.now)
    assert [(type(e), e.lines) for e in events if isinstance(e, ExecutionEvent)] == [
        (Applied, ("l1", "l2")),
        (Acknowledged, ("l3",)),
    ]


def test_of_many_answers_the_good_ones_can_stand() -> None:
    story = given_(directed(a_line(1), a_line(2)), says(Saying.APPLY, "l1"))
    told = (
        says(Saying.APPLY, "l1"),
        says(Saying.APPLY, "l2"),
        says(Saying.FAIL, "l2", reason="示例"),
        says(Saying.APPLY, "l9"),
    )
    assert story.state is not None
    sifted = response.sift(story.state, Report(told, BOOK), story.now)
    assert sifted.good == (told[1],)
    assert {place: faults[0].code for place, faults in sifted.bad.items()} == {
        0: "already_answered",
        2: "task_repeated",
        3: "unknown_id",
    }


def test_when_it_was_done_lies_between_the_direction_and_now() -> None:
    story = given_(directed())
    assert story.fault(says(Saying.APPLY, done_at=story.now + HOUR)) == "date_in_future"
    assert story.fault(says(Saying.APPLY, done_at=NOW - HOUR)) == "done_before_directed"
    applied = story.then(says(Saying.APPLY, done_at=NOW)).last[0]
    assert isinstance(applied, Applied)
    assert applied.done_at == NOW


def test_all_faults_of_an_answer_are_told_at_once() -> None:
    story = given_(directed())
    with pytest.raises(Rejected) as refused:
        story.then(says(Saying.UNDO, done_at=NOW - HOUR))
    assert [f.code for f in refused.value.faults] == [
        "done_before_directed",
        "field_missing",
        "field_missing",
        "end_not_ordered",
    ]


# --- the basis gate, when applied (row 5) ----------------------------------------------------------------------------


ENDED = Basis(document="示例办法", article="第一条", valid_from=PUBLISHED, valid_to=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("book", "line", "reason"),
    [
        (a_book(a_measure(1, published=False)), a_line(), RefusalReason.UNPUBLISHED),
        (a_book(a_measure(1), a_measure(1, version=2, published=False)), a_line(), RefusalReason.UNPUBLISHED),
        (a_book(a_measure(2)), a_line(), RefusalReason.UNPUBLISHED),
        (a_book(a_measure(1, effective_to=date(2026, 3, 1))), a_line(), RefusalReason.RETIRED),
        (BOOK, a_line(basis_valid_to=date(2026, 3, 1)), RefusalReason.BASIS_NOT_VALID),
        (a_book(a_measure(1, basis=(ENDED,))), a_line(), RefusalReason.BASIS_NOT_VALID),
        (a_book(a_measure(1), in_force_to=date(2026, 3, 1)), a_line(), RefusalReason.INSTRUMENT_NOT_IN_FORCE),
    ],
)
def test_a_punishment_whose_basis_is_gone_is_not_applied(book: LawBook, line: Line, reason: RefusalReason) -> None:
    story = given_(directed(line))
    with pytest.raises(Rejected) as refused:
        story.then(APPLY, book=book)
    assert refused.value.faults[0].code == "basis_gone"
    assert refused.value.faults[0].facts["reason"] is reason
    assert story.then(NOT_APPLICABLE, book=book).stands() == (TaskState.NOT_APPLICABLE, Asks.NOTHING)


def test_the_last_day_of_a_basis_still_holds_in_shanghai() -> None:
    late = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    story = given_(directed(a_line(basis_valid_to=date(2026, 3, 2))))
    story.now = late
    assert story.then(APPLY).stands()[0] is TaskState.APPLIED


def test_a_withdrawal_that_begins_later_bars_nothing_today() -> None:
    book = a_book(a_measure(1), a_measure(1, version=2, published=False, effective_from=date(2026, 7, 1)))
    assert given_(directed(), APPLY, book=book).stands()[0] is TaskState.APPLIED


def test_an_incentive_passes_the_gate() -> None:
    book = a_book(a_measure(1, published=False))
    story = given_(directed(a_line(kind=MeasureKind.INCENTIVE)))
    assert story.then(APPLY, book=book).stands()[0] is TaskState.APPLIED


# --- suspension (row 16) ---------------------------------------------------------------------------------------------


def test_a_suspended_punishment_must_not_be_applied_and_asks_nothing() -> None:
    story = given_(directed(), suspended())
    assert story.stands() == (TaskState.DIRECTED, Asks.NOTHING)
    assert story.fault(APPLY) == "line_suspended"


def test_what_was_applied_before_the_suspension_may_be_reported_during_it() -> None:
    story = given_(directed(), suspended(), says(Saying.APPLY, done_at=NOW + HOUR / 2))
    assert story.stands() == (TaskState.APPLIED, Asks.NOTHING)


def test_after_it_is_resumed_the_time_to_answer_starts_anew() -> None:
    story = given_(directed(), suspended())
    story.now = NOW + timedelta(days=7)
    event = story.then(resumed()).last[0]
    assert isinstance(event, LinesResumed)
    assert event.lines[0].due_on == date(2026, 3, 23)
    assert story.stands() == (TaskState.DIRECTED, Asks.ANSWER)
    assert story.then(APPLY).stands()[0] is TaskState.APPLIED


def test_only_punishments_are_suspended() -> None:
    story = given_(directed(a_line(1, kind=MeasureKind.INCENTIVE), a_line(2)), suspended("l1", "l2"))
    event = story.last[0]
    assert isinstance(event, LinesSuspended)
    assert event.lines == ("l2",)


def test_suspending_twice_and_resuming_twice_changes_nothing() -> None:
    assert given_(directed(), suspended(), suspended()).last == []
    assert given_(directed(), suspended(), resumed(), resumed()).last == []


# --- the end (row 18) ------------------------------------------------------------------------------------------------


def test_an_applied_line_that_ends_owes_an_undoing_with_evidence() -> None:
    story = given_(directed(), APPLY, ended())
    event = story.last[0]
    assert isinstance(event, EndOrdered)
    assert event.lines[0].due_on == date(2026, 3, 9)  # five working days
    assert story.stands() == (TaskState.APPLIED, Asks.UNDO)
    assert story.fault(undo(evidence="")) == "field_missing"
    assert story.then(undo()).stands() == (TaskState.UNDONE, Asks.NOTHING)
    assert story.fault(undo()) == "already_answered"


@pytest.mark.parametrize(
    ("mode", "line", "not_enough", "enough"),
    [
        (EndMode.FROM_NOW, a_line(), [Undone.NEVER_APPLIED, Undone.NOTHING_TO_UNDO], [Undone.STOPPED, Undone.RESTORED]),
        (EndMode.FROM_BEGINNING, a_line(), [Undone.STOPPED, Undone.NEVER_APPLIED], [Undone.RESTORED]),
        (
            EndMode.FROM_BEGINNING,
            a_line(on_error=Undoing.STOP),
            [Undone.NOTHING_TO_UNDO],
            [Undone.STOPPED, Undone.RESTORED],
        ),
        (EndMode.FROM_NOW, a_line(on_end=Undoing.RESTORE), [Undone.STOPPED], [Undone.RESTORED]),
    ],
)
def test_the_mode_of_the_end_says_which_undoing_is_enough(
    mode: EndMode, line: Line, not_enough: list[Undone], enough: list[Undone]
) -> None:
    for how in not_enough:
        assert given_(directed(line), APPLY, ended(mode=mode)).fault(undo(how)) == "undoing_not_enough"
    for how in enough:
        assert given_(directed(line), APPLY, ended(mode=mode), undo(how)).stands()[1] is Asks.NOTHING


@pytest.mark.parametrize(
    ("mode", "line"),
    [
        (EndMode.FROM_NOW, a_line(on_end=Undoing.NOTHING)),
        (EndMode.FROM_BEGINNING, a_line(on_error=Undoing.NOTHING)),
    ],
)
def test_where_the_measure_leaves_nothing_to_undo_that_is_said_at_once(mode: EndMode, line: Line) -> None:
    story = given_(directed(line), APPLY, ended(mode=mode))
    undone = story.last[1]
    assert isinstance(undone, EffectUndone)
    assert (undone.how, undone.evidence) == (Undone.NOTHING_TO_UNDO, line.nothing_to_undo_because)
    assert story.stands() == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("answer", [NOT_APPLICABLE, REFUSE, FAIL])
def test_what_was_answered_without_an_effect_is_never_applied_at_once(answer: LineAnswer) -> None:
    story = given_(directed(a_line(force=Force.RECOMMENDED)), answer, ended())
    undone = story.last[1]
    assert isinstance(undone, EffectUndone)
    assert (undone.how, undone.evidence) == (Undone.NEVER_APPLIED, answer.reason)
    assert story.stands() == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("before", [(), (ACK,)])
def test_a_line_that_nobody_answered_has_to_be_confirmed(before: tuple[LineAnswer, ...]) -> None:
    story = given_(directed(), *before, ended())
    assert story.stands()[1] is Asks.CONFIRM
    assert story.fault(ACK) == "line_ended"
    assert story.fault(NOT_APPLICABLE) == "line_ended"
    assert story.fault(undo(Undone.STOPPED)) == "effect_not_reported"
    assert story.then(undo(Undone.NEVER_APPLIED)).stands() == (TaskState.UNDONE, Asks.NOTHING)


def test_a_real_effect_is_never_refused_and_owes_its_undoing() -> None:
    """It applied at 10:00 and reports after the withdrawal at 10:02: no gate, no suspension stands in the way."""
    gone = a_book(a_measure(1, published=False))
    for confirmed in ((), (undo(Undone.NEVER_APPLIED),)):
        story = given_(directed(), suspended(), ended(), *confirmed).then(APPLY, book=gone)
        applied = story.last[0]
        assert isinstance(applied, Applied)
        assert applied.late
        assert story.stands() == (TaskState.APPLIED, Asks.UNDO)
        assert story.then(undo()).stands() == (TaskState.UNDONE, Asks.NOTHING)


def test_the_time_to_undo_a_late_effect_runs_from_its_report() -> None:
    story = given_(directed(), ended())
    story.now = NOW + timedelta(days=14)
    owed = story.then(APPLY).last[1]
    assert isinstance(owed, LateEffectsOwed)
    assert owed.lines[0].due_on == date(2026, 3, 23)


def test_a_late_effect_that_leaves_nothing_to_undo_is_undone_with_the_report() -> None:
    story = given_(directed(a_line(on_end=Undoing.NOTHING)), ended(), APPLY)
    assert [type(event) for event in story.last] == [Applied, EffectUndone]
    assert story.stands() == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize("mode", list(EndMode))
def test_an_end_that_is_ordered_again_changes_nothing(mode: EndMode) -> None:
    for answers in ((), (APPLY,), (NOT_APPLICABLE,)):
        assert given_(directed(), *answers, ended(mode=mode), ended(mode=mode)).last == []
    assert given_(directed(), APPLY, ended(mode=EndMode.FROM_BEGINNING), ended()).last == []


def test_wrong_from_the_beginning_reopens_what_was_only_stopped() -> None:
    story = given_(directed(), APPLY, ended(), undo(Undone.STOPPED), ended(mode=EndMode.FROM_BEGINNING))
    assert story.task().state == ToUndo(EndMode.FROM_BEGINNING, story.task().state.effect, Undoing.RESTORE)  # pyright: ignore
    assert story.stands() == (TaskState.APPLIED, Asks.UNDO)
    assert story.fault(undo(Undone.STOPPED)) == "undoing_not_enough"
    assert story.then(undo(Undone.RESTORED)).stands() == (TaskState.UNDONE, Asks.NOTHING)


@pytest.mark.parametrize(
    ("line", "first"),
    [(a_line(), Undone.RESTORED), (a_line(on_error=Undoing.STOP), Undone.STOPPED)],
)
def test_wrong_from_the_beginning_leaves_alone_what_was_undone_far_enough(line: Line, first: Undone) -> None:
    story = given_(directed(line), APPLY, ended(), undo(first), ended(mode=EndMode.FROM_BEGINNING))
    assert story.stands() == (TaskState.UNDONE, Asks.NOTHING)


def test_a_late_effect_owes_what_the_latest_end_says() -> None:
    story = given_(directed(), ended(), undo(Undone.NEVER_APPLIED), ended(mode=EndMode.FROM_BEGINNING), APPLY)
    assert story.fault(undo(Undone.STOPPED)) == "undoing_not_enough"


def test_nothing_can_be_undone_before_its_end_is_ordered() -> None:
    assert given_(directed(), APPLY).fault(undo()) == "end_not_ordered"


# --- the machine, whatever happens -----------------------------------------------------------------------------------

LINES = st.fixed_dictionaries(
    {
        "works": st.sampled_from(Works),
        "force": st.sampled_from(Force),
        "kind": st.sampled_from(MeasureKind),
        "on_end": st.sampled_from(Undoing),
        "on_error": st.sampled_from(Undoing),
    }
).map(lambda facts: a_line(**facts))
STEPS = st.lists(
    st.sampled_from(
        [
            suspended(),
            resumed(),
            ended(),
            ended(mode=EndMode.FROM_BEGINNING),
            directed(),
            ACK,
            APPLY,
            NOT_APPLICABLE,
            FAIL,
            REFUSE,
            *(undo(how) for how in Undone),
        ]
    ),
    max_size=14,
)


def live(story: Story, steps: Sequence[Order | LineAnswer]) -> None:
    """Orders always pass; an answer passes or is refused, and then nothing has happened."""
    for step in steps:
        before = story.state
        try:
            story.then(step)
        except Rejected:
            assert isinstance(step, LineAnswer)
            assert story.state == before


@settings(max_examples=400)
@given(line=LINES, steps=STEPS)
def test_after_an_end_every_line_is_undone_or_owes_exactly_one_thing(
    line: Line, steps: list[Order | LineAnswer]
) -> None:
    story = given_(directed(line))
    live(story, [*steps, ended()])
    state, asked = story.stands()
    assert (state is TaskState.UNDONE) == (asked is Asks.NOTHING)
    assert asked in (Asks.NOTHING, Asks.UNDO, Asks.CONFIRM)
    answer = {Asks.UNDO: undo(Undone.RESTORED), Asks.CONFIRM: undo(Undone.NEVER_APPLIED)}
    if asked in answer:
        story.then(answer[asked])
    assert story.stands() == (TaskState.UNDONE, Asks.NOTHING)


@settings(max_examples=400)
@given(line=LINES, steps=STEPS)
def test_a_suspended_punishment_is_never_applied_and_nothing_twice_without_an_undoing(
    line: Line, steps: list[Order | LineAnswer]
) -> None:
    story = given_(directed(line))
    live(story, steps)
    held_back, over, in_effect = False, False, False
    for event in story.events:
        match event:
            case LinesSuspended():
                held_back = True
            case LinesResumed():
                held_back = False
            case EndOrdered():
                over = True
            case Armed() | Applied():
                assert not in_effect
                assert over or not held_back
                in_effect = True
            case EffectUndone() if event.how is not Undone.NEVER_APPLIED:
                assert in_effect
            case EffectUndone():
                assert not in_effect
            case _:
                pass


@settings(max_examples=200)
@given(line=LINES, steps=STEPS)
def test_an_effect_that_was_undone_far_enough_stays_so(line: Line, steps: list[Order | LineAnswer]) -> None:
    story = given_(directed(line))
    live(story, [*steps, ended(mode=EndMode.FROM_BEGINNING)])
    if story.stands()[1] is Asks.NOTHING:
        held = story.task().state
        assert isinstance(held, UndoneTask)
        live(story, [ended(), ended(mode=EndMode.FROM_BEGINNING), suspended(), resumed()])
        assert story.task().state == held


@settings(max_examples=200)
@given(line=LINES, steps=STEPS)
def test_a_late_effect_is_always_accepted_when_none_was_known(line: Line, steps: list[Order | LineAnswer]) -> None:
    story = given_(directed(line))
    live(story, [*steps, ended()])
    if not any(isinstance(event, Armed | Applied) for event in story.events):
        story.then(APPLY)
        assert isinstance(story.last[0], Applied)
        assert story.last[0].late


# --- checks (row 11) -------------------------------------------------------------------------------------------------


def known(
    line: Line, state: TaskState = TaskState.ARMED, *, department: DepartmentId = TAX, **changed: bool
) -> KnownLine:
    opened = given_(directed(line)).last[0]
    assert isinstance(opened, LinesDirected)
    direction = opened.model_copy(update={"department": department})
    return KnownLine(direction, line, state, changed.get("suspended", False), changed.get("ended", False))


OCCASION = a_line(works=Works.OCCASION, matters=("procurement",))
TODAY = date(2026, 3, 2)


@pytest.mark.parametrize("state", [TaskState.DIRECTED, TaskState.ACKNOWLEDGED, TaskState.ARMED])
def test_an_occasion_measure_hits_in_its_matter_whether_armed_or_not(state: TaskState) -> None:
    found = find([known(OCCASION, state)], TAX, "procurement", BOOK, TODAY)
    assert [hit.measure_id for hit in found.hits] == ["m1"]
    assert found.hits[0].must
    assert [standing.entry_id for standing in found.lists] == ["e1"]


def test_a_measure_without_matters_hits_in_any() -> None:
    line = a_line(works=Works.ACT_AND_OCCASION)
    assert len(find([known(line, TaskState.APPLIED)], TAX, "licensing", BOOK, TODAY).hits) == 1


@pytest.mark.parametrize(
    "line",
    [
        known(OCCASION.model_copy(update={"matters": ("licensing",)})),
        known(a_line(works=Works.ACT), TaskState.APPLIED),
        known(OCCASION, suspended=True),
        known(OCCASION, TaskState.NOT_APPLICABLE),
        known(OCCASION, department=COURT),
    ],
)
def test_what_is_not_due_here_does_not_hit_and_the_list_is_still_told(line: KnownLine) -> None:
    found = find([line], TAX, "procurement", BOOK, TODAY)
    assert found.hits == ()
    assert len(found.lists) == 1


def test_what_has_ended_is_not_told() -> None:
    found = find([known(OCCASION, ended=True)], TAX, "procurement", BOOK, TODAY)
    assert (found.hits, found.lists) == ((), ())


def test_a_punishment_whose_basis_is_gone_is_named_as_barred() -> None:
    found = find([known(OCCASION)], TAX, "procurement", a_book(a_measure(1, published=False)), TODAY)
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
        subject=KEY,
        matter="procurement",
        made_at=NOW,
        hits=hits,
        barred=(),
        lists=(),
        covers=(),
        as_of=NOW,
        complete=True,
        lawbook_version=3,
    )


HIT = find([known(OCCASION)], TAX, "procurement", BOOK, TODAY).hits[0]


def outcome(department: DepartmentId = TAX) -> check.RecordOutcome:
    return check.RecordOutcome("c1", department, applied=True, note="取消投标资格")


def test_the_outcome_of_a_hit_is_recorded_once() -> None:
    held = check.evolve(check.INITIAL, made(HIT))
    assert held.awaits
    events = check.decide(held, outcome(), NOW)
    assert events == [OutcomeRecorded(check_id="c1", applied=True, note="取消投标资格", recorded_at=NOW)]
    with pytest.raises(Rejected, match="outcome_recorded_already"):
        check.decide(check.evolve(held, events[0]), outcome(), NOW)


def test_a_check_without_hits_awaits_no_outcome() -> None:
    with pytest.raises(Rejected, match="no_outcome_awaited"):
        check.decide(check.evolve(check.INITIAL, made()), outcome(), NOW)


def test_an_outcome_belongs_to_the_department_that_asked() -> None:
    with pytest.raises(Rejected, match="unknown_id"):
        check.decide(check.evolve(check.INITIAL, made(HIT)), outcome(COURT), NOW)
    with pytest.raises(Rejected, match="unknown_id"):
        check.decide(None, outcome(), NOW)
