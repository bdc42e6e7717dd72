"""The private events of the executor. What departments did is public (shared/contracts/execution.py), in the same streams.

The first six events repeat the registry's orders, because read models here fold only events of the executor. They also
carry what was computed from the order (due dates, the undoing that is owed), so that a rebuild computes nothing again.
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
from shared.contracts.lawbook import (
    Force,
    ListKind,
    MeasureKind,
    Undoing,
)
from shared.contracts.listing import Subject
from shared.contracts.response import EndMode, Line, RefusalReason
from shared.contracts.vocabulary import Vocabulary


class Effect(StrEnum):
    """The effect of a line, which has to be undone after its end."""

    ARMED = "armed"
    APPLIED = "applied"


class LinesDirected(Event):
    """The registry directed lines. The first such event opens the response."""

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
    """The last day to answer each line, in the order of `lines`; none for an invited duty (row 28)."""


class TermAmended(Event):
    """The last day of the response changed; `until` is None when it has no last day."""

    TYPE: ClassVar[str] = "executor.term_amended.v1"
    response_id: ResponseId
    until: date | None


class LinesSuspended(Event):
    """From `since` on these punishments must not be applied, while the record is verified (row 16)."""

    TYPE: ClassVar[str] = "executor.lines_suspended.v1"
    response_id: ResponseId
    lines: tuple[LineId, ...]
    reason: str
    since: datetime


class DueLine(Contract):
    """A line with the last day for what it asks now, as counted at that time. None: the duty is only invited, or the last day
    stays as it was."""

    line_id: LineId
    due_on: date | None


class LinesResumed(Event):
    """The suspension ended. The time to answer starts again, because the department could not act during the suspension."""

    TYPE: ClassVar[str] = "executor.lines_resumed.v1"
    response_id: ResponseId
    lines: tuple[DueLine, ...]
    reason: str
    resumed_at: datetime | None = None
    """None in older events."""


class EndedLine(Contract):
    """A line whose end was ordered: with an effect to undo, or without a known effect."""

    line_id: LineId
    effect: Effect | None
    demand: Undoing | None
    """The least that the undoing must achieve; None when no effect is known."""
    due_on: date | None
    """As counted at that time. None: the duty is only invited, or the last day stays as it was."""


class EndOrdered(Event):
    """The registry ordered the end of lines (row 18)."""

    TYPE: ClassVar[str] = "executor.end_ordered.v1"
    response_id: ResponseId
    lines: tuple[EndedLine, ...]
    mode: EndMode
    reason: str
    ordered_at: datetime | None = None
    """When this service read the order; None in older events."""


class LateEffectsOwed(Event):
    """Effects were reported that must be undone: after the end was ordered, or applied without a basis. The time to undo them
    runs from the report."""

    TYPE: ClassVar[str] = "executor.late_effects_owed.v1"
    response_id: ResponseId
    lines: tuple[DueLine, ...]


class Hit(Contract):
    """A line of the asking department that applies on this occasion."""

    line_id: LineId
    response_id: ResponseId
    entry_id: EntryId
    measure_id: str
    text_zh: str
    kind: MeasureKind
    force: Force
    must: bool
    """True when the measure is mandatory and owed: the department must act. Otherwise it may."""
    instrument_id: str
    basis: str
    until: date | None


class Barred(Contract):
    """A directed punishment that must not be applied, because its basis is gone (row 5)."""

    line_id: LineId
    measure_id: str
    reason: RefusalReason


class ActiveEntry(Contract):
    """A list entry of which the asking department carries out measures on the subject.

    Older checks name the entries of every department that the executor serves.
    """

    entry_id: EntryId
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: SubjectKey
    """Differs from the subject of the check when the entry reaches that subject as a responsible person."""
    until: date | None


class ListName(Contract):
    """A list for which the asking department has measures to apply. "No record" is stated for these lists only."""

    domain_id: DomainId
    list_kind: ListKind


class CheckMade(Event):
    """A department asked before it acted; with the answer that it got (row 11)."""

    TYPE: ClassVar[str] = "executor.check_made.v1"
    check_id: str
    receipt_number: str
    department: DepartmentId
    subject: SubjectKey
    matter: str
    made_at: datetime
    hits: tuple[Hit, ...]
    barred: tuple[Barred, ...]
    lists: tuple[ActiveEntry, ...]
    covers: tuple[ListName, ...]
    as_of: datetime | None
    """The time of the last registry event that this executor has consumed; None: it has consumed none yet."""
    complete: bool
    """True when no event about the subject is parked and the partition of the subject is not stopped."""
    lawbook_version: int


class OutcomeRecorded(Event):
    """What the department did about the hits of a check."""

    TYPE: ClassVar[str] = "executor.check_outcome_recorded.v1"
    check_id: str
    applied: bool
    note: str
    recorded_at: datetime
    done_at: datetime | None = None
    """When the department applied the measures; None: when it was recorded."""
    evidence: str = ""


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
