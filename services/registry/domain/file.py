"""A subject's file: the entries that touch the subject, and the lines that were directed because of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from services.registry.domain.events import (
    EntryEndedInFile,
    EntryRecorded,
    EntryResumedInFile,
    EntrySuspendedInFile,
    FileResolvedAgain,
    Publicity,
    PublicityChanged,
    RoleDropped,
)
from shared.contracts.event import DepartmentId, EntryId, Event, EventId, LineId, SubjectKey
from shared.contracts.lawbook import (
    MeasureKind,
    Role,
)
from shared.contracts.listing import Cause, Entry, Subject, Suspends
from shared.contracts.response import (
    EndMode,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
)


@dataclass(frozen=True, slots=True)
class EntryInFile:
    """An entry in the file of a subject that it concerns."""

    entry: Entry
    roles: tuple[Role, ...]
    """The roles in which the subject is responsible; empty: it is the listed subject itself."""
    validated_by: int = 0
    """The version of the law book that validated its publication. Later law applies only where it is milder."""
    list_event_id: EventId | None = None
    """The publication, or its last correction."""
    people: frozenset[SubjectKey] = frozenset()
    """All persons ever responsible for it, also before a correction: their lines end with it too."""
    suspends: frozenset[Suspends] = frozenset()
    """What is suspended now; empty: nothing."""
    publicity: Publicity | None = None
    """When the public may see it; None for responsible persons, and until it is first decided for an older entry."""
    publicity_suspended_on: date | None = None
    """The day since which its publicity is suspended."""
    dropped: bool = False
    ended: EndMode | None = None
    ended_on: date | None = None
    cause: Cause | None = None

    @property
    def active(self) -> bool:
        return self.ended is None and not self.dropped

    @property
    def suspended(self) -> bool:
        """The punishments of the entry are suspended."""
        return Suspends.MEASURES in self.suspends

    def in_force_on(self, day: date) -> bool:
        """Whether the entry was in force on a day, as far as the file shows."""
        if self.dropped or self.ended is EndMode.FROM_BEGINNING:
            return False
        if self.ended_on is not None and self.ended_on <= day:
            return False
        return self.entry.term_from <= day and (self.entry.term_to is None or day <= self.entry.term_to)


class LineInFile(NamedTuple):
    """A line that was directed to a department. A named tuple for speed: a list event makes or changes about six of them."""

    line_id: LineId
    entry_id: EntryId
    department: DepartmentId
    measure_id: str
    kind: MeasureKind
    measure_version: int = 0
    suspended: bool = False
    ended: EndMode | None = None


@dataclass(frozen=True, slots=True)
class SubjectFile:
    """What is known of one subject."""

    of: Subject | None = None
    entries: Mapping[EntryId, EntryInFile] = field(default_factory=dict[EntryId, EntryInFile])
    lines: Mapping[LineId, LineInFile] = field(default_factory=dict[LineId, LineInFile])
    law: tuple[int, date] | None = None
    """The law (version of the book, first day of its span) by which the file was last resolved with a recorded result."""

    def lines_of(self, entry_id: EntryId) -> Iterator[LineInFile]:
        return (line for line in self.lines.values() if line.entry_id == entry_id)

    @property
    def active_entries(self) -> list[Entry]:
        return [held.entry for held in self.entries.values() if held.active]


INITIAL = SubjectFile()


def evolve(file: SubjectFile, event: Event) -> SubjectFile:
    match event:
        case EntryRecorded():
            return _with_entry(file, event)
        case RoleDropped():
            return _entry(file, event.entry_id, dropped=True)
        case EntrySuspendedInFile():
            since = event.publicity_since
            return _entry(file, event.entry_id, suspends=frozenset(event.suspends), publicity_suspended_on=since)
        case EntryResumedInFile():
            return _entry(file, event.entry_id, suspends=frozenset[Suspends](), publicity_suspended_on=None)
        case PublicityChanged():
            return _entry(file, event.entry_id, publicity=event.publicity)
        case EntryEndedInFile():
            return _entry(file, event.entry_id, ended=event.mode, ended_on=event.ended_on, cause=event.cause)
        case FileResolvedAgain():
            return replace(file, law=(event.lawbook_version, event.law_day))
        case ResponseDirected():
            return replace(file, lines={**file.lines, **_new_lines(event)})
        case ResponseSuspended():
            return _lines(file, event.lines, suspended=True)
        case ResponseResumed():
            return _lines(file, event.lines, suspended=False)
        case ResponseEnded():
            return _lines(file, event.lines, ended=event.mode)
        case _:
            return file


def _new_lines(event: ResponseDirected) -> dict[LineId, LineInFile]:
    return {
        line.line_id: LineInFile(
            line_id=line.line_id,
            entry_id=event.entry_id,
            department=event.department,
            measure_id=line.measure_id,
            kind=line.kind,
            measure_version=line.measure_version,
        )
        for line in event.lines
    }


def _with_entry(file: SubjectFile, event: EntryRecorded) -> SubjectFile:
    known = file.entries.get(event.entry_id)
    named = frozenset[SubjectKey](person.subject.key for person in event.entry.responsible if not event.roles)
    held = EntryInFile(
        entry=event.entry,
        roles=event.roles,
        validated_by=known.validated_by if known else event.validated_by or event.lawbook_version,
        list_event_id=event.list_event_id,
        people=named | (known.people if known else frozenset[SubjectKey]()),
        suspends=known.suspends if known else frozenset(),
        publicity=event.publicity,
        publicity_suspended_on=known.publicity_suspended_on if known else None,
    )
    law = (event.lawbook_version, event.law_day) if event.law_day else file.law
    return replace(file, of=event.of, entries={**file.entries, event.entry_id: held}, law=law)


def _entry(file: SubjectFile, entry_id: EntryId, **changed: object) -> SubjectFile:
    return replace(file, entries={**file.entries, entry_id: replace(file.entries[entry_id], **changed)})


def _lines(file: SubjectFile, line_ids: Sequence[LineId], **changed: Any) -> SubjectFile:
    return replace(file, lines={**file.lines, **{i: file.lines[i]._replace(**changed) for i in line_ids}})
