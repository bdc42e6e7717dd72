"""Bodies of closed and open loops: the ledger of an entry, and the reasons why its loop is open."""

from collections.abc import Iterator
from datetime import date, datetime

from pydantic import BaseModel, Field

from services.feedback.api.bodies import UNCERTAIN, is_overdue
from services.feedback.domain.entry import EntryState
from services.feedback.domain.line import LedgerLine
from services.feedback.domain.states import Answer, LineState, OpenReason, Owes
from services.feedback.views.closure import EntryLedger, LineWithText
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId
from shared.contracts.execution import Undone, WithoutBasis
from shared.contracts.lawbook import (
    ListKind,
    MeasureKind,
)
from shared.contracts.response import EndMode
from shared.web.language import language
from shared.web.subjects import ShownKey
from shared.web.wording import Wording


class End(BaseModel):
    """That the end of a line was ordered."""

    mode: EndMode
    ordered_at: datetime
    orders: int = Field(description="How many orders; two: from now on, and later from the beginning")


class UndoingBody(BaseModel):
    """How the effect of a line was undone."""

    how: Undone
    evidence: str
    at: datetime | None
    late: bool


class LineBody(BaseModel):
    """One line in the ledger of an entry: what was ordered, what was done, and what is owed."""

    line_id: LineId
    response_id: ResponseId | None
    department: DepartmentId | None
    subject: ShownKey
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
    effect_stands: bool = Field(description="An effect was reported and not undone afterwards")
    without_basis: WithoutBasis | None = Field(
        description="Why the last reported effect had no basis: it is to be undone at once"
    )
    due_on: date | None
    due_on_certain: bool | None = Field(description=UNCERTAIN)
    overdue: bool
    end: End | None
    undone: UndoingBody | None
    why: OpenReason | None = Field(description="Why this line keeps the loop open")


class ListEvents(BaseModel):
    """List events of the entry: those that this service has read, and those that the registry has settled."""

    read: int
    settled: int
    not_settled: list[str]
    not_read: list[str]


class OpenReasonBody(BaseModel):
    """One reason why the loop is open, from a line or from the entry as a whole."""

    why: OpenReason
    says: str
    line_id: LineId | None = None
    department: DepartmentId | None = None


class ClosureBody(BaseModel):
    """The ledger of one entry (闭环台账)."""

    entry_id: EntryId
    list_kind: ListKind | None
    domain_id: str | None
    subject: ShownKey
    subject_name: str
    initiated_by: DepartmentId | None
    published_by: DepartmentId | None
    term_to: date | None
    state: EntryState
    ended: bool
    closed: bool
    closed_at: datetime | None
    closings: int = Field(description="How often the loop closed; more than once after a reopening")
    list_events: ListEvents
    lines: list[LineBody]
    open: list[OpenReasonBody] = Field(description="Why the loop is open; empty when it is closed")


class StillInForceBody(BaseModel):
    """An entry that left its list and whose effects are not proved undone."""

    entry_id: EntryId
    list_kind: ListKind | None
    subject: ShownKey
    open: list[OpenReasonBody]


def closure_body(found: EntryLedger, day: date, wording: Wording) -> ClosureBody:
    """`day`: today (Asia/Shanghai), for `overdue`."""
    entry, state = found.entry, found.entry.state
    return ClosureBody(
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
        lines=[_line_body(one, day) for one in found.lines],
        open=open_reasons(found, wording),
    )


def still_in_force_body(found: EntryLedger, wording: Wording) -> StillInForceBody:
    entry = found.entry
    return StillInForceBody(
        entry_id=entry.entry_id,
        list_kind=entry.list_kind,
        subject=entry.subject,
        open=open_reasons(found, wording),
    )


def _line_body(one: LineWithText, day: date) -> LineBody:
    line = one.line
    due = line.due
    fields = {name: getattr(line, name) for name in LineBody.model_fields if hasattr(line, name)}
    more = {
        "text_zh": one.text_zh,
        "kind": one.kind,
        "due_on_certain": due.certain if due else None,
        "overdue": due is not None and is_overdue(due.date, day, certain=due.certain),
        "end": _end(line),
        "undone": _undoing(line),
        "why": line.open_reason,
    }
    return LineBody.model_validate({**fields, **more})


def _end(line: LedgerLine) -> End | None:
    if line.end_mode is None or line.end_ordered_at is None:
        return None
    return End(mode=line.end_mode, ordered_at=line.end_ordered_at, orders=line.end_orders)


def _undoing(line: LedgerLine) -> UndoingBody | None:
    if line.undone is None:
        return None
    return UndoingBody(how=line.undone, evidence=line.evidence, at=line.undone_at, late=line.undone_late)


def open_reasons(found: EntryLedger, wording: Wording) -> list[OpenReasonBody]:
    """Why the loop is open: the reasons of the entry, then those of its lines. That the entry is in force is one of them."""

    def body(reason: OpenReason, line: LedgerLine | None = None) -> OpenReasonBody:
        return OpenReasonBody(
            why=reason,
            says=wording.term(f"OpenReason.{reason.value}", {}, language()) or reason.value,
            line_id=line.line_id if line else None,
            department=line.department if line else None,
        )

    return [*map(body, _of_entry(found)), *(body(reason, line) for reason, line in _of_lines(found))]


_ENTRY_REASONS = (OpenReason.IN_FORCE, OpenReason.NOT_SETTLED, OpenReason.LIST_EVENT_UNREAD)


def _of_entry(found: EntryLedger) -> Iterator[OpenReason]:
    return (reason for reason in found.entry.open_reasons if reason in _ENTRY_REASONS)


def _of_lines(found: EntryLedger) -> Iterator[tuple[OpenReason, LedgerLine]]:
    """The reasons of the lines. While the entry is in force, a line without an end order is no reason."""
    for one in found.lines:
        reason = one.line.open_reason
        if reason is not None and (found.entry.ended or reason is not OpenReason.END_NOT_ORDERED):
            yield reason, one.line
