"""The decisions of a subject's file.

Each decision records the change, resolves the whole file, and orders the difference between the lines that should apply and those
that do. Nothing is ordered twice, and a line that no entry supports any longer is ended.

When the law has changed since the file was last resolved, that is decided first and separately. So a line that a later law
removes ends because of that law and from now on, also when the entry changes in the same moment.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from services.registry.domain.commands import (
    PUBLISHED,
    Change,
    Command,
    Drop,
    End,
    Record,
    ResolveAgain,
    Resume,
    Settle,
    Suspend,
)
from services.registry.domain.difference import Target, by_response, difference, response_id, subject_of
from services.registry.domain.events import (
    EntryEndedInFile,
    EntryRecorded,
    EntryResumedInFile,
    EntrySuspendedInFile,
    RoleDropped,
)
from services.registry.domain.file import INITIAL, LineInFile, SubjectFile, evolve
from services.registry.domain.law import Law, law_on
from services.registry.domain.law_change import resolved_again
from services.registry.domain.orders import ByListEvent, directed, ended, refused, suspended_or_resumed
from services.registry.domain.publicity import publicity_again, publicity_of
from shared.calendar.working_days import today
from shared.contracts.event import Event
from shared.contracts.listing import Suspends
from shared.contracts.response import EndMode, ResponseAmended, Settled
from shared.decider import Decider
from shared.rejection import reject


def decide(file: SubjectFile, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `entry_not_in_file`, `entry_has_ended`, `entry_published_twice`."""
    if isinstance(command, Settle):
        return [_settled(file, command)]
    day = today(now)
    if isinstance(command, ResolveAgain):
        law = law_on(command.book, day)
        return [*resolved_again(file, law), *publicity_again(file, law, day)]
    law = law_on(command.trigger.book, day)
    before = resolved_again(file, law)
    for event in before:
        file = evolve(file, event)
    recorded = _recorded(file, command, law, day)
    return [*before, recorded, *_orders(evolve(file, recorded), command, law)]


SUBJECT_FILE: Decider[SubjectFile, Command] = Decider("subject", INITIAL, decide, evolve)


# --- recording a change ----------------------------------------------------------------------------------------------


def _recorded(file: SubjectFile, command: Change, law: Law, day: date) -> Event:
    if isinstance(command, Record):
        return _entry_recorded(file, command, law, day)
    entry_id, event_id = command.entry_id, command.trigger.list_event_id
    if entry_id not in file.entries:
        raise reject("entry_not_in_file", entry_id=entry_id)
    match command:
        case Drop():
            return RoleDropped(entry_id=entry_id, list_event_id=event_id)
        case Suspend():
            since = file.entries[entry_id].publicity_suspended_on or day
            return EntrySuspendedInFile(
                entry_id=entry_id,
                list_event_id=event_id,
                reason=command.reason,
                suspends=command.suspends,
                publicity_since=since if Suspends.PUBLICITY in command.suspends else None,
            )
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


def _entry_recorded(file: SubjectFile, command: Record, law: Law, day: date) -> Event:
    entry, trigger = command.entry, command.trigger
    known = file.entries.get(entry.entry_id)
    if known and known.ended:
        raise reject("entry_has_ended", entry_id=entry.entry_id)
    if known and not known.dropped and trigger.list_event_type == PUBLISHED:
        raise reject("entry_published_twice", entry_id=entry.entry_id)
    return EntryRecorded(
        entry_id=entry.entry_id,
        list_event_id=trigger.list_event_id,
        of=command.of,
        entry=entry,
        roles=command.roles,
        lawbook_version=trigger.book.version,
        validated_by=trigger.validated_by,
        law_day=law.day,
        publicity=None if command.roles else publicity_of(entry, law, day, known.publicity if known else None),
    )


# --- what follows from a change of the file --------------------------------------------------------------------------


def _orders(file: SubjectFile, command: Change, law: Law) -> Iterator[Event]:
    """From the lines that apply to those that should: first what ends, then what is new, then suspensions."""
    found = difference(file, law)
    source = ByListEvent(command.trigger.list_event_id, law.book.version)
    reason = command.trigger.list_event_type if isinstance(command, Record | Drop) else command.reason
    ends = [*found.gone, *(line for line in file.lines.values() if _ends_from_beginning(line, command))]
    yield from ended(file, ends, source, _mode(command), reason)
    yield from directed(file, found, source)
    if isinstance(command, Record):
        entry_id = command.entry.entry_id
        yield from refused(file, entry_id, found.targets[entry_id].refusals, source)
        yield from _term_amended(file, command, found.targets[entry_id], source)
    yield from suspended_or_resumed(file, found, source, reason)


def _mode(command: Change) -> EndMode:
    """A correction is true from the beginning. A new entry ends lines that yield to it from now on only."""
    match command:
        case End():
            return command.mode
        case Record() if command.trigger.list_event_type == PUBLISHED:
            return EndMode.FROM_NOW
        case _:
            return EndMode.FROM_BEGINNING


def _ends_from_beginning(line: LineInFile, command: Change) -> bool:
    """Whether a line that ended from now on ends from the beginning, because its entry was wrong from the beginning."""
    return (
        isinstance(command, End)
        and line.entry_id == command.entry_id
        and line.ended is not None
        and command.mode.goes_further_than(line.ended)
    )


def _term_amended(file: SubjectFile, command: Record, target: Target, source: ByListEvent) -> Iterator[Event]:
    """A correction may change the end of the term: each response that continues is amended."""
    if command.trigger.list_event_type == PUBLISHED:
        return
    continuing = [line for line_id in target.directives if (line := file.lines.get(line_id))]
    for (entry_id, department), _lines in by_response(continuing):
        yield ResponseAmended(
            **source.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            until=command.entry.term_to,
        )


def _settled(file: SubjectFile, command: Settle) -> Settled:
    """All lines ever directed because of the entry, in all files. So "no responses" differs from "not processed"."""
    held = file.entries[command.entry_id]
    lines = [*file.lines_of(command.entry_id), *command.others]
    return Settled(
        entry_id=command.entry_id,
        subject=subject_of(file).key,
        lawbook_version=command.trigger.book.version,
        list_event_id=command.trigger.list_event_id,
        list_event_type=command.trigger.list_event_type,
        lines=tuple(sorted(line.line_id for line in lines)),
        standing=sum(1 for line in lines if line.ended is None),
        ended=held.ended is not None,
    )
