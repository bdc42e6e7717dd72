"""What follows when a file changes, or the law does.

The rule of every decision: note the change, resolve the whole file again, and order the difference between the lines that
should stand and those that do. Nothing is ordered twice, and what nothing supports any longer is ended. When the law has
changed since the file was resolved last, that is concluded first, by itself: a line that a later law takes away ends because
of that law and from now on, whatever else happens to the entry in the same moment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict

from services.registry.domain.events import (
    EntryEndedInFile,
    EntryRecorded,
    EntryResumedInFile,
    EntrySuspendedInFile,
    FileResolvedAgain,
    RoleDropped,
)
from services.registry.domain.file import LineInFile, SubjectFile, evolve
from services.registry.domain.following import (
    Difference,
    Wanted,
    by_response,
    difference,
    new_by_response,
    response_id,
    subject_of,
    to_pause,
)
from services.registry.domain.law import Law, law_on
from services.registry.domain.resolution import Refusal
from shared.calendar.working_days import today
from shared.contracts.event import EntryId, Event, EventId, SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Entry, Subject
from shared.contracts.response import (
    EndMode,
    RefusedMeasure,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseRefused,
    ResponseResumed,
    ResponseSuspended,
    Settled,
)
from shared.lawbook.book import LawBook
from shared.rejection import reject

PUBLISHED = "list.entry.published.v1"
LAW_CHANGED = "law_changed"
"""The reason of what a later law takes away or adds."""


@dataclass(frozen=True, slots=True)
class Because:
    """The list event that is being concluded, and the law book by which."""

    list_event_id: EventId
    list_event_type: str
    book: LawBook
    validated_by: int | None = None
    """The version of the book by which the list event was validated; none: this one."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry was published or corrected, and it touches this subject."""

    because: Because
    of: Subject
    entry: Entry
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """A correction no longer names this person."""

    because: Because
    entry_id: EntryId


@dataclass(frozen=True, slots=True)
class Suspend:
    because: Because
    entry_id: EntryId
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    because: Because
    entry_id: EntryId
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    because: Because
    entry_id: EntryId
    mode: EndMode
    cause: Cause
    reason: str
    ended_on: date


@dataclass(frozen=True, slots=True)
class Settle:
    """All files that the list event touches are dealt with: `lines` are the entry's in the files of responsible persons."""

    because: Because
    entry_id: EntryId
    others: tuple[LineInFile, ...]


@dataclass(frozen=True, slots=True)
class ResolveAgain:
    """The law book has changed, or a day has come on which something in it begins or ends."""

    book: LawBook


Change = Record | Drop | Suspend | Resume | End
Command = Change | Settle | ResolveAgain


def decide(file: SubjectFile, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected for a change of an entry that the file does not know, or a second publication."""
    if isinstance(command, Settle):
        return [_settled(file, command)]
    if isinstance(command, ResolveAgain):
        law = law_on(command.book, today(now))
        return _resolved_again(file, law) if file.law != law.key else []
    law = law_on(command.because.book, today(now))
    before = _resolved_again(file, law) if file.law != law.key else []
    for event in before:
        file = evolve(file, event)
    noted = _noted(file, command, law)
    return [*before, noted, *_followed(evolve(file, noted), command, law)]


# --- what is noted ---------------------------------------------------------------------------------------------------


def _noted(file: SubjectFile, command: Change, law: Law) -> Event:
    if isinstance(command, Record):
        return _record(file, command, law)
    entry_id, event_id = command.entry_id, command.because.list_event_id
    if entry_id not in file.entries:
        raise reject("entry_not_in_file", entry_id=entry_id)
    match command:
        case Drop():
            return RoleDropped(entry_id=entry_id, list_event_id=event_id)
        case Suspend():
            return EntrySuspendedInFile(entry_id=entry_id, list_event_id=event_id, reason=command.reason)
        case Resume():
            return EntryResumedInFile(entry_id=entry_id, list_event_id=event_id, reason=command.reason)
        case End():
            return EntryEndedInFile(
                entry_id=entry_id,
                list_event_id=event_id,
                mode=command.mode,
                cause=command.cause,
                reason=command.reason,
                ended_on=command.ended_on,
            )


def _record(file: SubjectFile, command: Record, law: Law) -> Event:
    entry, because = command.entry, command.because
    known = file.entries.get(entry.entry_id)
    if known and known.ended:
        raise reject("entry_has_ended", entry_id=entry.entry_id)
    if known and not known.dropped and because.list_event_type == PUBLISHED:
        raise reject("entry_published_twice", entry_id=entry.entry_id)
    return EntryRecorded(
        entry_id=entry.entry_id,
        list_event_id=because.list_event_id,
        of=command.of,
        entry=entry,
        roles=command.roles,
        lawbook_version=because.book.version,
        validated_by=because.validated_by,
        law_day=law.day,
    )


# --- what follows from a change of the file --------------------------------------------------------------------------


def _followed(file: SubjectFile, command: Change, law: Law) -> Iterator[Event]:
    """From the lines that stand to those that should: first what ends, then what is new, then what pauses or goes on."""
    found = difference(file, law)
    because = _List(command.because.list_event_id, law.book.version)
    reason = command.because.list_event_type if isinstance(command, Record | Drop) else command.reason
    ends = [*found.gone, *(line for line in file.lines.values() if _ends_anew(line, command))]
    yield from _ended(file, ends, because, _mode(command), reason)
    yield from _directed(file, found, because)
    if isinstance(command, Record):
        entry_id = command.entry.entry_id
        yield from _refused(file, entry_id, found.wanted[entry_id].refusals, because)
        yield from _amended_term(file, command, found.wanted[entry_id], because)
    yield from _paused(file, found, because, reason)


def _mode(command: Change) -> EndMode:
    """A correction says how it was from the beginning. A new entry takes away only what yields to it from now on."""
    match command:
        case End():
            return command.mode
        case Record() if command.because.list_event_type == PUBLISHED:
            return EndMode.FROM_NOW
        case _:
            return EndMode.FROM_BEGINNING


def _ends_anew(line: LineInFile, command: Change) -> bool:
    """An entry wrong from the beginning also reopens what had only stopped."""
    return (
        isinstance(command, End)
        and command.mode is EndMode.FROM_BEGINNING
        and line.entry_id == command.entry_id
        and line.ended is EndMode.FROM_NOW
    )


def _amended_term(file: SubjectFile, command: Record, wanted: Wanted, because: "_List") -> Iterator[Event]:
    """A correction may move the end of the term: the responses that go on are told, once each."""
    if command.because.list_event_type == PUBLISHED:
        return
    standing = [line for line_id in wanted.directives if (line := file.lines.get(line_id))]
    for (entry_id, department), _lines in by_response(standing):
        yield ResponseAmended(
            **because.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            until=command.entry.term_to,
        )


# --- what follows from a change of the law ---------------------------------------------------------------------------


def _resolved_again(file: SubjectFile, law: Law) -> list[Event]:
    """Later law, put into effect: what it takes away ends from now on, what it makes milder is replaced.

    A file in which nothing follows differently notes nothing.
    """
    if not any(held.stands for held in file.entries.values()):
        return []
    found = difference(file, law)
    if not found:
        return []
    before = file.law[0] if file.law else min(held.since for held in file.entries.values())
    noted = FileResolvedAgain(
        before_lawbook_version=before, lawbook_version=law.book.version, law_day=law.day, entries=found.entries
    )
    return [noted, *_by_law(file, found, law, before)]


def _by_law(file: SubjectFile, found: Difference, law: Law, before: int) -> Iterator[Event]:
    because = _OwnList(law.book.version)
    yield from _amended_by_law(file, found, before, because)
    yield from _ended(file, found.gone, because, EndMode.FROM_NOW, LAW_CHANGED)
    yield from _directed(file, found, because)
    gone = {(line.entry_id, line.measure_id) for line in found.gone}
    for entry_id, one in found.wanted.items():
        refusals = [refusal for refusal in one.refusals if (entry_id, refusal.measure.measure_id) in gone]
        yield from _refused(file, entry_id, refusals, because)
    yield from _paused(file, found, because, LAW_CHANGED)


def _amended_by_law(file: SubjectFile, found: Difference, before: int, because: "_OwnList") -> Iterator[Event]:
    """Each response that changes is told why, and by which versions, before its lines end and begin."""
    ended = {key: tuple(line.line_id for line in lines) for key, lines in by_response(found.gone)}
    added = {key: tuple(line.line_id for line in lines) for key, lines in new_by_response(found.new, found.wanted)}
    for entry_id, department in sorted({*ended, *(key for key in added if _is_known(file, *key))}):
        key = (entry_id, department)
        yield ResponseAmended(
            **because.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            until=found.wanted[entry_id].held.entry.term_to,
            reason=LAW_CHANGED,
            before_lawbook_version=before,
            ended=ended.get(key, ()),
            added=added.get(key, ()),
        )


def _is_known(file: SubjectFile, entry_id: EntryId, department: str) -> bool:
    """A response that was never opened cannot be amended."""
    return any(line.department == department for line in file.lines_of(entry_id))


# --- orders ----------------------------------------------------------------------------------------------------------


class _Facts(TypedDict):
    """What every event of the topic says of its origin."""

    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int
    list_event_id: EventId


@dataclass(frozen=True, slots=True)
class _List:
    """Because of one list event."""

    list_event_id: EventId
    lawbook_version: int

    def facts(self, file: SubjectFile, entry_id: EntryId) -> _Facts:
        return {
            "entry_id": entry_id,
            "subject": subject_of(file).key,
            "lawbook_version": self.lawbook_version,
            "list_event_id": self.list_event_id,
        }


@dataclass(frozen=True, slots=True)
class _OwnList:
    """Because of the law: each entry's own list event is what is concluded anew."""

    lawbook_version: int

    def facts(self, file: SubjectFile, entry_id: EntryId) -> _Facts:
        own = file.entries[entry_id].list_event_id
        assert own is not None  # every recording names it
        return _List(own, self.lawbook_version).facts(file, entry_id)


def _ended(
    file: SubjectFile, lines: Sequence[LineInFile], because: _List | _OwnList, mode: EndMode, reason: str
) -> Iterator[Event]:
    for (entry_id, department), group in by_response(lines):
        yield ResponseEnded(
            **because.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            lines=tuple(line.line_id for line in group),
            mode=mode,
            reason=reason,
        )


def _directed(file: SubjectFile, found: Difference, because: _List | _OwnList) -> Iterator[Event]:
    """New lines, one event a response."""
    for (entry_id, department), lines in new_by_response(found.new, found.wanted):
        entry = found.wanted[entry_id].held.entry
        yield ResponseDirected(
            **because.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            of=subject_of(file),
            list_kind=entry.list_kind,
            domain_id=entry.domain_id,
            entry_subject=entry.subject.key,
            jurisdiction=entry.jurisdiction,
            until=entry.term_to,
            lines=lines,
            policies=found.wanted[entry_id].policies,
        )


def _refused(
    file: SubjectFile, entry_id: EntryId, refusals: Sequence[Refusal], because: _List | _OwnList
) -> Iterator[Event]:
    """What the basis gate refused."""
    if refusals:
        told = tuple(
            RefusedMeasure(
                measure_id=refusal.measure.measure_id,
                measure_version=refusal.measure.version,
                instrument_id=refusal.measure.instrument_id,
                reason=refusal.reason,
            )
            for refusal in refusals
        )
        yield ResponseRefused(**because.facts(file, entry_id), refused=told)


def _paused(file: SubjectFile, found: Difference, because: _List | _OwnList, reason: str) -> Iterator[Event]:
    """Punishments of a suspended entry pause, new ones included; those of a resumed one go on."""
    changed = list(to_pause(file, found.wanted))
    for rest, kind in ((True, ResponseSuspended), (False, ResponseResumed)):
        for (entry_id, department), lines in by_response([line for paused, line in changed if paused is rest]):
            yield kind(
                **because.facts(file, entry_id),
                response_id=response_id(file, entry_id, department),
                department=department,
                lines=tuple(line.line_id for line in lines),
                reason=reason,
            )


def _settled(file: SubjectFile, command: Settle) -> Settled:
    """Every line ever directed for the entry, in all files that it touches; "no responses" differs from "not processed"."""
    held = file.entries[command.entry_id]
    lines = [*file.lines_of(command.entry_id), *command.others]
    return Settled(
        entry_id=command.entry_id,
        subject=subject_of(file).key,
        lawbook_version=command.because.book.version,
        list_event_id=command.because.list_event_id,
        list_event_type=command.because.list_event_type,
        lines=tuple(sorted(line.line_id for line in lines)),
        standing=sum(1 for line in lines if line.ended is None),
        ended=held.ended is not None,
    )
