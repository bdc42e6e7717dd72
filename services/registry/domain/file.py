"""A subject's file: the entries that touch the subject, the lines that were directed because of them, and what follows
when either changes.

The rule of every decision: note the change, resolve the whole file again, and order the difference between the lines that
should stand and those that do. Nothing is ordered twice, and what nothing supports any longer is ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from typing import TypedDict

from services.registry.domain.events import (
    EntryEndedInFile,
    EntryRecorded,
    EntryResumedInFile,
    EntrySuspendedInFile,
    RoleDropped,
)
from services.registry.domain.resolution import Directive, Refusal, domains_listed, is_punishment, resolve
from shared.contracts.event import DepartmentId, EntryId, Event, EventId, LineId, ResponseId, SubjectKey
from shared.contracts.lawbook import MeasureKind, Role
from shared.contracts.listing import Cause, Entry, Subject
from shared.contracts.response import (
    EndMode,
    Line,
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
from shared.naming import stable_id
from shared.rejection import reject


@dataclass(frozen=True, slots=True)
class EntryInFile:
    """An entry as this subject's file knows it."""

    entry: Entry
    roles: tuple[Role, ...]
    """As whom the subject is touched; none: it is the listed subject itself."""
    people: frozenset[SubjectKey] = frozenset()
    """Everyone ever held responsible for it, corrected or not: their effects have to end with it too."""
    suspended: bool = False
    dropped: bool = False
    ended: EndMode | None = None
    ended_on: date | None = None
    cause: Cause | None = None

    @property
    def stands(self) -> bool:
        return self.ended is None and not self.dropped


@dataclass(frozen=True, slots=True)
class LineInFile:
    """A line that was directed to a department."""

    line_id: LineId
    entry_id: EntryId
    department: DepartmentId
    measure_id: str
    kind: MeasureKind
    suspended: bool = False
    ended: EndMode | None = None


@dataclass(frozen=True, slots=True)
class SubjectFile:
    """What is known of one subject."""

    of: Subject | None = None
    entries: Mapping[EntryId, EntryInFile] = field(default_factory=dict[EntryId, EntryInFile])
    lines: Mapping[LineId, LineInFile] = field(default_factory=dict[LineId, LineInFile])

    def lines_of(self, entry_id: EntryId) -> Iterator[LineInFile]:
        return (line for line in self.lines.values() if line.entry_id == entry_id)


INITIAL = SubjectFile()


@dataclass(frozen=True, slots=True)
class Because:
    """The list event that is being concluded, and the law book by which."""

    list_event_id: EventId
    list_event_type: str
    book: LawBook


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


Change = Record | Drop | Suspend | Resume | End
Command = Change | Settle


def decide(file: SubjectFile, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected for a change of an entry that the file does not know, or a second publication."""
    match command:
        case Settle():
            return [_settled(file, command)]
        case Record():
            noted = _record(file, command)
        case _:
            noted = _change(file, command)
    after = evolve(file, noted)
    return [noted, *_difference(after, command)]


def _record(file: SubjectFile, command: Record) -> Event:
    entry, because = command.entry, command.because
    known = file.entries.get(entry.entry_id)
    if known and known.ended:
        raise reject("entry_has_ended", entry_id=entry.entry_id)
    if known and not known.dropped and because.list_event_type == "list.entry.published.v1":
        raise reject("entry_published_twice", entry_id=entry.entry_id)
    return EntryRecorded(
        entry_id=entry.entry_id,
        list_event_id=because.list_event_id,
        of=command.of,
        entry=entry,
        roles=command.roles,
        lawbook_version=because.book.version,
    )


def _change(file: SubjectFile, command: Drop | Suspend | Resume | End) -> Event:
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


def _difference(file: SubjectFile, command: Change) -> Iterator[Event]:
    """From the lines that stand to those that should: first what ends, then what is new, then what pauses or goes on."""
    wanted = {entry_id: _wanted(file, held, command.because.book) for entry_id, held in file.entries.items()}
    yield from _ended(file, wanted, command)
    yield from _directed(file, wanted, command)
    yield from _amended(file, wanted, command)
    yield from _paused(file, wanted, command)


Wanted = Mapping[EntryId, Mapping[LineId, Directive]]


def _wanted(file: SubjectFile, held: EntryInFile, book: LawBook) -> dict[LineId, Directive]:
    """The lines that should stand because of one entry, by their ids."""
    if not held.stands:
        return {}
    standing = [other.entry for other in file.entries.values() if other.stands]
    count = domains_listed(standing, held.entry.list_kind)
    entry_id = held.entry.entry_id
    return {
        _line_id(file, entry_id, directive): directive
        for directive in resolve(held.entry, held.roles, count, book).directives
    }


def _line_id(file: SubjectFile, entry_id: EntryId, directive: Directive) -> LineId:
    """Follows from entry, subject, department and measure; a line that was ended is not revived, the next has a new id."""
    department, measure_id = directive.department, directive.measure.measure_id
    ended = sum(
        1
        for line in file.lines_of(entry_id)
        if line.department == department and line.measure_id == measure_id and line.ended
    )
    return LineId(stable_id("line", entry_id, _me(file).key, department, measure_id, str(ended)))


def _response_id(file: SubjectFile, entry_id: EntryId, department: DepartmentId) -> ResponseId:
    return ResponseId(stable_id("response", entry_id, _me(file).key, department))


def _me(file: SubjectFile) -> Subject:
    if file.of is None:
        raise reject("entry_not_in_file")
    return file.of


def _ended(file: SubjectFile, wanted: Wanted, command: Change) -> Iterator[Event]:
    """What nothing supports any longer ends; an entry wrong from the beginning also reopens what had only stopped."""
    mode = command.mode if isinstance(command, End) else EndMode.FROM_BEGINNING
    reason = _why(command)
    gone = [
        line
        for line in file.lines.values()
        if (line.ended is None and line.line_id not in wanted[line.entry_id]) or _ends_anew(line, command)
    ]
    for (entry_id, department), lines in _by_response(gone):
        yield ResponseEnded(
            **_facts(file, command, entry_id),
            response_id=_response_id(file, entry_id, department),
            department=department,
            lines=tuple(line.line_id for line in lines),
            mode=mode,
            reason=reason,
        )


def _ends_anew(line: LineInFile, command: Change) -> bool:
    return (
        isinstance(command, End)
        and command.mode is EndMode.FROM_BEGINNING
        and line.entry_id == command.entry_id
        and line.ended is EndMode.FROM_NOW
    )


def _directed(file: SubjectFile, wanted: Wanted, command: Change) -> Iterator[Event]:
    """New lines, one event a response; and, for the entry at hand, what the basis gate refused."""
    for entry_id, directives in wanted.items():
        held = file.entries[entry_id]
        new = [(line_id, d) for line_id, d in directives.items() if line_id not in file.lines]
        for department, group in groupby(sorted(new, key=lambda pair: pair[1].department), lambda p: p[1].department):
            yield ResponseDirected(
                **_facts(file, command, entry_id),
                response_id=_response_id(file, entry_id, department),
                department=department,
                of=_me(file),
                list_kind=held.entry.list_kind,
                domain_id=held.entry.domain_id,
                entry_subject=held.entry.subject.key,
                jurisdiction=held.entry.jurisdiction,
                until=held.entry.term_to,
                lines=tuple(_line(line_id, directive) for line_id, directive in group),
            )
    if isinstance(command, Record):
        yield from _refused(file, command)


def _refused(file: SubjectFile, command: Record) -> Iterator[Event]:
    held = file.entries[command.entry.entry_id]
    standing = [other.entry for other in file.entries.values() if other.stands]
    count = domains_listed(standing, held.entry.list_kind)
    refusals = resolve(held.entry, held.roles, count, command.because.book).refusals
    if refusals:
        yield ResponseRefused(
            **_facts(file, command, held.entry.entry_id), refused=tuple(_refused_measure(r) for r in refusals)
        )


def _refused_measure(refusal: Refusal) -> RefusedMeasure:
    measure = refusal.measure
    return RefusedMeasure(
        measure_id=measure.measure_id,
        measure_version=measure.version,
        instrument_id=measure.instrument_id,
        reason=refusal.reason,
    )


def _amended(file: SubjectFile, wanted: Wanted, command: Change) -> Iterator[Event]:
    """A correction may move the end of the term: the responses that go on are told, once each."""
    if not isinstance(command, Record) or command.because.list_event_type == "list.entry.published.v1":
        return
    entry_id = command.entry.entry_id
    standing = [line for line_id in wanted[entry_id] if (line := file.lines.get(line_id))]
    for (_, department), _lines in _by_response(standing):
        yield ResponseAmended(
            **_facts(file, command, entry_id),
            response_id=_response_id(file, entry_id, department),
            department=department,
            until=command.entry.term_to,
        )


def _paused(file: SubjectFile, wanted: Wanted, command: Change) -> Iterator[Event]:
    """Punishments of a suspended entry pause, new ones included; those of a resumed one go on."""
    for entry_id, directives in wanted.items():
        suspended = file.entries[entry_id].suspended
        changed = [
            LineInFile(line_id, entry_id, d.department, d.measure.measure_id, d.measure.kind)
            for line_id, d in directives.items()
            if is_punishment(d.measure.kind) and suspended != _is_suspended(file, line_id)
        ]
        kind = ResponseSuspended if suspended else ResponseResumed
        for (_, department), lines in _by_response(changed):
            yield kind(
                **_facts(file, command, entry_id),
                response_id=_response_id(file, entry_id, department),
                department=department,
                lines=tuple(line.line_id for line in lines),
                reason=_why(command),
            )


def _is_suspended(file: SubjectFile, line_id: LineId) -> bool:
    line = file.lines.get(line_id)
    return line is not None and line.suspended


def _settled(file: SubjectFile, command: Settle) -> Settled:
    """Every line ever directed for the entry, in all files that it touches; "no responses" differs from "not processed"."""
    held = file.entries[command.entry_id]
    lines = [*file.lines_of(command.entry_id), *command.others]
    return Settled(
        entry_id=command.entry_id,
        subject=_me(file).key,
        lawbook_version=command.because.book.version,
        list_event_id=command.because.list_event_id,
        list_event_type=command.because.list_event_type,
        lines=tuple(sorted(line.line_id for line in lines)),
        standing=sum(1 for line in lines if line.ended is None),
        ended=held.ended is not None,
    )


class _Facts(TypedDict):
    """What every event of the topic says of its origin."""

    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int
    list_event_id: EventId


def _facts(file: SubjectFile, command: Change, entry_id: EntryId) -> _Facts:
    because = command.because
    return {
        "entry_id": entry_id,
        "subject": _me(file).key,
        "lawbook_version": because.book.version,
        "list_event_id": because.list_event_id,
    }


def _why(command: Change) -> str:
    return command.because.list_event_type if isinstance(command, Record | Drop) else command.reason


def _by_response(
    lines: Sequence[LineInFile],
) -> Iterator[tuple[tuple[EntryId, DepartmentId], list[LineInFile]]]:
    def response(line: LineInFile) -> tuple[EntryId, DepartmentId]:
        return line.entry_id, line.department

    for key, group in groupby(sorted(lines, key=response), response):
        yield key, list(group)


def _line(line_id: LineId, directive: Directive) -> Line:
    measure, instrument, basis = directive.measure, directive.instrument, directive.basis
    return Line(
        line_id=line_id,
        measure_id=measure.measure_id,
        measure_version=measure.version,
        text_zh=measure.text_zh,
        kind=measure.kind,
        force=measure.force,
        duty=measure.duty,
        works=measure.works,
        matters=measure.matters,
        instrument_id=instrument.instrument_id,
        instrument_version=instrument.version,
        basis=f"{basis.document} {basis.article}".strip(),
        basis_valid_to=basis.valid_to,
        on_end=measure.on_end,
        on_error=measure.on_error,
        nothing_to_undo_because=measure.nothing_to_undo_because,
        answer_within_days=measure.answer_within_days,
        undo_within_days=measure.undo_within_days,
    )


def evolve(file: SubjectFile, event: Event) -> SubjectFile:
    match event:
        case EntryRecorded():
            return _with_entry(file, event)
        case RoleDropped():
            return _entry(file, event.entry_id, dropped=True)
        case EntrySuspendedInFile():
            return _entry(file, event.entry_id, suspended=True)
        case EntryResumedInFile():
            return _entry(file, event.entry_id, suspended=False)
        case EntryEndedInFile():
            return _entry(file, event.entry_id, ended=event.mode, ended_on=event.ended_on, cause=event.cause)
        case ResponseDirected():
            new = {
                line.line_id: LineInFile(line.line_id, event.entry_id, event.department, line.measure_id, line.kind)
                for line in event.lines
            }
            return replace(file, lines={**file.lines, **new})
        case ResponseSuspended():
            return _lines(file, event.lines, suspended=True)
        case ResponseResumed():
            return _lines(file, event.lines, suspended=False)
        case ResponseEnded():
            return _lines(file, event.lines, ended=event.mode)
        case _:
            return file


def _with_entry(file: SubjectFile, event: EntryRecorded) -> SubjectFile:
    known = file.entries.get(event.entry_id)
    named = frozenset[SubjectKey](person.subject.key for person in event.entry.responsible if not event.roles)
    held = EntryInFile(
        entry=event.entry,
        roles=event.roles,
        people=named | (known.people if known else frozenset[SubjectKey]()),
        suspended=known.suspended if known else False,
    )
    return replace(file, of=event.of, entries={**file.entries, event.entry_id: held})


def _entry(file: SubjectFile, entry_id: EntryId, **changed: object) -> SubjectFile:
    return replace(file, entries={**file.entries, entry_id: replace(file.entries[entry_id], **changed)})


def _lines(file: SubjectFile, line_ids: Sequence[LineId], **changed: object) -> SubjectFile:
    return replace(file, lines={**file.lines, **{i: replace(file.lines[i], **changed) for i in line_ids}})
