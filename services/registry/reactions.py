"""Reactions to list events: lock every subject that they concern, decide what follows in its file, and settle the event.

The law book comes first: an event that was validated by a version that was not read yet waits, and its partition with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import cast

from services.registry.domain.commands import Change, Drop, End, Record, Resume, Settle, Suspend, Trigger
from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.file import SubjectFile
from services.registry.stores import subject_locks
from services.registry.views import entries
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
            await _process(core, batch, messages)

    return Reactions((Topic.LAWBOOK, Topic.LIST), react, never_parked=frozenset({Topic.LAWBOOK}))


async def _process(core: Core, batch: Batch, messages: Sequence[Message]) -> None:
    changes = [cast("ListChange", message.event) for message in messages]
    book = await core.lawbook.at_least(batch.connection, max(change.lawbook_version for change in changes))
    touched = await _touched(batch, changes)
    await subject_locks.lock(batch.connection, touched)
    await batch.session.load(SUBJECT_FILE, touched)
    for message, change in zip(messages, changes, strict=True):
        batch.because_of(message)
        event_id = EventId(message.envelope.event_id)
        trigger = Trigger(event_id, message.envelope.type, book, change.lawbook_version)
        await _process_one(batch, change, trigger)


async def _touched(batch: Batch, changes: Sequence[ListChange]) -> set[SubjectKey]:
    """Every subject whose file may change: listed subjects and responsible persons, also those of earlier versions."""
    touched = {change.subject for change in changes}
    for change in changes:
        if isinstance(change, EntryPublished | EntryCorrected):
            touched |= set(_roles(change.entry))
    return touched | await entries.people(batch.connection, {change.entry_id for change in changes})


async def _process_one(batch: Batch, change: ListChange, trigger: Trigger) -> None:
    """The file of the listed subject first, then those of the responsible persons, then the settlement."""
    file = await batch.session.state(SUBJECT_FILE, change.subject)
    commands = _commands(change, trigger, file, today(batch.session.now))
    for key, command in commands.items():
        await batch.session.do(SUBJECT_FILE, key, command)
    others = [await batch.session.state(SUBJECT_FILE, key) for key in commands if key != change.subject]
    lines = tuple(line for other in others for line in other.lines_of(change.entry_id))
    await batch.session.do(SUBJECT_FILE, change.subject, Settle(trigger, change.entry_id, lines))


def _commands(change: ListChange, trigger: Trigger, file: SubjectFile, day: date) -> Mapping[SubjectKey, Change]:
    """The command for each file, in a fixed order: the listed subject, then persons by key."""
    known = file.entries.get(change.entry_id)
    people = sorted(known.people if known else ())
    if isinstance(change, EntryPublished | EntryCorrected):
        return _recorded(change, trigger, people)
    touched = [change.subject, *people]
    return {key: _change(change, trigger, day) for key in touched}


def _recorded(
    change: EntryPublished | EntryCorrected, trigger: Trigger, known: Iterable[SubjectKey]
) -> Mapping[SubjectKey, Change]:
    entry = change.entry
    roles = _roles(entry)
    persons: dict[SubjectKey, Subject] = {person.subject.key: person.subject for person in entry.responsible}
    commands: dict[SubjectKey, Change] = {change.subject: Record(trigger, entry.subject, entry)}
    for key in sorted(roles):
        commands[key] = Record(trigger, persons[key], entry, roles[key])
    for key in known:
        if key not in roles:
            commands[key] = Drop(trigger, change.entry_id)
    return commands


def _roles(entry: Entry) -> dict[SubjectKey, tuple[Role, ...]]:
    """The roles of each responsible person, other than the listed subject itself."""
    roles: dict[SubjectKey, set[Role]] = defaultdict(set)
    for person in entry.responsible:
        if person.subject.key != entry.subject.key:
            roles[person.subject.key].add(person.role)
    return {key: tuple(sorted(held)) for key, held in roles.items()}


def _change(change: ListChange, trigger: Trigger, day: date) -> Change:
    entry_id: EntryId = change.entry_id
    match change:
        case EntrySuspended():
            return Suspend(trigger, entry_id, change.reason, change.suspends)
        case EntryResumed():
            return Resume(trigger, entry_id, change.reason)
        case EntryRevoked():
            return End(trigger, entry_id, EndMode.FROM_BEGINNING, change.cause, change.reason, day)
        case EntryRepaired():
            return End(trigger, entry_id, EndMode.FROM_NOW, Cause.REPAIR, change.reason, day)
        case EntryEnded():
            return End(trigger, entry_id, EndMode.FROM_NOW, change.cause, change.reason, change.ended_on)
        case _:
            raise TypeError(f"{change.TYPE} carries an entry: it is recorded")
