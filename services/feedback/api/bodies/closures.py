"""What feedback answers over HTTP."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.feedback.domain.entry import EntryState
from services.feedback.domain.line import Answer, LedgerLine, LineState, Owes, Why
from services.feedback.views.closure import EntryLedger, WordedLine
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId, SubjectKey
from shared.contracts.execution import Undone
from shared.contracts.lawbook import ListKind, MeasureKind
from shared.contracts.response import EndMode
from shared.web.language import language
from shared.web.wording import Wording


class Obligation(BaseModel):
    """What one department owes about one measure."""

    line_id: LineId
    entry_id: EntryId
    response_id: ResponseId | None
    department: DepartmentId | None
    subject: SubjectKey | None
    entry_subject_name: str
    list_kind: ListKind | None
    measure_id: MeasureId | None
    text_zh: str | None
    kind: MeasureKind | None
    owed: bool = Field(description="False: invited, no duty, never overdue")
    state: LineState
    owes: Owes
    suspended: bool
    directed_at: datetime | None
    end_mode: EndMode | None
    due_on: date | None = Field(description="The last day (Asia/Shanghai); none while suspended, or when only invited")
    overdue: bool


class Obligations(BaseModel):
    """By line id; the list goes on behind `next`, when there is one."""

    items: list[Obligation]
    next: str | None


class End(BaseModel):
    """That the end of a line was ordered."""

    mode: EndMode
    ordered_at: datetime
    orders: int = Field(description="Twice: from then on, and later from the beginning")


class UndoneAnswer(BaseModel):
    how: Undone
    evidence: str
    at: datetime | None
    late: bool


class LineAnswer(BaseModel):
    """One line of an entry's ledger: what was ordered, what was done, what is owed."""

    line_id: LineId
    response_id: ResponseId | None
    department: DepartmentId | None
    subject: SubjectKey | None
    measure_id: MeasureId | None
    measure_version: int | None
    text_zh: str | None
    kind: MeasureKind | None
    owed: bool
    state: LineState
    owes: Owes
    suspended: bool
    directed_at: datetime | None
    acknowledged_at: datetime | None
    answer: Answer | None
    answered_at: datetime | None
    answered_late: bool
    applied_at: datetime | None
    told_late: bool = Field(description="The effect was reported after the end was ordered")
    effect_stands: bool = Field(description="An effect was reported, and no undoing after it")
    due_on: date | None
    overdue: bool
    end: End | None
    undone: UndoneAnswer | None
    why: Why | None = Field(description="What of this line keeps the loop open")


class ListEvents(BaseModel):
    """List events of the entry that this service has read, beside those that the registry has settled."""

    read: int
    settled: int
    not_settled: list[str]
    not_read: list[str]


class Ground(BaseModel):
    """One reason why the loop is not closed; of a line, or of the entry as a whole."""

    why: Why
    says: str
    line_id: LineId | None = None
    department: DepartmentId | None = None


class Closure(BaseModel):
    """The ledger of one entry (闭环台账)."""

    entry_id: EntryId
    list_kind: ListKind | None
    domain_id: str | None
    subject: SubjectKey | None
    subject_name: str
    initiated_by: DepartmentId | None
    published_by: DepartmentId | None
    term_to: date | None
    state: EntryState
    ended: bool
    closed: bool
    closed_at: datetime | None
    closings: int = Field(description="How often the loop was found closed; more than once when it was opened again")
    list_events: ListEvents
    lines: list[LineAnswer]
    open: list[Ground] = Field(description="What keeps the loop open; empty when it is closed")


class StillInForce(BaseModel):
    entry_id: EntryId
    list_kind: ListKind | None
    subject: SubjectKey | None
    open: list[Ground]


class StillInForcePage(BaseModel):
    """Entries that are in force no longer and whose effects are not proved undone, by entry id."""

    items: list[StillInForce]
    next: str | None


class EntryCount(BaseModel):
    list_kind: ListKind | None = Field(description="None: its publication was not read yet")
    state: EntryState
    entries: int


class DepartmentCount(BaseModel):
    """Lines of one department. `answered`, `applied` and `undone` count what ever was; the others what is."""

    department: DepartmentId
    directed: int
    answered: int
    failed: int = Field(description="Tried and failed: still to be done")
    applied: int
    undone: int
    suspended: int
    waiting: int
    undoing: int
    closed: int
    overdue: int
    answered_late: int
    undone_late: int


class Statistics(BaseModel):
    on: date = Field(description="The day by which `overdue` is counted (Asia/Shanghai)")
    entries: list[EntryCount]
    departments: list[DepartmentCount]


def obligation(row: Any, day: date) -> Obligation:
    """An obligation from a row of the view."""
    state = LineState(row.state)
    owes = {LineState.WAITING: Owes.ANSWER, LineState.UNDOING: Owes.UNDO}.get(state, Owes.NOTHING)
    named = {name: getattr(row, name) for name in Obligation.model_fields if hasattr(row, name)}
    return Obligation.model_validate(
        {**named, "entry_subject_name": row.subject_name, "owes": owes, "overdue": is_overdue(row.due_on, day)}
    )


def is_overdue(due_on: date | None, day: date) -> bool:
    """The last day itself is still in time."""
    return due_on is not None and due_on < day


def closure(found: EntryLedger, day: date, wording: Wording) -> Closure:
    entry, state = found.entry, found.entry.state
    return Closure(
        entry_id=entry.entry_id,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        subject=entry.subject,
        subject_name=entry.subject_name,
        initiated_by=entry.initiated_by,
        published_by=entry.published_by,
        term_to=entry.term_to,
        state=state,
        ended=entry.ended,
        closed=state is EntryState.CLOSED,
        closed_at=found.closed_at,
        closings=found.closings,
        list_events=ListEvents(
            read=entry.list_events,
            settled=entry.settled,
            not_settled=sorted(entry.unsettled),
            not_read=sorted(entry.unread),
        ),
        lines=[_line(worded, day) for worded in found.lines],
        open=grounds(found, wording),
    )


def _line(worded: WordedLine, day: date) -> LineAnswer:
    line = worded.line
    own = {name: getattr(line, name) for name in LineAnswer.model_fields if hasattr(line, name)}
    more = {
        "text_zh": worded.text_zh,
        "kind": worded.kind,
        "overdue": is_overdue(line.due_on, day),
        "end": _end(line),
        "undone": _undone(line),
    }
    return LineAnswer.model_validate({**own, **more})


def _end(line: LedgerLine) -> End | None:
    if line.end_mode is None or line.end_ordered_at is None:
        return None
    return End(mode=line.end_mode, ordered_at=line.end_ordered_at, orders=line.end_orders)


def _undone(line: LedgerLine) -> UndoneAnswer | None:
    if line.undone is None:
        return None
    return UndoneAnswer(how=line.undone, evidence=line.evidence, at=line.undone_at, late=line.undone_late)


def grounds(found: EntryLedger, wording: Wording) -> list[Ground]:
    """What keeps a loop open: of the entry, and of each of its lines. An entry in force is a ground of its own."""

    def ground(why: Why, line: LedgerLine | None = None) -> Ground:
        says = wording.term(f"Why.{why.value}", {}, language()) or why.value
        return Ground(
            why=why, says=says, line_id=line.line_id if line else None, department=line.department if line else None
        )

    return [*map(ground, _of_the_entry(found)), *(ground(why, line) for why, line in _of_the_lines(found))]


def _of_the_entry(found: EntryLedger) -> Iterator[Why]:
    return (why for why in found.entry.whys if why in (Why.IN_FORCE, Why.NOT_SETTLED, Why.LIST_EVENT_UNREAD))


def _of_the_lines(found: EntryLedger) -> Iterator[tuple[Why, LedgerLine]]:
    """While the entry is in force, lines stand as they should."""
    for worded in found.lines:
        why = worded.line.why
        if why is not None and (found.entry.ended or why is not Why.END_NOT_ORDERED):
            yield why, worded.line
