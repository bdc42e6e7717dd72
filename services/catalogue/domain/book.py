"""What may enter the law book: a list of items is judged whole, against the book as it would stand with all of them.

The book is one stream without gaps: the `lawbook_version` of an event is the version of the stream after it. An item that
is in the book already gives no event, so that loading a law book twice changes nothing.
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
from shared.contracts.lawbook_events import ItemRetired, LawbookChange, SettingsConfirmed
from shared.lawbook.book import LawBook
from shared.lawbook.effect import open_settings
from shared.lawbook.items import Item, ItemId, identity, kind_of, publications, version_of
from shared.rejection import Fault, reject, reject_all

Named = tuple[ItemKind, ItemId]


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish items and retire others, all or none; `by` is the department that asks."""

    items: tuple[Placed, ...]
    by: DepartmentId | None
    ends: tuple[PlacedEnd, ...] = ()

    @classmethod
    def content(cls, content: Content, by: DepartmentId | None) -> "Publish":
        """All of a draft."""
        return cls(tuple(content.placed()), by, tuple(content.placed_ends()))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Settings of one item, by which the credit office stands; in its latest version, unless one is named."""

    kind: ItemKind
    item_id: str
    settings: tuple[str, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """Example settings are examples no longer; `note` says by which decision."""

    confirmations: tuple[Confirmation, ...]
    note: str
    by: DepartmentId | None


Command = Publish | Confirm
INITIAL = LawBook.empty()


def decide(book: LawBook, command: Command, now: datetime) -> Sequence[Event]:
    """The changes that the book lacks. Raises Rejected with every fault, at `measures[3].implementers[0]` and the like."""
    match command:
        case Publish():
            return changes(book, command, today(now))
        case Confirm():
            return _confirmations(book, command)
        case _:
            assert_never(command)


def evolve(book: LawBook, event: Event) -> LawBook:
    """The book after one of its changes; this stream holds nothing else."""
    return book.with_change(cast("LawbookChange", event))


def changes(book: LawBook, command: Publish, day: date) -> list[LawbookChange]:
    """What publishing would change on that day. Raises Rejected as it would."""
    only_a_credit_office(book, command.by)
    new = list(_new(book, command.items))
    entering = publications((one.item for one in new if one.counts), book.version)
    after = book.with_changes(entering)
    faults = [fault for one in new for fault in _faults(book, after, one)]
    leaving = list(_ends(after, command.ends, day, faults))
    reject_all(faults)
    if _has_credit_office(book) and not _has_credit_office(after.with_changes(leaving)):
        raise reject("last_credit_office", command.items[0].place if command.items else command.ends[0].place)
    return [*entering, *leaving]


# --- who -------------------------------------------------------------------------------------------------------------


def only_a_credit_office(book: LawBook, by: DepartmentId | None) -> None:
    """The credit office keeps the catalogue (000 五(六), 004 四(三)); before there is one, whoever has the role begins."""
    if not _has_credit_office(book):
        return
    department = book.department(by) if by else None
    if department is None or not department.credit_office:
        raise reject("not_a_credit_office")


def _has_credit_office(book: LawBook) -> bool:
    return any(department.credit_office for department in book.departments.values())


# --- what ------------------------------------------------------------------------------------------------------------


@dataclass
class _New:
    """An item that the book lacks, in its place, with what it comes after and what is wrong with it so far."""

    placed: Placed
    before: Item | None
    faults: list[Fault] = field(default_factory=list[Fault])

    @property
    def item(self) -> Item:
        return self.placed.item

    @property
    def counts(self) -> bool:
        """Whether others may refer to it: one that stands twice is judged once."""
        return not self.faults


def _new(book: LawBook, items: Iterable[Placed]) -> Iterator[_New]:
    """The items that the book does not hold yet, each with the latest version before it: of the book, or of this list."""
    seen: set[tuple[ItemKind, ItemId, int | None]] = set()
    latest: dict[Named, Item] = {}
    for placed in items:
        kind, item_id, version = kind_of(placed.item), identity(placed.item), version_of(placed.item)
        twice = (kind, item_id, version) in seen
        seen.add((kind, item_id, version))
        if twice:
            yield _New(placed, None, [Fault("item_twice", placed.place, {"id": item_id})])
        elif placed.item != book.published(kind, item_id, version):
            yield _New(placed, latest.get((kind, item_id)) or book.published(kind, item_id))
            latest[kind, item_id] = placed.item


def _faults(book: LawBook, after: LawBook, new: _New) -> Iterator[Fault]:
    """All that is wrong with one item, given the book as it would stand."""
    yield from new.faults
    if new.counts:
        found = (*ill_formed(new.item), *succession(book, new.before, new.item), *references(after, new.item))
        yield from (_at(new.placed.place, fault) for fault in found)


def _ends(book: LawBook, ends: Iterable[PlacedEnd], day: date, faults: list[Fault]) -> Iterator[ItemRetired]:
    """The events of what is to end; what is wrong with them is added to `faults`."""
    version = book.version
    for place, end in ends:
        if book.last_day(end.kind, end.item_id) == end.last_day:
            continue  # as an item that the book holds already
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
    only_a_credit_office(book, command.by)
    faults: list[Fault] = [] if command.note.strip() else [Fault("field_missing", "note")]
    events: list[SettingsConfirmed] = []
    for nth, one in enumerate(command.confirmations):
        item = _in_effect(book, one)
        if item is None:
            faults.append(Fault("unknown_item", f"confirmations[{nth}].item_id", {"kind": one.kind, "id": one.item_id}))
            continue
        waiting = open_settings(item)
        faults += (
            Fault("setting_not_open", f"confirmations[{nth}].settings[{place}]", {"setting": name})
            for place, name in enumerate(one.settings)
            if name not in waiting or name in one.settings[:place]
        )
        event = SettingsConfirmed(
            lawbook_version=book.version + 1,
            kind=one.kind,
            item_id=one.item_id,
            item_version=version_of(item),
            settings=one.settings,
            note=command.note,
        )
        events.append(event)
        book = book.with_change(event)
    reject_all(faults)
    return events


def _in_effect(book: LawBook, one: Confirmation) -> Item | None:
    """The item as it stands, in the version that is meant."""
    return next(
        (i for i in reversed(book.editions(one.kind, one.item_id)) if one.version in (None, version_of(i))),
        None,
    )
