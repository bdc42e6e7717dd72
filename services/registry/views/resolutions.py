"""What followed from one entry: who was directed to do what and on which basis, what the basis gate refused and why.

Told from what was recorded when it was concluded, read in one statement from the files of all whom the entry touches; nothing
is judged anew, so that a later law book changes nothing about the answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import bindparam, literal, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.events import EntryRecorded
from services.registry.handlers import FILES
from services.registry.views.entries import ENTRIES, PEOPLE
from shared.contracts.event import EventId, LineId, ResponseId, SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Entry
from shared.contracts.response import (
    EndMode,
    Line,
    RefusalReason,
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


class Concluded(BaseModel):
    """When something was concluded, from which list event, and by which law book."""

    at: datetime
    list_event_id: EventId = Field(
        description="Of this entry, or of another of the subject's that changed what follows"
    )
    lawbook_version: int


class LineEnd(Concluded):
    mode: EndMode
    reason: str


class LineTold(Concluded):
    """One measure, as it was directed, and what became of the order."""

    line: Line
    why: str = Field(
        description="Measure, instrument, basis and the day on which it was valid, and by what the department"
    )
    suspended_because: str | None = None
    end: LineEnd | None = None


class ResponseTold(BaseModel):
    """What one department was directed to do to one subject."""

    response_id: ResponseId
    department: str
    subject: SubjectKey
    name: str
    roles: tuple[Role, ...] = Field(description="As whom the subject is touched; none: it is the listed subject")
    until: date | None
    lines: list[LineTold]


class RefusalTold(Concluded):
    """A measure that targets the subject and did not pass the basis gate (rows 5 and 6, N2): nobody executes it."""

    subject: SubjectKey
    measure_id: str
    measure_version: int | None
    instrument_id: str | None
    reason: RefusalReason
    why: str = Field(description="The reason in words, in the caller's language")
    current: bool = Field(description="False: the entry was corrected since, and concluded anew")


class SettlementTold(Concluded):
    """A list event of this entry was dealt with."""

    list_event_type: str
    lines: int = Field(description="All lines ever directed because of the entry")
    standing: int
    ended: bool


class Resolution(BaseModel):
    """All that followed from one entry, in the order in which it was concluded."""

    entry_id: str
    subject: SubjectKey
    name: str
    list_kind: str
    domain_id: str
    grade: str | None
    jurisdiction: str
    responses: list[ResponseTold]
    refusals: list[RefusalTold]
    settlements: list[SettlementTold]


Say = Callable[[RefusalReason | Line], str]
"""Says in words why a measure was refused, or why a line was directed."""


@dataclass
class _Told:
    """Folds the events of one entry."""

    say: Say
    entry: Entry | None = None
    roles: dict[SubjectKey, tuple[Role, ...]] = field(default_factory=dict[SubjectKey, tuple[Role, ...]])
    responses: dict[ResponseId, ResponseTold] = field(default_factory=dict[ResponseId, ResponseTold])
    lines: dict[LineId, LineTold] = field(default_factory=dict[LineId, LineTold])
    refusals: list[RefusalTold] = field(default_factory=list[RefusalTold])
    settlements: list[SettlementTold] = field(default_factory=list[SettlementTold])

    def take(self, recorded: Recorded) -> None:
        match recorded.event:
            case EntryRecorded() as event:
                self._record(event)
            case ResponseEvent() as event:
                self._conclude(event, recorded.effective_at)
            case _:
                pass  # notes of the file: what they led to is told by the conclusions

    def _record(self, event: EntryRecorded) -> None:
        if not event.roles:
            self.entry = event.entry
        self.roles[event.of.key] = event.roles
        self._outdate(event.of.key)

    def _conclude(self, event: ResponseEvent, at: datetime) -> None:
        facts: dict[str, Any] = Concluded(
            at=at, list_event_id=event.list_event_id, lawbook_version=event.lawbook_version
        ).model_dump()
        match event:
            case ResponseDirected():
                told = self.responses.setdefault(event.response_id, self._response(event))
                new = {line.line_id: LineTold(line=line, why=self.say(line), **facts) for line in event.lines}
                self.lines |= new
                told.lines.extend(new.values())
            case ResponseAmended():
                self.responses[event.response_id].until = event.until
            case ResponseSuspended():
                self._pause(event.lines, event.reason)
            case ResponseResumed():
                self._pause(event.lines, None)
            case ResponseEnded():
                for line_id in event.lines:
                    self.lines[line_id].end = LineEnd(mode=event.mode, reason=event.reason, **facts)
            case ResponseRefused():
                self._outdate(event.subject)
                about: dict[str, Any] = {"subject": event.subject, "current": True, **facts}
                self.refusals += [
                    RefusalTold(**one.model_dump(), **about, why=self.say(one.reason)) for one in event.refused
                ]
            case Settled():
                counts = {"lines": len(event.lines), "standing": event.standing, "ended": event.ended}
                self.settlements.append(SettlementTold(list_event_type=event.list_event_type, **counts, **facts))
            case _:
                pass

    def _response(self, event: ResponseDirected) -> ResponseTold:
        return ResponseTold(
            response_id=event.response_id,
            department=event.department,
            subject=event.subject,
            name=event.of.name,
            roles=self.roles.get(event.subject, ()),
            until=event.until,
            lines=[],
        )

    def _pause(self, line_ids: Iterable[LineId], because: str | None) -> None:
        """Lines that are directed while the entry is suspended pause at once."""
        for line_id in line_ids:
            self.lines[line_id].suspended_because = because

    def _outdate(self, subject: SubjectKey) -> None:
        """What was refused before is a matter of the past: the gate has judged this subject anew."""
        for refusal in self.refusals:
            if refusal.subject == subject:
                refusal.current = False


async def resolution(
    connection: AsyncConnection, store: EventStore, entry_id: str, say: Say
) -> tuple[Entry, Resolution] | None:
    """The entry, and all that followed from it; None for an entry that was not read here."""
    told = _Told(say)
    for row in await connection.execute(_OF_ENTRY, {"entry_id": entry_id}):
        told.take(store.recorded(row))
    entry = told.entry
    if entry is None:
        return None
    return entry, Resolution(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        name=entry.subject.name,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        grade=entry.grade,
        jurisdiction=entry.jurisdiction,
        responses=list(told.responses.values()),
        refusals=told.refusals,
        settlements=told.settlements,
    )


_TOUCHED = union(
    *(
        select(literal(f"{FILES.category}-").concat(table.c.subject_key)).where(
            table.c.entry_id == bindparam("entry_id")
        )
        for table in (ENTRIES, PEOPLE)
    )
)
_OF_ENTRY = (
    select(EVENTS)
    .where(EVENTS.c.stream.in_(_TOUCHED), text("events.data ->> 'entry_id' = :entry_id"))
    .order_by(EVENTS.c.position)
)
