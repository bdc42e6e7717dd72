"""A list entry (名单条目) until its publication: drafted, submitted, perhaps returned, approved by another officer.

Four eyes: an officer who drafted, revised or submitted an entry never publishes it. After the publication repair owns the
entry, and this aggregate accepts no further command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.initiator.domain.approval import entry_publisher_faults, require_another_officer, wrong_step
from services.initiator.domain.commands import (
    Approve,
    Draft,
    EntryCommand,
    Officer,
    PublishImported,
    Return,
    Revise,
    Submit,
)
from services.initiator.domain.events import EntryDrafted, EntryEvent, EntryReturned, EntryRevised, EntrySubmitted
from shared.calendar.working_days import today
from shared.contracts.event import Event
from shared.contracts.listing import Entry, EntryPublished
from shared.decider import Decider
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.rejection import reject, reject_all


class EntryStatus(StrEnum):
    DRAFT = "draft"  # 草稿
    SUBMITTED = "submitted"  # 待审核
    RETURNED = "returned"  # 已退回
    PUBLISHED = "published"  # 已发布


# --- states


@dataclass(frozen=True, slots=True)
class NoEntry:
    """No event exists under this id."""


@dataclass(frozen=True, slots=True)
class Drafted:
    entry: Entry
    officers: frozenset[str]
    """The accounts that drafted, revised or submitted. None of them may publish."""


@dataclass(frozen=True, slots=True)
class Submitted:
    entry: Entry
    officers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Returned:
    entry: Entry
    officers: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    entry: Entry


ExistingEntry = Drafted | Submitted | Returned | Published
EntryState = NoEntry | ExistingEntry
INITIAL: EntryState = NoEntry()

_STATUS: dict[type[ExistingEntry], EntryStatus] = {
    Drafted: EntryStatus.DRAFT,
    Submitted: EntryStatus.SUBMITTED,
    Returned: EntryStatus.RETURNED,
    Published: EntryStatus.PUBLISHED,
}


def require_existing(state: EntryState) -> ExistingEntry:
    """The state of an entry that exists. Raises Rejected (`unknown_id`) otherwise."""
    if isinstance(state, NoEntry):
        raise reject("unknown_id")
    return state


def status_of(state: ExistingEntry) -> EntryStatus:
    return _STATUS[type(state)]


# --- decisions


def decide(state: EntryState, command: EntryCommand, now: datetime) -> Sequence[EntryEvent]:
    """Raises Rejected: every fault of the entry, or the reason why this officer may not give this command now."""
    match command:
        case Draft():
            return _draft(state, command, now)
        case Revise():
            return _revise(state, command, now)
        case Submit():
            return _submit(state, command, now)
        case Return():
            return _return(state, command, now)
        case Approve():
            return _approve(state, command, now)
        case PublishImported():
            return _publish_imported(state, command, now)


def _draft(state: EntryState, command: Draft, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, NoEntry):
        raise wrong_step(status_of(state))
    reject_all(entry_faults(command.entry, command.book, today(now)))
    return [EntryDrafted(entry=command.entry, by=command.by.account, lawbook_version=command.book.version)]


def _revise(state: EntryState, command: Revise, now: datetime) -> Sequence[EntryEvent]:
    state = require_existing(state)
    if not isinstance(state, Drafted | Returned):
        raise wrong_step(status_of(state), EntryStatus.DRAFT, EntryStatus.RETURNED)
    _require_own(state.entry, command.by)
    reject_all(entry_faults(command.entry, command.book, today(now)))
    return [EntryRevised(entry=command.entry, by=command.by.account, lawbook_version=command.book.version)]


def _submit(state: EntryState, command: Submit, now: datetime) -> Sequence[EntryEvent]:
    state = require_existing(state)
    if not isinstance(state, Drafted | Returned):
        raise wrong_step(status_of(state), EntryStatus.DRAFT, EntryStatus.RETURNED)
    _require_own(state.entry, command.by)
    reject_all(entry_faults(state.entry, command.book, today(now)))
    return [EntrySubmitted(by=command.by.account, lawbook_version=command.book.version)]


def _return(state: EntryState, command: Return, now: datetime) -> Sequence[EntryEvent]:
    state = require_existing(state)
    if not isinstance(state, Submitted):
        raise wrong_step(status_of(state), EntryStatus.SUBMITTED)
    reject_all(entry_publisher_faults(state.entry, command.by, command.book, today(now)))
    return [EntryReturned(by=command.by.account, reason=command.reason)]


def _approve(state: EntryState, command: Approve, now: datetime) -> Sequence[EntryEvent]:
    state = require_existing(state)
    if not isinstance(state, Submitted):
        raise wrong_step(status_of(state), EntryStatus.SUBMITTED)
    require_another_officer(state.officers, command.by)
    faults = [
        *entry_publisher_faults(state.entry, command.by, command.book, today(now)),
        *entry_faults(state.entry, command.book, today(now)),
    ]
    reject_all(faults)
    return [_published(state.entry, command.by, command.book)]


def _publish_imported(state: EntryState, command: PublishImported, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, NoEntry):
        raise wrong_step(status_of(state))
    require_another_officer({command.imported_by}, command.by)
    faults = [
        *entry_publisher_faults(command.entry, command.by, command.book, today(now)),
        *entry_faults(command.entry, command.book, today(now)),
    ]
    reject_all(faults)
    return [_published(command.entry, command.by, command.book, command.import_id)]


def _published(entry: Entry, by: Officer, book: LawBook, import_id: str | None = None) -> EntryPublished:
    return EntryPublished(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        lawbook_version=book.version,
        entry=entry
        if entry.published_by == by.department
        else entry.model_copy(update={"published_by": by.department}),
        import_id=import_id,
    )


def _require_own(entry: Entry, by: Officer) -> None:
    """Before an entry is submitted, only the department that drafted it may change it."""
    if entry.initiated_by != by.department:
        raise reject("forbidden_department")


# --- evolution


def evolve(state: EntryState, event: Event) -> EntryState:
    match event:
        case EntryDrafted():
            return Drafted(event.entry, frozenset({event.by}))
        case EntryRevised():
            return _revised(state, event)
        case EntrySubmitted():
            return _submitted(state, event)
        case EntryReturned():
            return _returned(state, event)
        case EntryPublished():
            return Published(event.entry)
        case _:
            raise TypeError(f"{event.TYPE} is not an event of an entry")


def _revised(state: EntryState, event: EntryRevised) -> EntryState:
    match state:
        case Drafted(officers=officers):
            return Drafted(event.entry, officers | {event.by})
        case Returned(officers=officers, reason=reason):
            return Returned(event.entry, officers | {event.by}, reason)
        case NoEntry() | Submitted() | Published():
            return state
        case _:
            assert_never(state)


def _submitted(state: EntryState, event: EntrySubmitted) -> EntryState:
    if isinstance(state, Drafted | Returned):
        return Submitted(state.entry, state.officers | {event.by})
    return state


def _returned(state: EntryState, event: EntryReturned) -> EntryState:
    if isinstance(state, Submitted):
        return Returned(state.entry, state.officers, event.reason)
    return state


ENTRY: Decider[EntryState, EntryCommand] = Decider("entry", INITIAL, decide, evolve)
"""The aggregate. Streams: `entry-<id>`."""
