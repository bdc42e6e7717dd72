"""The ledger of feedback, folded from events of other services in any order between their topics; and its conclusions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.feedback.domain.entry import EntryState, LedgerEntry
from services.feedback.domain.events import LoopReopened
from services.feedback.domain.ledger import Ledger, LedgerEvent, ReceivedEvent, fold
from services.feedback.domain.line import LedgerLine
from services.feedback.domain.loop import LOOP, Close, Reopen
from services.feedback.domain.obligation import OBLIGATION, NoticeOverdue
from services.feedback.domain.states import Answer, LineState, OpenReason, Owes
from shared.contracts.event import (
    DepartmentId,
    DomainId,
    EntryId,
    EventId,
    LineId,
    PublicEvent,
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
    WithoutBasis,
)
from shared.contracts.feedback import LoopClosed, ObligationOverdue
from shared.contracts.lawbook import (
    Duty,
    ListKind,
    SubjectKind,
    Undoing,
)
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryCorrected,
    EntryPublished,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    Subject,
)
from shared.contracts.response import (
    EndMode,
    Line,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
    Settled,
)
from shared.ids import stable_id
from tests.builders import a_line, a_subject, an_entry
from tests.decider import given

COMPANY = SubjectKey("uscc:示例")
PERSON = SubjectKey("person:示例")
MONDAY = datetime(2024, 3, 4, 2, tzinfo=UTC)
HOUSING, BANK = DepartmentId("housing"), DepartmentId("bank")
ENTRY = EntryId("entry")
NO_EVENT = EventId("none")


@dataclass
class Story:
    """Events of the other services about one entry, each an hour after the previous one; `later` adds days."""

    events: list[ReceivedEvent] = field(default_factory=list[ReceivedEvent])
    now: datetime = MONDAY
    last_list_event: EventId = NO_EVENT
    entry_id: EntryId = ENTRY
    company: SubjectKey = COMPANY

    def add(self, event: LedgerEvent) -> "Story":
        event_id = EventId(stable_id(self.entry_id, str(len(self.events))))
        self.events.append(ReceivedEvent(event_id, event, self.now))
        if event.TYPE.startswith("list."):
            self.last_list_event = event_id
        self.now += timedelta(hours=1)
        return self

    def later(self, days: int) -> "Story":
        self.now += timedelta(days=days)
        return self

    # list events, of initiator and repair
    def published(self) -> "Story":
        return self.add(EntryPublished(**self._listed(), entry=self._entry()))

    def corrected(self) -> "Story":
        why: dict[str, Any] = {"cause": Cause.OBJECTION_UPHELD, "reason": "示例", "document_number": "示例2号"}
        return self.add(EntryCorrected(**self._listed(), entry=self._entry(), **why))

    def listed_suspended(self) -> "Story":
        return self.add(EntrySuspended(**self._listed(), case_id="c", reason="示例"))

    def listed_resumed(self) -> "Story":
        return self.add(EntryResumed(**self._listed(), case_id="c", reason="示例"))

    def repaired(self) -> "Story":
        why: dict[str, Any] = {"case_id": "r", "reason": "示例", "document_number": "示例3号"}
        return self.add(EntryRepaired(**self._listed(), **why))

    def revoked(self) -> "Story":
        why: dict[str, Any] = {"cause": Cause.ERROR, "reason": "示例", "document_number": "示例4号"}
        return self.add(EntryRevoked(**self._listed(), **why))

    # orders of the registry
    def directed(self, *lines: Line, to: DepartmentId = HOUSING, subject: SubjectKey | None = None) -> "Story":
        return self.add(
            ResponseDirected(
                **self._concluded(subject),
                response_id=ResponseId(f"{self.entry_id}/{to}/{subject or self.company}"),
                department=to,
                of=Subject(key=subject or self.company, kind=SubjectKind.LEGAL, name="示例"),
                list_kind=ListKind.BLACK,
                domain_id=DomainId("示例领域"),
                entry_subject=self.company,
                jurisdiction="410300",
                until=None,
                lines=lines,
            )
        )

    def suspended(self, *lines: str, to: DepartmentId = HOUSING, subject: SubjectKey | None = None) -> "Story":
        return self.add(
            ResponseSuspended(**self._ordered(lines, to, subject), **self._concluded(subject), reason="示例")
        )

    def resumed(self, *lines: str, to: DepartmentId = HOUSING, subject: SubjectKey | None = None) -> "Story":
        return self.add(ResponseResumed(**self._ordered(lines, to, subject), **self._concluded(subject), reason="示例"))

    def ended(
        self, *lines: str, mode: EndMode, to: DepartmentId = HOUSING, subject: SubjectKey | None = None
    ) -> "Story":
        ordered = self._ordered(lines, to, subject)
        return self.add(ResponseEnded(**ordered, **self._concluded(subject), mode=mode, reason="示例"))

    def settled(self, *lines: str, ended: bool = False) -> "Story":
        return self.add(
            Settled(
                **self._concluded(None),
                list_event_type="示例",
                lines=tuple(map(LineId, lines)),
                standing=0,
                ended=ended,
            )
        )

    # reports of the departments
    def did(
        self,
        kind: type[ExecutionEvent],
        *lines: str,
        by: DepartmentId = HOUSING,
        subject: SubjectKey | None = None,
        **more: Any,
    ) -> "Story":
        return self.add(
            kind.model_validate(
                {
                    "entry_id": self.entry_id,
                    "response_id": f"{self.entry_id}/{by}/{subject or self.company}",
                    "department": by,
                    "subject": subject or self.company,
                    "lines": lines,
                    "done_at": self.now,
                    **more,
                }
            )
        )

    def undone(
        self, *lines: str, how: Undone, by: DepartmentId = HOUSING, subject: SubjectKey | None = None
    ) -> "Story":
        return self.did(EffectUndone, *lines, by=by, subject=subject, how=how, evidence="示例凭证")

    def _entry(self) -> Entry:
        return an_entry(self.entry_id, subject=a_subject(self.company), initiated_by=DepartmentId("court"))

    def _listed(self) -> dict[str, Any]:
        return {"entry_id": self.entry_id, "subject": self.company, "lawbook_version": 1}

    def _concluded(self, subject: SubjectKey | None) -> dict[str, Any]:
        return {
            "entry_id": self.entry_id,
            "subject": subject or self.company,
            "lawbook_version": 1,
            "list_event_id": self.last_list_event,
        }

    def _ordered(self, lines: Sequence[str], to: DepartmentId, subject: SubjectKey | None) -> dict[str, Any]:
        response_id = f"{self.entry_id}/{to}/{subject or self.company}"
        return {"response_id": response_id, "department": to, "lines": lines}


def ledger_of(story: Story | Iterable[ReceivedEvent]) -> Ledger:
    return fold(Ledger(), story.events if isinstance(story, Story) else story)


def the_entry(ledger: Ledger) -> LedgerEntry:
    return ledger.entries[ENTRY]


def the_line(ledger: Ledger, line_id: str = "a") -> LedgerLine:
    return ledger.lines[LineId(line_id)]


def given_listed(*lines: Line) -> Story:
    """Published, directed to one department, settled."""
    story = Story().published()
    story = story.directed(*lines) if lines else story
    return story.settled(*[line.line_id for line in lines])


# --- while the entry is in force -------------------------------------------------------------------------------------


def test_a_listing_waits_until_every_owed_line_is_answered() -> None:
    story = given_listed(a_line("a"), a_line("b"))
    assert the_entry(ledger_of(story)).state is EntryState.WAITING
    assert the_entry(ledger_of(story.did(Applied, "a"))).state is EntryState.WAITING
    assert the_entry(ledger_of(story.did(Refused, "b", reason="示例"))).state is EntryState.ANSWERED


def test_an_acknowledgement_is_not_an_answer() -> None:
    line = the_line(ledger_of(given_listed(a_line("a")).did(Acknowledged, "a")))
    assert line.acknowledged_at is not None
    assert line.state is LineState.WAITING


def test_what_failed_is_still_to_be_done() -> None:
    line = the_line(ledger_of(given_listed(a_line("a")).did(Failed, "a", reason="示例")))
    assert line.answer is Answer.FAILED
    assert line.obligation == (Owes.ANSWER, date(2024, 3, 18))


def test_an_invited_department_owes_no_answer_and_is_never_late() -> None:
    ledger = ledger_of(given_listed(a_line("a", duty=Duty.INVITED)))
    assert the_line(ledger).state is LineState.INVITED
    assert the_line(ledger).due_on is None
    assert the_entry(ledger).state is EntryState.ANSWERED


def test_an_entry_without_responses_is_answered_once_the_registry_has_said_so() -> None:
    assert the_entry(ledger_of(Story().published())).state is EntryState.WAITING
    assert the_entry(ledger_of(given_listed())).state is EntryState.ANSWERED


def test_what_a_correction_ended_has_to_be_undone_while_the_entry_stands() -> None:
    story = given_listed(a_line("a")).did(Applied, "a").corrected()
    story.ended("a", mode=EndMode.FROM_BEGINNING).settled("a")
    assert the_entry(ledger_of(story)).state is EntryState.WAITING
    story.undone("a", how=Undone.RESTORED)
    assert the_entry(ledger_of(story)).state is EntryState.ANSWERED


# --- deadlines -------------------------------------------------------------------------------------------------------


def test_an_answer_is_due_in_working_days_from_the_direction() -> None:
    line = the_line(ledger_of(given_listed(a_line("a", answer_within_days=10))))
    assert line.obligation == (Owes.ANSWER, date(2024, 3, 18))


def test_the_day_is_counted_in_shanghai() -> None:
    late_in_utc = (
        Story(now=datetime(2024, 3, 4, 17, tzinfo=UTC)).published().directed(a_line("a", answer_within_days=1))
    )
    assert the_line(ledger_of(late_in_utc)).due_on == date(2024, 3, 6)


def test_a_suspended_line_is_not_due_and_its_time_runs_anew_from_the_resumption() -> None:
    story = given_listed(a_line("a", answer_within_days=5)).listed_suspended().suspended("a").settled("a")
    assert the_line(ledger_of(story)).obligation == (Owes.ANSWER, None)
    story.later(30).listed_resumed().resumed("a").settled("a")
    assert the_line(ledger_of(story)).due_on == date(2024, 4, 11)


def test_an_undoing_is_due_in_working_days_from_the_end_order_suspended_or_not() -> None:
    story = given_listed(a_line("a", undo_within_days=5)).did(Applied, "a").suspended("a").revoked()
    story.ended("a", mode=EndMode.FROM_BEGINNING)
    assert the_line(ledger_of(story)).obligation == (Owes.UNDO, date(2024, 3, 11))


def test_the_time_to_undo_a_late_effect_runs_from_its_report() -> None:
    story = given_listed(a_line("a", undo_within_days=5)).revoked().ended("a", mode=EndMode.FROM_BEGINNING)
    story.later(14).did(Applied, "a", late=True)
    assert the_line(ledger_of(story)).due_on == date(2024, 3, 25)


def test_by_a_day_that_is_not_certain_nobody_is_late() -> None:
    """The holidays of 2098 are not announced: what seems late may not be (F12)."""
    begun = Story(now=datetime(2098, 1, 27, 2, tzinfo=UTC)).published().directed(a_line("a", answer_within_days=1))
    line = the_line(ledger_of(begun.later(30).did(Applied, "a")))
    assert line.answer_due == date(2098, 1, 28)
    assert (line.answered_late, line.derived.unknown_year) == (False, 2098)
    undone = begun.revoked().ended("a", mode=EndMode.FROM_BEGINNING).later(30).undone("a", how=Undone.RESTORED)
    assert not the_line(ledger_of(undone)).undone_late
    certain = the_line(ledger_of(given_listed(a_line("a"))))
    assert (certain.derived.due_certain, certain.derived.unknown_year) == (True, None)


# --- applied without a basis (004 四(三)) ------------------------------------------------------------------------------


def without_basis(why: WithoutBasis, **fields: Any) -> dict[str, Any]:
    return {"without_basis": why, "evidence": "示例实施〔2024〕8号", **fields}


def test_an_effect_without_a_basis_is_to_be_undone_at_once_though_the_line_has_not_ended() -> None:
    story = given_listed(a_line("a")).did(Applied, "a", **without_basis(WithoutBasis.BASIS_GONE))
    line = the_line(ledger_of(story))
    assert line.obligation == (Owes.UNDO, date(2024, 3, 5))
    assert (line.unfounded, line.open_reason, line.answered_at) == (True, OpenReason.WITHOUT_BASIS, None)
    assert the_entry(ledger_of(story)).state is EntryState.WAITING


def test_after_the_undoing_the_direction_is_to_be_answered_and_the_time_starts_anew() -> None:
    story = given_listed(a_line("a")).did(Applied, "a", **without_basis(WithoutBasis.SUSPENDED))
    story.later(7).undone("a", how=Undone.RESTORED)
    line = the_line(ledger_of(story))
    assert line.obligation == (Owes.ANSWER, date(2024, 3, 25))
    assert not line.unfounded
    answered = the_line(ledger_of(story.did(NotApplicable, "a", reason="依据已失效")))
    assert (answered.state, answered.without_basis) == (LineState.ANSWERED, WithoutBasis.SUSPENDED)
    again = the_line(ledger_of(given_listed(a_line("a")).did(Applied, "a")))
    assert again.without_basis is None


def test_an_effect_after_the_end_has_to_be_restored_and_a_stop_does_not_close_the_loop() -> None:
    story = given_listed(a_line("a")).revoked().ended("a", mode=EndMode.FROM_NOW)
    story.did(Applied, "a", **without_basis(WithoutBasis.AFTER_END, late=True)).settled("a", ended=True)
    assert the_line(ledger_of(story)).obligation == (Owes.UNDO, date(2024, 3, 5))
    assert the_line(ledger_of(story.undone("a", how=Undone.STOPPED))).state is LineState.UNDOING
    assert the_line(ledger_of(story.undone("a", how=Undone.RESTORED))).state is LineState.CLOSED
    assert the_entry(ledger_of(story)).state is EntryState.CLOSED


def test_an_answer_after_its_last_day_was_late() -> None:
    in_time = given_listed(a_line("a", answer_within_days=1)).later(1).did(Armed, "a")
    late = given_listed(a_line("a", answer_within_days=1)).later(2).did(Armed, "a")
    assert not the_line(ledger_of(in_time)).answered_late
    assert the_line(ledger_of(late)).answered_late


# --- the closed loop -------------------------------------------------------------------------------------------------


def given_revoked(*lines: Line) -> Story:
    """Listed, applied, and revoked; the end of every line ordered and settled."""
    ids = [line.line_id for line in lines]
    story = given_listed(*lines).did(Applied, *ids).revoked().ended(*ids, mode=EndMode.FROM_BEGINNING)
    return story.settled(*ids, ended=True)


def test_a_loop_closes_when_every_line_is_undone() -> None:
    story = given_revoked(a_line("a"), a_line("b")).undone("a", how=Undone.RESTORED)
    assert the_entry(ledger_of(story)).state is EntryState.UNDOING
    assert the_entry(ledger_of(story.undone("b", how=Undone.RESTORED))).state is EntryState.CLOSED


def test_while_the_registry_is_down_published_and_revoked_close_nothing() -> None:
    entry = the_entry(ledger_of(Story().published().revoked()))
    assert entry.state is EntryState.UNDOING
    assert OpenReason.NOT_SETTLED in entry.open_reasons


def test_a_revocation_without_any_response_closes_at_once_when_it_is_settled() -> None:
    story = given_listed().revoked()
    assert the_entry(ledger_of(story)).state is EntryState.UNDOING
    assert the_entry(ledger_of(story.settled(ended=True))).state is EntryState.CLOSED


def test_a_line_that_was_named_keeps_the_loop_open_until_its_direction_was_read() -> None:
    story = Story().published().settled("a").revoked().settled("a", ended=True)
    ledger = ledger_of(story)
    assert the_line(ledger).open_reason is OpenReason.NOT_DIRECTED
    assert the_entry(ledger).state is EntryState.UNDOING


def test_a_settlement_whose_list_event_was_not_read_keeps_the_loop_open() -> None:
    story = given_listed().revoked().settled(ended=True)
    without = [one for one in story.events if not isinstance(one.event, EntryRevoked)]
    assert OpenReason.LIST_EVENT_UNREAD in the_entry(ledger_of(without)).open_reasons
    assert the_entry(ledger_of(without)).state is EntryState.UNDOING


def test_a_line_that_was_never_answered_has_to_be_confirmed() -> None:
    story = given_listed(a_line("a")).revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
    assert the_line(ledger_of(story)).open_reason is OpenReason.CONFIRMATION_OWED
    assert the_entry(ledger_of(story.undone("a", how=Undone.NEVER_APPLIED))).state is EntryState.CLOSED


def test_an_answer_that_it_was_not_applied_is_no_confirmation_until_the_executor_has_read_the_end() -> None:
    for kind in (NotApplicable, Refused, Failed):
        story = given_listed(a_line("a")).did(kind, "a", reason="示例").revoked()
        story.ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
        assert the_line(ledger_of(story)).open_reason is OpenReason.CONFIRMATION_OWED
        assert the_entry(ledger_of(story.undone("a", how=Undone.NEVER_APPLIED))).state is EntryState.CLOSED


def test_an_invited_silence_owes_no_confirmation_and_an_invited_effect_has_to_go() -> None:
    def invited() -> Story:
        return Story().published().directed(a_line("a", duty=Duty.INVITED), to=BANK).settled("a")

    def ended(story: Story) -> Story:
        return story.revoked().ended("a", mode=EndMode.FROM_BEGINNING, to=BANK).settled("a", ended=True)

    assert the_entry(ledger_of(ended(invited()))).state is EntryState.CLOSED
    assert the_line(ledger_of(ended(invited()))).state is LineState.INVITED
    applied = ended(invited().did(Applied, "a", by=BANK))
    assert the_line(ledger_of(applied)).open_reason is OpenReason.UNDOING_OWED
    assert the_line(ledger_of(applied)).due_on is None


def test_an_effect_reported_after_a_confirmation_that_there_was_none_opens_the_loop_again() -> None:
    story = given_listed(a_line("a")).revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
    story.undone("a", how=Undone.NEVER_APPLIED).did(Applied, "a", late=True)
    ledger = ledger_of(story)
    assert the_entry(ledger).state is EntryState.UNDOING
    assert the_line(ledger).told_late
    assert the_line(ledger).effect_stands
    assert the_entry(ledger_of(story.undone("a", how=Undone.RESTORED))).state is EntryState.CLOSED


def test_a_line_that_was_only_stopped_owes_again_when_the_end_is_ordered_from_the_beginning() -> None:
    story = given_listed(a_line("a")).did(Applied, "a").repaired().ended("a", mode=EndMode.FROM_NOW)
    story.settled("a", ended=True).undone("a", how=Undone.STOPPED)
    assert the_entry(ledger_of(story)).state is EntryState.CLOSED
    story.revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
    assert the_entry(ledger_of(story)).state is EntryState.UNDOING
    assert the_entry(ledger_of(story.undone("a", how=Undone.RESTORED))).state is EntryState.CLOSED


def test_one_undoing_answers_two_end_orders_when_it_is_enough_for_the_second() -> None:
    story = (
        given_listed(a_line("a"))
        .did(Applied, "a")
        .repaired()
        .ended("a", mode=EndMode.FROM_NOW)
        .settled("a", ended=True)
    )
    story.revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True).undone("a", how=Undone.RESTORED)
    assert the_entry(ledger_of(story)).state is EntryState.CLOSED


def test_a_line_that_was_only_stopped_owes_nothing_more_where_an_error_demands_only_a_stop() -> None:
    story = given_listed(a_line("a", on_error=Undoing.STOP)).did(Applied, "a").repaired()
    story.ended("a", mode=EndMode.FROM_NOW).settled("a", ended=True).undone("a", how=Undone.STOPPED)
    story.revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
    assert the_entry(ledger_of(story)).state is EntryState.CLOSED


def test_an_end_that_is_ordered_again_without_going_further_changes_nothing() -> None:
    story = given_revoked(a_line("a"))
    before = the_line(ledger_of(story))
    assert the_line(ledger_of(story.later(9).ended("a", mode=EndMode.FROM_NOW))) == before
    assert the_line(ledger_of(story.ended("a", mode=EndMode.FROM_BEGINNING))) == before


def test_what_was_restored_or_never_applied_does_not_owe_again() -> None:
    for how in (Undone.RESTORED, Undone.NEVER_APPLIED):
        story = given_listed(a_line("a")).repaired().ended("a", mode=EndMode.FROM_NOW).settled("a", ended=True)
        story.undone("a", how=how).revoked().ended("a", mode=EndMode.FROM_BEGINNING).settled("a", ended=True)
        assert the_entry(ledger_of(story)).state is EntryState.CLOSED


# --- any order of reading -----------------------------------------------------------------------------------------------------

ANSWERS = st.sampled_from([None, Acknowledged, Armed, Applied, NotApplicable, Refused, Failed])
HOW = st.sampled_from([Undone.STOPPED, Undone.RESTORED, Undone.NEVER_APPLIED, Undone.NOTHING_TO_UNDO])
UNDOINGS = st.sampled_from(list(Undoing))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A possible life of an entry with a responsible person and an invited bank."""
    parties = [(HOUSING, COMPANY, ("a", "b")), (BANK, COMPANY, ("c",)), (HOUSING, PERSON, ("d",))]
    story = Story().published()
    for to, subject, ids in parties:
        duty = Duty.INVITED if to == BANK else Duty.OWED
        lines = [a_line(i, duty=duty, on_end=draw(UNDOINGS), on_error=draw(UNDOINGS)) for i in ids]
        story.directed(*lines, to=to, subject=subject)
    story.settled("a", "b", "c", "d")
    _answers(draw, story, parties)
    if draw(st.booleans()):
        story.listed_suspended().suspended("a", "b").settled("a", "b", "c", "d")
        story.listed_resumed().resumed("a", "b").settled("a", "b", "c", "d")
    if draw(st.booleans()):
        story.corrected().ended("b", mode=EndMode.FROM_BEGINNING).directed(a_line("e")).settled(*"abcde")
        story.undone("b", how=draw(HOW))
    settled = [received.event for received in story.events if isinstance(received.event, Settled)]
    ids = sorted({line_id for event in settled for line_id in event.lines})
    for add, mode in ((story.repaired, EndMode.FROM_NOW), (story.revoked, EndMode.FROM_BEGINNING)):
        if draw(st.booleans()):
            add()
            for to, subject, lines in parties:
                story.ended(*lines, mode=mode, to=to, subject=subject)
            story.settled(*ids, ended=True)
            _undoings(draw, story, parties)
    return story


Parties = list[tuple[DepartmentId, SubjectKey, tuple[str, ...]]]


def _answers(draw: st.DrawFn, story: Story, parties: Parties) -> None:
    for by, subject, ids in parties:
        kind = draw(ANSWERS)
        if kind is not None:
            story.did(
                kind, *ids, by=by, subject=subject, **({"reason": "示例"} if "reason" in kind.model_fields else {})
            )


def _undoings(draw: st.DrawFn, story: Story, parties: Parties) -> None:
    for by, subject, ids in parties:
        for line_id in ids:
            if draw(st.booleans()):
                story.undone(line_id, how=draw(HOW), by=by, subject=subject)
            if draw(st.integers(0, 4)) == 0:
                story.did(Applied, line_id, by=by, subject=subject, late=True)


def queues(events: Iterable[ReceivedEvent]) -> list[list[ReceivedEvent]]:
    """The events in the order of each key of each topic."""
    found: dict[tuple[str, str], list[ReceivedEvent]] = {}
    for received in events:
        event = received.event
        assert isinstance(event, PublicEvent)
        found.setdefault((event.TOPIC, event.partition_key), []).append(received)
    return list(found.values())


def in_another_order(draw: st.DrawFn, events: Iterable[ReceivedEvent]) -> list[ReceivedEvent]:
    """An order in which a consumer may read the topics."""
    waiting, read = queues(events), list[ReceivedEvent]()
    while waiting:
        queue = waiting[draw(st.integers(0, len(waiting) - 1))]
        read.append(queue.pop(0))
        waiting = [queue for queue in waiting if queue]
    return read


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[Story, list[ReceivedEvent]]:
    story = draw(stories())
    return story, in_another_order(draw, story.events)


@settings(max_examples=400, deadline=None)
@for_all(shuffled(), st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_topics_read_in_any_order_and_in_any_batches_leave_the_same_ledger(
    drawn: tuple[Story, list[ReceivedEvent]], sizes: list[int]
) -> None:
    story, read = drawn
    ledger, start, turn = Ledger(), 0, 0
    while start < len(read):
        size = sizes[turn % len(sizes)]
        ledger = fold(ledger, read[start : start + size])
        start, turn = start + size, turn + 1
    expected = ledger_of(story)
    assert ledger.lines == expected.lines
    assert ledger.entries == expected.entries


@settings(max_examples=200, deadline=None)
@for_all(shuffled())
def test_the_tally_of_an_entry_is_the_sum_of_its_lines(drawn: tuple[Story, list[ReceivedEvent]]) -> None:
    ledger = ledger_of(drawn[1])
    states = [line.state for line in ledger.lines.values()]
    tally = the_entry(ledger).tally
    assert tally.directed == sum(line.directed for line in ledger.lines.values())
    assert tally.waiting == states.count(LineState.WAITING)
    assert tally.undoing == states.count(LineState.UNDOING)
    assert tally.standing == sum(line.directed and not line.ended for line in ledger.lines.values())


@settings(max_examples=300, deadline=None)
@for_all(shuffled())
def test_a_closed_loop_leaves_no_effect_that_was_reported_and_not_undone(
    drawn: tuple[Story, list[ReceivedEvent]],
) -> None:
    ledger = Ledger()
    for received in drawn[1]:
        ledger = fold(ledger, [received])
        if the_entry(ledger).state is EntryState.CLOSED:
            assert not [line for line in ledger.lines.values() if line.effect_stands]
            assert all(line.directed and line.ended for line in ledger.lines.values())


@st.composite
def revocations(draw: st.DrawFn) -> list[ReceivedEvent]:
    story = Story().published().directed(a_line("a"), a_line("b")).directed(a_line("d"), subject=PERSON)
    story.settled("a", "b", "d").did(Applied, "a").did(Armed, "d", subject=PERSON).revoked()
    story.ended("a", "b", mode=EndMode.FROM_BEGINNING).ended("d", mode=EndMode.FROM_BEGINNING, subject=PERSON)
    story.settled("a", "b", "d", ended=True).undone("a", how=Undone.RESTORED)
    story.undone("b", how=Undone.NEVER_APPLIED).undone("d", how=Undone.RESTORED, subject=PERSON)
    return in_another_order(draw, story.events)


@settings(max_examples=300, deadline=None)
@for_all(revocations())
def test_no_order_of_reading_closes_a_loop_before_all_of_it_was_read(read: list[ReceivedEvent]) -> None:
    ledger = Ledger()
    for received in read[:-1]:
        ledger = fold(ledger, [received])
        assert ledger.entries.get(ENTRY, LedgerEntry(ENTRY)).state is not EntryState.CLOSED
    assert the_entry(fold(ledger, read[-1:])).state is EntryState.CLOSED


def test_an_answer_before_its_direction_is_kept_until_the_direction_comes() -> None:
    story = given_listed(a_line("a")).did(Applied, "a")
    answer_first = [story.events[-1], *story.events[:-1]]
    alone = the_line(ledger_of(answer_first[:1]))
    assert alone.state is LineState.NOT_DIRECTED
    assert alone.department == HOUSING
    assert the_line(ledger_of(answer_first)).answer is Answer.APPLIED
    assert ledger_of(answer_first) == ledger_of(story)


def test_a_notice_is_reset_when_the_obligation_changes() -> None:
    ledger = ledger_of(given_listed(a_line("a")))
    noticed = Ledger(ledger.entries, {LineId("a"): the_line(ledger)._replace(noticed=True)})
    story = Story(now=MONDAY + timedelta(days=30)).did(Acknowledged, "a")
    assert the_line(fold(noticed, story.events)).noticed
    assert not the_line(fold(noticed, story.did(Applied, "a").events)).noticed


# --- conclusions -----------------------------------------------------------------------------------------------------


def test_a_loop_closes_once_and_again_only_after_it_was_open() -> None:
    close = Close(ENTRY, COMPANY, 4)
    closed = LoopClosed(entry_id=ENTRY, subject=COMPANY, lines=4)
    loop = given(LOOP).when(close).then(closed)
    loop.when(close).then_nothing()
    reopened = loop.when(Reopen(ENTRY)).then(LoopReopened(entry_id=ENTRY))
    reopened.when(close).then(closed)


def test_a_loop_that_was_never_closed_cannot_be_opened_again() -> None:
    given(LOOP).when(Reopen(ENTRY)).then_nothing()


def test_an_overdue_obligation_is_published_once() -> None:
    first = NoticeOverdue(ENTRY, LineId("a"), HOUSING, COMPANY, Owes.ANSWER, date(2024, 3, 18))
    outcome = given(OBLIGATION).when(first)
    [published] = outcome.events
    assert isinstance(published, ObligationOverdue)
    assert (published.owes, published.due_on) == ("answer", date(2024, 3, 18))
    outcome.next.when(first).then_nothing()
    undoing = NoticeOverdue(ENTRY, LineId("a"), HOUSING, COMPANY, Owes.UNDO, date(2024, 3, 18))
    outcome.next.when(undoing).then_types(ObligationOverdue)
