"""A list entry (名单条目) until its publication: drafted, submitted, perhaps returned, published by other eyes.

Four eyes (DESIGN section 6): whoever drafted, revised or submitted an entry never publishes it. From the publication on the
entry belongs to repair, and nothing happens here any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, Event
from shared.contracts.listing import Entry, EntryPublished
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults, publishers
from shared.rejection import Fault, Named, reject, reject_all


class EntryStatus(StrEnum):
    """Where an entry stands on its way."""

    DRAFT = "draft"  # 草稿
    SUBMITTED = "submitted"  # 待审核
    RETURNED = "returned"  # 已退回
    PUBLISHED = "published"  # 已发布


# --- events


class EntryDrafted(Event):
    """An officer wrote an entry down; it was found in order by this law book."""

    TYPE: ClassVar[str] = "initiator.entry.drafted.v1"
    entry: Entry
    by: str
    lawbook_version: int


class EntryRevised(Event):
    """The entry, not yet (or no longer) submitted, was replaced by a corrected one."""

    TYPE: ClassVar[str] = "initiator.entry.revised.v1"
    entry: Entry
    by: str
    lawbook_version: int


class EntrySubmitted(Event):
    """The entry waits for another officer's approval."""

    TYPE: ClassVar[str] = "initiator.entry.submitted.v1"
    by: str
    lawbook_version: int


class EntryReturned(Event):
    """The entry was sent back, with the reason; it may be revised and submitted again."""

    TYPE: ClassVar[str] = "initiator.entry.returned.v1"
    by: str
    reason: str


EntryEvent = EntryDrafted | EntryRevised | EntrySubmitted | EntryReturned | EntryPublished


# --- commands


@dataclass(frozen=True, slots=True)
class Officer:
    """Who acts: the account at the identity provider, and its department."""

    account: str
    department: DepartmentId


@dataclass(frozen=True, slots=True)
class Draft:
    entry: Entry
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Revise:
    entry: Entry
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Submit:
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Return:
    reason: str
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Approve:
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class PublishImported:
    """Publish a row of an import that `by` approved and `imported_by` handed in: drafting and approval in one step."""

    entry: Entry
    import_id: str
    imported_by: str
    by: Officer
    book: LawBook


EntryCommand = Draft | Revise | Submit | Return | Approve | PublishImported


# --- states


@dataclass(frozen=True, slots=True)
class NoEntry:
    """There is no entry of this id."""


@dataclass(frozen=True, slots=True)
class Drafted:
    entry: Entry
    hands: frozenset[str]
    """The accounts that drafted, revised or submitted: none of them may publish."""


@dataclass(frozen=True, slots=True)
class Submitted:
    entry: Entry
    hands: frozenset[str]


@dataclass(frozen=True, slots=True)
class Returned:
    entry: Entry
    hands: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    entry: Entry


EntryState = NoEntry | Drafted | Submitted | Returned | Published
INITIAL: EntryState = NoEntry()

_STATUS: dict[type[EntryState], EntryStatus] = {
    Drafted: EntryStatus.DRAFT,
    Submitted: EntryStatus.SUBMITTED,
    Returned: EntryStatus.RETURNED,
    Published: EntryStatus.PUBLISHED,
}


def status_of(state: EntryState) -> EntryStatus:
    """Raises Rejected (`unknown_id`) when there is no entry."""
    if isinstance(state, NoEntry):
        raise reject("unknown_id")
    return _STATUS[type(state)]


# --- decisions


def decide(state: EntryState, command: EntryCommand, now: datetime) -> Sequence[EntryEvent]:
    """Raises Rejected with every fault of the entry, or with the reason why this officer may not do this now."""
    match command:
        case Draft():
            return _draft(state, command, now)
        case Revise():
            return _revise(state, command, now)
        case Submit():
            return _submit(state, command, now)
        case Return():
            return _return(state, command)
        case Approve():
            return _approve(state, command, now)
        case PublishImported():
            return _publish_imported(state, command, now)


def _draft(state: EntryState, command: Draft, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, NoEntry):
        raise _wrong_step(state)
    reject_all(entry_faults(command.entry, command.book, today(now)))
    return [EntryDrafted(entry=command.entry, by=command.by.account, lawbook_version=command.book.version)]


def _revise(state: EntryState, command: Revise, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, Drafted | Returned):
        raise _wrong_step(state, EntryStatus.DRAFT, EntryStatus.RETURNED)
    _own(state.entry, command.by)
    reject_all(entry_faults(command.entry, command.book, today(now)))
    return [EntryRevised(entry=command.entry, by=command.by.account, lawbook_version=command.book.version)]


def _submit(state: EntryState, command: Submit, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, Drafted | Returned):
        raise _wrong_step(state, EntryStatus.DRAFT, EntryStatus.RETURNED)
    _own(state.entry, command.by)
    reject_all(entry_faults(state.entry, command.book, today(now)))
    return [EntrySubmitted(by=command.by.account, lawbook_version=command.book.version)]


def _return(state: EntryState, command: Return) -> Sequence[EntryEvent]:
    if not isinstance(state, Submitted):
        raise _wrong_step(state, EntryStatus.SUBMITTED)
    reject_all(_may_publish(state.entry, command.by, command.book))
    return [EntryReturned(by=command.by.account, reason=command.reason)]


def _approve(state: EntryState, command: Approve, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, Submitted):
        raise _wrong_step(state, EntryStatus.SUBMITTED)
    _other_eyes(state.hands, command.by)
    faults = [
        *_may_publish(state.entry, command.by, command.book),
        *entry_faults(state.entry, command.book, today(now)),
    ]
    reject_all(faults)
    return [_published(state.entry, command.by, command.book)]


def _publish_imported(state: EntryState, command: PublishImported, now: datetime) -> Sequence[EntryEvent]:
    if not isinstance(state, NoEntry):
        raise _wrong_step(state)
    _other_eyes(frozenset({command.imported_by}), command.by)
    faults = [
        *_may_publish(command.entry, command.by, command.book),
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


def _own(entry: Entry, by: Officer) -> None:
    """Only the department that drafts an entry has a hand in it before it is submitted."""
    if entry.initiated_by != by.department:
        raise reject("forbidden_department")


def _other_eyes(hands: frozenset[str], by: Officer) -> None:
    if by.account in hands:
        raise reject("four_eyes")


def _may_publish(entry: Entry, by: Officer, book: LawBook) -> list[Fault]:
    domain = book.domain(entry.domain_id)
    if domain is None or by.department in publishers(domain):
        return []
    return [Fault("may_not_publish", "domain_id", {"domain": Named(domain.domain_id, domain.name_zh, domain.name_en)})]


def _wrong_step(state: EntryState, *wanted: EntryStatus) -> Exception:
    return reject("wrong_step", status=status_of(state), wanted=list(wanted))


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
            raise TypeError(f"{event.TYPE} is no event of an entry")


def _revised(state: EntryState, event: EntryRevised) -> EntryState:
    match state:
        case Drafted(hands=hands):
            return Drafted(event.entry, hands | {event.by})
        case Returned(hands=hands, reason=reason):
            return Returned(event.entry, hands | {event.by}, reason)
        case NoEntry() | Submitted() | Published():
            return state
        case _:
            assert_never(state)


def _submitted(state: EntryState, event: EntrySubmitted) -> EntryState:
    if isinstance(state, Drafted | Returned):
        return Submitted(state.entry, state.hands | {event.by})
    return state


def _returned(state: EntryState, event: EntryReturned) -> EntryState:
    if isinstance(state, Submitted):
        return Returned(state.entry, state.hands, event.reason)
    return state
