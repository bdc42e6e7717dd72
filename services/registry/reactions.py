"""What the registry does about list events: it locks every subject they touch, concludes what follows, and settles.

The law book comes first: an event that was validated by a version which is not read yet waits, and its partition with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

from services.registry.domain.deciding import Because, Change, Drop, End, Record, Resume, Settle, Suspend
from services.registry.domain.file import SubjectFile
from services.registry.handlers import FILES
from services.registry.views import entries, subjects
from shared.calendar.working_days import today
from shared.contracts.event import EntryId, EventId, SubjectKey, Topic
from shared.contracts.lawbook import Role
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryPublished,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ListChange,
    Subject,
)
from shared.contracts.response import EndMode
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        if messages[0].topic == Topic.LAWBOOK:
            await core.lawbook.keep(batch.connection, messages)
        else:
            await _conclude(core, batch, messages)

    return Reactions((Topic.LAWBOOK, Topic.LIST), react, never_parked=frozenset({Topic.LAWBOOK}))


async def _conclude(core: Core, batch: Batch, messages: Sequence[Message]) -> None:
    changes = [cast("ListChange", message.event) for message in messages]
    book = await core.lawbook.at_least(batch.connection, max(change.lawbook_version for change in changes))
    touched = await _touched(batch, changes)
    await subjects.lock(batch.connection, touched)
    await batch.session.load(FILES, touched)
    for message, change in zip(messages, changes, strict=True):
        batch.because_of(message)
        event_id = EventId(message.envelope.event_id)
        because = Because(event_id, message.envelope.type, book, change.lawbook_version)
        await _conclude_one(batch, change, because)


async def _touched(batch: Batch, changes: Sequence[ListChange]) -> set[SubjectKey]:
    """Everyone whose file may change: listed subjects, and responsible persons, also those of earlier versions."""
    touched = {change.subject for change in changes}
    for change in changes:
        if isinstance(change, EntryPublished | EntryCorrected):
            touched |= set(_roles(change.entry))
    return touched | await entries.people(batch.connection, {change.entry_id for change in changes})


async def _conclude_one(batch: Batch, change: ListChange, because: Because) -> None:
    """The listed subject's own file first, then those of the persons held responsible, then the settlement."""
    file = await batch.session.state(FILES, change.subject)
    commands = _commands(change, because, file, today(batch.session.now))
    for key, command in commands.items():
        await batch.session.do(FILES, key, command)
    others = [await batch.session.state(FILES, key) for key in commands if key != change.subject]
    lines = tuple(line for other in others for line in other.lines_of(change.entry_id))
    await batch.session.do(FILES, change.subject, Settle(because, change.entry_id, lines))


def _commands(change: ListChange, because: Because, file: SubjectFile, day: date) -> Mapping[SubjectKey, Change]:
    """Which file has to note what, in a fixed order: the listed subject, then persons by key."""
    known = file.entries.get(change.entry_id)
    people = sorted(known.people if known else ())
    if isinstance(change, EntryPublished | EntryCorrected):
        return _recorded(change, because, people)
    touched = [change.subject, *people]
    return {key: _change(change, because, day) for key in touched}


def _recorded(
    change: EntryPublished | EntryCorrected, because: Because, known: Iterable[SubjectKey]
) -> Mapping[SubjectKey, Change]:
    entry = change.entry
    roles = _roles(entry)
    persons: dict[SubjectKey, Subject] = {person.subject.key: person.subject for person in entry.responsible}
    commands: dict[SubjectKey, Change] = {change.subject: Record(because, entry.subject, entry)}
    for key in sorted(roles):
        commands[key] = Record(because, persons[key], entry, roles[key])
    for key in known:
        if key not in roles:
            commands[key] = Drop(because, change.entry_id)
    return commands


def _roles(entry: Entry) -> dict[SubjectKey, tuple[Role, ...]]:
    """The roles of each responsible person; the listed subject itself needs none."""
    roles: dict[SubjectKey, set[Role]] = defaultdict(set)
    for person in entry.responsible:
        if person.subject.key != entry.subject.key:
            roles[person.subject.key].add(person.role)
    return {key: tuple(sorted(held)) for key, held in roles.items()}


def _change(change: ListChange, because: Because, day: date) -> Change:
    entry_id: EntryId = change.entry_id
    match change:
        case EntrySuspended():
            return Suspend(because, entry_id, change.reason)
        case EntryResumed():
            return Resume(because, entry_id, change.reason)
        case EntryRevoked():
            return End(because, entry_id, EndMode.FROM_BEGINNING, change.cause, change.reason, day)
        case EntryRepaired():
            return End(because, entry_id, EndMode.FROM_NOW, Cause.REPAIR, change.reason, day)
        case EntryEnded():
            return End(because, entry_id, EndMode.FROM_NOW, change.cause, change.reason, change.ended_on)
        case _:
            raise TypeError(f"{change.TYPE} names an entry of its own")
