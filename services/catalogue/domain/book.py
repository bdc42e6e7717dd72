"""The aggregate of the law book: a list of items is validated as a whole, against the book that would result from all of them.

The book is one stream without gaps: the `lawbook_version` of an event is the version of the stream after it. An item that
the book has already causes no event, so loading a law book twice changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import assert_never, cast

from services.catalogue.domain.content import Content, Placed, PlacedEnd
from services.catalogue.domain.references import references
from services.catalogue.domain.retiring import retiring
from services.catalogue.domain.succession import succession
from services.catalogue.domain.wellformed import ill_formed
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, Event
from shared.contracts.lawbook import ItemKind
from shared.contracts.lawbook_events import (
    ItemRetired,
    LawbookChange,
    SettingsConfirmed,
)
from shared.decider import Decider
from shared.lawbook.book import LawBook
from shared.lawbook.effect import open_settings
from shared.lawbook.items import Item, ItemId, identity, kind_of, publications, version_of
from shared.rejection import Fault, reject, reject_all

_Key = tuple[ItemKind, ItemId]


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish items and retire others, all or none. `by`: the department that publishes."""

    items: tuple[Placed, ...]
    by: DepartmentId | None
    ends: tuple[PlacedEnd, ...] = ()

    @classmethod
    def content(cls, content: Content, by: DepartmentId | None) -> "Publish":
        """The command that publishes all of a draft."""
        return cls(tuple(content.placed()), by, tuple(content.placed_ends()))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Settings of one item that the credit office confirms. `version`: None means the latest one."""

    kind: ItemKind
    item_id: str
    settings: tuple[str, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm example settings, so that they are examples no longer. `note`: the decision by which."""

    confirmations: tuple[Confirmation, ...]
    note: str
    by: DepartmentId | None


Command = Publish | Confirm
INITIAL = LawBook.empty()


def decide(book: LawBook, command: Command, now: datetime) -> Sequence[Event]:
    """The changes that the book does not have yet. Raises Rejected with every fault, at places such as `measures[3].basis`."""
    match command:
        case Publish():
            return changes(book, command, today(now))
        case Confirm():
            return _confirmations(book, command)
        case _:
            assert_never(command)


def evolve(book: LawBook, event: Event) -> LawBook:
    """The book after one of its changes. The stream has no other events."""
    return book.with_change(cast("LawbookChange", event))


def changes(book: LawBook, command: Publish, day: date) -> list[LawbookChange]:
    """The changes that publishing on this day would make. Raises Rejected with every fault of every item."""
    require_credit_office(book, command.by)
    new = list(_candidates(book, command.items))
    entering = publications((candidate.item for candidate in new if candidate.counts), book.version)
    after = book.with_changes(entering)
    faults = [fault for candidate in new for fault in _faults(book, after, candidate)]
    leaving = list(_retirements(after, command.ends, day, faults))
    reject_all(faults)
    if _has_credit_office(book) and not _has_credit_office(after.with_changes(leaving)):
        raise reject("last_credit_office", command.items[0].place if command.items else command.ends[0].place)
    return [*entering, *leaving]


# --- permission ------------------------------------------------------------------------------------------------------


def require_credit_office(book: LawBook, by: DepartmentId | None) -> None:
    """Only a credit office changes the catalogue (000 五(六), 004 四(三)). While the book has none, any department may.

    Raises Rejected: `not_a_credit_office`.
    """
    if not _has_credit_office(book):
        return
    department = book.department(by) if by else None
    if department is None or not department.credit_office:
        raise reject("not_a_credit_office")


def _has_credit_office(book: LawBook) -> bool:
    return any(department.credit_office for department in book.departments.values())


# --- items -----------------------------------------------------------------------------------------------------------


@dataclass
class _Candidate:
    """An item that the book does not have yet: its place, its predecessor (the version before it), and its faults so far."""

    placed: Placed
    predecessor: Item | None
    faults: list[Fault] = field(default_factory=list[Fault])

    @property
    def item(self) -> Item:
        return self.placed.item

    @property
    def counts(self) -> bool:
        """Whether other items may refer to it. The second of two equal ids is only reported."""
        return not self.faults


def _candidates(book: LawBook, items: Iterable[Placed]) -> Iterator[_Candidate]:
    """The items that the book does not have yet, each with the latest version before it: of the book, or of this list."""
    seen: set[tuple[ItemKind, ItemId, int | None]] = set()
    latest: dict[_Key, Item] = {}
    for placed in items:
        kind, item_id, version = kind_of(placed.item), identity(placed.item), version_of(placed.item)
        twice = (kind, item_id, version) in seen
        seen.add((kind, item_id, version))
        if twice:
            yield _Candidate(placed, None, [Fault("item_twice", placed.place, {"id": item_id})])
        elif placed.item != book.published(kind, item_id, version):
            yield _Candidate(placed, latest.get((kind, item_id)) or book.published(kind, item_id))
            latest[kind, item_id] = placed.item


def _faults(book: LawBook, after: LawBook, new: _Candidate) -> Iterator[Fault]:
    """Every fault of one item. `after`: the book that would result."""
    yield from new.faults
    if new.counts:
        found = (*ill_formed(new.item), *succession(book, new.predecessor, new.item), *references(after, new.item))
        yield from (_at(new.placed.place, fault) for fault in found)


def _retirements(book: LawBook, ends: Iterable[PlacedEnd], day: date, faults: list[Fault]) -> Iterator[ItemRetired]:
    """The events that retire items. Faults are added to `faults`."""
    version = book.version
    for place, end in ends:
        if book.last_day(end.kind, end.item_id) == end.last_day:
            continue  # changes nothing, like an item that the book has already
        found = [*ill_formed(end), *retiring(book, end, day)]
        faults += (_at(place, fault) for fault in found)
        if not found:
            version += 1
            event = ItemRetired(lawbook_version=version, **end.model_dump())
            book = book.with_change(event)
            yield event


def _at(place: str, fault: Fault) -> Fault:
    return Fault(fault.code, ".".join(filter(None, (place, fault.field))) or None, fault.facts)


# --- confirming ------------------------------------------------------------------------------------------------------


def _confirmations(book: LawBook, command: Confirm) -> list[SettingsConfirmed]:
    require_credit_office(book, command.by)
    faults: list[Fault] = [] if command.note.strip() else [Fault("field_missing", "note")]
    events: list[SettingsConfirmed] = []
    for nth, confirmation in enumerate(command.confirmations):
        item = _current_item(book, confirmation)
        if item is None:
            facts: dict[str, object] = {"kind": confirmation.kind, "id": confirmation.item_id}
            faults.append(Fault("unknown_item", f"confirmations[{nth}].item_id", facts))
            continue
        faults += _setting_faults(item, confirmation, f"confirmations[{nth}]")
        event = SettingsConfirmed(
            lawbook_version=book.version + 1,
            kind=confirmation.kind,
            item_id=confirmation.item_id,
            item_version=version_of(item),
            settings=confirmation.settings,
            note=command.note,
        )
        events.append(event)
        book = book.with_change(event)
    reject_all(faults)
    return events


def _setting_faults(item: Item, confirmation: Confirmation, place: str) -> Iterator[Fault]:
    """`setting_not_open` for each setting that is no open example setting of the item, or is given twice."""
    waiting = open_settings(item)
    for nth, name in enumerate(confirmation.settings):
        if name not in waiting or name in confirmation.settings[:nth]:
            yield Fault("setting_not_open", f"{place}.settings[{nth}]", {"setting": name})


def _current_item(book: LawBook, confirmation: Confirmation) -> Item | None:
    """The current item, in the version that the confirmation names."""
    return next(
        (
            item
            for item in reversed(book.editions(confirmation.kind, confirmation.item_id))
            if confirmation.version in (None, version_of(item))
        ),
        None,
    )


BOOK: Decider[LawBook, Command] = Decider("lawbook", INITIAL, decide, evolve)
BOOK_ID = "book"
"""There is one law book, so one stream: `lawbook-book`."""
