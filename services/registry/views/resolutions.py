"""What followed from one entry: the lines that were directed, with their bases and ends, and what the basis gate refused.

Folded from the recorded events, read in one statement from the files of all subjects that the entry concerns. Nothing is judged
again, so a later law book does not change the result.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import bindparam, literal, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.events import EntryRecorded
from services.registry.views.entries import ENTRIES, PEOPLE
from shared.contracts.event import DepartmentId, EventId, LineId, ResponseId, SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Entry
from shared.contracts.response import (
    EndMode,
    Line,
    RefusedMeasure,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseEvent,
    ResponseRefused,
    ResponseResumed,
    ResponseSuspended,
    Settled,
)
from shared.eventstore import EventStore, Recorded
from shared.eventstore.schema import EVENTS


@dataclass(frozen=True)
class Decided:
    """When something was decided, because of which list event, and by which version of the law book."""

    at: datetime
    list_event_id: EventId
    lawbook_version: int


@dataclass(frozen=True)
class LineEnd:
    decided: Decided
    mode: EndMode
    reason: str


@dataclass
class DirectedLine:
    decided: Decided
    line: Line
    suspended_because: str | None = None
    end: LineEnd | None = None


@dataclass
class DirectedResponse:
    """What one department was directed to do to one subject."""

    response_id: ResponseId
    department: DepartmentId
    subject: SubjectKey
    name: str
    roles: tuple[Role, ...]
    until: date | None
    lines: list[DirectedLine] = field(default_factory=list[DirectedLine])


@dataclass
class Refused:
    """A measure that targets the subject and did not pass the basis gate (rows 5 and 6, N2)."""

    decided: Decided
    subject: SubjectKey
    measure: RefusedMeasure
    current: bool = True
    """False when the subject was resolved again since, because the entry was corrected."""


@dataclass(frozen=True)
class Settlement:
    decided: Decided
    event: Settled


@dataclass
class EntryResolution:
    """All that followed from one entry, in the order in which it was decided."""

    entry: Entry
    responses: list[DirectedResponse]
    refusals: list[Refused]
    settlements: list[Settlement]


@dataclass
class _Fold:
    """Folds the events of one entry."""

    entry: Entry | None = None
    roles: dict[SubjectKey, tuple[Role, ...]] = field(default_factory=dict[SubjectKey, tuple[Role, ...]])
    responses: dict[ResponseId, DirectedResponse] = field(default_factory=dict[ResponseId, DirectedResponse])
    lines: dict[LineId, DirectedLine] = field(default_factory=dict[LineId, DirectedLine])
    refusals: list[Refused] = field(default_factory=list[Refused])
    settlements: list[Settlement] = field(default_factory=list[Settlement])

    def apply(self, recorded: Recorded) -> None:
        match recorded.event:
            case EntryRecorded() as event:
                self._record(event)
            case ResponseEvent() as event:
                self._respond(event, Decided(recorded.effective_at, event.list_event_id, event.lawbook_version))
            case _:
                pass  # other private events: the responses show their effects

    def _record(self, event: EntryRecorded) -> None:
        if not event.roles:
            self.entry = event.entry
        self.roles[event.of.key] = event.roles
        self._outdate_refusals(event.of.key)

    def _respond(self, event: ResponseEvent, decided: Decided) -> None:
        match event:
            case ResponseDirected():
                self._direct(event, decided)
            case ResponseAmended():
                self.responses[event.response_id].until = event.until
            case ResponseSuspended():
                self._suspend(event.lines, event.reason)
            case ResponseResumed():
                self._suspend(event.lines, None)
            case ResponseEnded():
                for line_id in event.lines:
                    self.lines[line_id].end = LineEnd(decided, event.mode, event.reason)
            case ResponseRefused():
                self._outdate_refusals(event.subject)
                self.refusals += [Refused(decided, event.subject, measure) for measure in event.refused]
            case Settled():
                self.settlements.append(Settlement(decided, event))
            case _:
                pass

    def _direct(self, event: ResponseDirected, decided: Decided) -> None:
        response = self.responses.get(event.response_id)
        if response is None:
            response = self.responses[event.response_id] = DirectedResponse(
                response_id=event.response_id,
                department=event.department,
                subject=event.subject,
                name=event.of.name,
                roles=self.roles.get(event.subject, ()),
                until=event.until,
            )
        lines = {line.line_id: DirectedLine(decided, line) for line in event.lines}
        self.lines |= lines
        response.lines.extend(lines.values())

    def _suspend(self, line_ids: Iterable[LineId], reason: str | None) -> None:
        """`reason`: None when the lines are resumed."""
        for line_id in line_ids:
            self.lines[line_id].suspended_because = reason

    def _outdate_refusals(self, subject: SubjectKey) -> None:
        """The gate has judged this subject again: earlier refusals are no longer current."""
        for refusal in self.refusals:
            if refusal.subject == subject:
                refusal.current = False


async def resolution(connection: AsyncConnection, store: EventStore, entry_id: str) -> EntryResolution | None:
    """All that followed from an entry; None for an entry that the registry does not know."""
    fold = _Fold()
    for row in await connection.execute(_OF_ENTRY, {"entry_id": entry_id}):
        fold.apply(store.recorded(row))
    if fold.entry is None:
        return None
    return EntryResolution(fold.entry, list(fold.responses.values()), fold.refusals, fold.settlements)


_STREAMS = union(
    *(
        select(literal(f"{SUBJECT_FILE.category}-").concat(table.c.subject_key)).where(
            table.c.entry_id == bindparam("entry_id")
        )
        for table in (ENTRIES, PEOPLE)
    )
)
_OF_ENTRY = (
    select(EVENTS)
    .where(EVENTS.c.stream.in_(_STREAMS), text("events.data ->> 'entry_id' = :entry_id"))
    .order_by(EVENTS.c.position)
)
