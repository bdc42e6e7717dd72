"""The executor's own events. What departments did is public: shared/contracts/execution.py, in the same streams.

The first ones repeat what the registry ordered, because read models here fold only events of the executor; they carry
what was concluded from the order (due dates, what is owed), so that nothing is concluded again in a rebuild.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from shared.contracts.event import (
    Contract,
    DepartmentId,
    DomainId,
    EntryId,
    Event,
    EventId,
    LineId,
    ResponseId,
    SubjectKey,
)
from shared.contracts.lawbook import Force, ListKind, MeasureKind, Undoing
from shared.contracts.listing import Subject
from shared.contracts.response import EndMode, Line, RefusalReason
from shared.contracts.vocabulary import Vocabulary


class Effect(StrEnum):
    """What a line put in place, and what has to be undone."""

    ARMED = "armed"
    APPLIED = "applied"


class LinesDirected(Event):
    """The registry directed lines; the first such event opens the response."""

    TYPE: ClassVar[str] = "executor.lines_directed.v1"
    response_id: ResponseId
    entry_id: EntryId
    department: DepartmentId
    subject: SubjectKey
    of: Subject
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: SubjectKey
    jurisdiction: str
    until: date | None
    lawbook_version: int
    list_event_id: EventId
    directed_at: datetime
    lines: tuple[Line, ...]
    due: tuple[date | None, ...]
    """Of each line, in the same order: the last day to answer; none for an invited duty (row 28)."""


class TermAmended(Event):
    TYPE: ClassVar[str] = "executor.term_amended.v1"
    response_id: ResponseId
    until: date | None


class LinesSuspended(Event):
    """These punishments must not be applied from `since` on, while the record is verified (row 16)."""

    TYPE: ClassVar[str] = "executor.lines_suspended.v1"
    response_id: ResponseId
    lines: tuple[LineId, ...]
    reason: str
    since: datetime


class DueLine(Contract):
    """A line with the last day for what it asks now."""

    line_id: LineId
    due_on: date | None


class LinesResumed(Event):
    """The time to answer starts anew: nobody could act while the lines were suspended."""

    TYPE: ClassVar[str] = "executor.lines_resumed.v1"
    response_id: ResponseId
    lines: tuple[DueLine, ...]
    reason: str


class EndedLine(Contract):
    """What the end of a line means: an effect to undo, or a line of which no effect is known."""

    line_id: LineId
    effect: Effect | None
    demand: Undoing | None
    """What the undoing has to be; none when there is no effect, or nothing further to undo."""
    due_on: date | None


class EndOrdered(Event):
    TYPE: ClassVar[str] = "executor.end_ordered.v1"
    response_id: ResponseId
    lines: tuple[EndedLine, ...]
    mode: EndMode
    reason: str


class LateEffectsOwed(Event):
    """Effects were reported after the end was ordered: the time to undo them runs from the report."""

    TYPE: ClassVar[str] = "executor.late_effects_owed.v1"
    response_id: ResponseId
    lines: tuple[DueLine, ...]


class Hit(Contract):
    """A line of the asking department that is due on this occasion."""

    line_id: LineId
    response_id: ResponseId
    entry_id: EntryId
    measure_id: str
    text_zh: str
    kind: MeasureKind
    force: Force
    must: bool
    """Mandatory and owed: the department must act; otherwise it may."""
    instrument_id: str
    basis: str
    until: date | None


class Barred(Contract):
    """A punishment that is directed but must not be applied: its basis is gone (row 5)."""

    line_id: LineId
    measure_id: str
    reason: RefusalReason


class Standing(Contract):
    """A list entry by which the subject is touched, as far as this executor knows."""

    entry_id: EntryId
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: SubjectKey
    """Another than the subject asked about when it is touched as a responsible person."""
    until: date | None


class ListName(Contract):
    """A list in which the asking department has measures to apply: "no record" is said of these lists."""

    domain_id: DomainId
    list_kind: ListKind


class CheckMade(Event):
    """A department asked before it acted, and was told this (row 11)."""

    TYPE: ClassVar[str] = "executor.check_made.v1"
    check_id: str
    receipt_number: str
    department: DepartmentId
    subject: SubjectKey
    matter: str
    made_at: datetime
    hits: tuple[Hit, ...]
    barred: tuple[Barred, ...]
    lists: tuple[Standing, ...]
    covers: tuple[ListName, ...]
    as_of: datetime | None
    """When the last event that this executor has read of the registry was recorded; none: it has read nothing yet."""
    complete: bool
    """Whether everything sent about the subject is understood: nothing waits behind an event that could not be."""
    lawbook_version: int


class OutcomeRecorded(Event):
    """What the department then did."""

    TYPE: ClassVar[str] = "executor.check_outcome_recorded.v1"
    check_id: str
    applied: bool
    note: str
    recorded_at: datetime


VOCABULARY = Vocabulary(
    [
        LinesDirected,
        TermAmended,
        LinesSuspended,
        LinesResumed,
        EndOrdered,
        LateEffectsOwed,
        CheckMade,
        OutcomeRecorded,
    ]
)
