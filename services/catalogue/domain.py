"""What may enter the law book: a list of items is judged whole, against the book as it stands and itself.

The book is one stream without gaps: the `lawbook_version` of an event is the version of the stream after it. An item that
is in the book already gives no event, so that loading a law book twice changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType, assert_never, cast

from services.catalogue.wellformed import ill_formed
from shared.contracts.event import DepartmentId, DomainId, Event
from shared.contracts.lawbook import (
    Department,
    DepartmentPublished,
    Domain,
    DomainPublished,
    Instrument,
    InstrumentPublished,
    LawbookChange,
    Measure,
    MeasurePublished,
    Policy,
    PolicyPublished,
    Undoing,
)
from shared.lawbook.book import LawBook
from shared.rejection import Fault, reject, reject_all

Item = Department | Domain | Instrument | Measure | Policy
ItemId = NewType("ItemId", str)


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish items of one kind, in their order, all or none; `by` is the department that asks."""

    items: tuple[Item, ...]
    by: DepartmentId | None


INITIAL = LawBook.empty()


def decide(book: LawBook, command: Publish, now: datetime) -> Sequence[Event]:
    """The changes that the book lacks. Raises Rejected with every fault, at `items[3].implementers[0]` and the like."""
    del now  # a law book is not judged by the day on which it is entered: it may reach back and ahead
    _only_a_credit_office(book, command.by)
    faults: list[Fault] = []
    changes: list[LawbookChange] = []
    after = book
    seen: set[tuple[str, ItemId, int | None]] = set()
    for nth, item in enumerate(command.items):
        named = (type(item).__name__, identity(item), version_of(item))
        if named in seen:
            faults.append(Fault("item_twice", f"items[{nth}]", {"id": identity(item)}))
        seen.add(named)
        if item == edition(book, item):
            continue
        faults += (_at(f"items[{nth}]", fault) for fault in _faults(after, item))
        change = published(item, after.version + 1)
        changes.append(change)
        after = after.with_change(change)
    reject_all(faults)
    if _has_credit_office(book) and not _has_credit_office(after):
        raise reject("last_credit_office", "items")
    return changes


def evolve(book: LawBook, event: Event) -> LawBook:
    """The book after one of its changes; this stream holds nothing else."""
    return book.with_change(cast("LawbookChange", event))


def identity(item: Item) -> ItemId:
    """The id of an item within its kind."""
    match item:
        case Department():
            return ItemId(item.department_id)
        case Domain():
            return ItemId(item.domain_id)
        case Instrument():
            return ItemId(item.instrument_id)
        case Measure():
            return ItemId(item.measure_id)
        case Policy():
            return ItemId(item.policy_id)
        case _:
            assert_never(item)


def version_of(item: Item) -> int | None:
    """The version that an item carries; departments and domains have none: the last one published holds."""
    return None if isinstance(item, Department | Domain) else item.version


def edition(book: LawBook, item: Item) -> Item | None:
    """What the book holds under the id, and the version, of this item."""
    match item:
        case Department():
            return book.department(item.department_id)
        case Domain():
            return book.domain(item.domain_id)
        case Instrument():
            return book.instrument(item.instrument_id, item.version)
        case Measure():
            return book.measure(item.measure_id, item.version)
        case Policy():
            return book.policy(item.policy_id, item.version)
        case _:
            assert_never(item)


def published(item: Item, lawbook_version: int) -> LawbookChange:
    """The event by which an item enters the book."""
    match item:
        case Department():
            return DepartmentPublished(lawbook_version=lawbook_version, department=item)
        case Domain():
            return DomainPublished(lawbook_version=lawbook_version, domain=item)
        case Instrument():
            return InstrumentPublished(lawbook_version=lawbook_version, instrument=item)
        case Measure():
            return MeasurePublished(lawbook_version=lawbook_version, measure=item)
        case Policy():
            return PolicyPublished(lawbook_version=lawbook_version, policy=item)
        case _:
            assert_never(item)


def item_of(change: LawbookChange) -> Item:
    """What an event brought into the book."""
    match change:
        case DepartmentPublished():
            return change.department
        case DomainPublished():
            return change.domain
        case InstrumentPublished():
            return change.instrument
        case MeasurePublished():
            return change.measure
        case PolicyPublished():
            return change.policy
        case _:
            assert_never(change)


# --- who -------------------------------------------------------------------------------------------------------------


def _only_a_credit_office(book: LawBook, by: DepartmentId | None) -> None:
    """The credit office keeps the catalogue (000 五(六), 004 四(三)); before there is one, whoever has the role begins."""
    if not _has_credit_office(book):
        return
    department = book.department(by) if by else None
    if department is None or not department.credit_office:
        raise reject("not_a_credit_office")


def _has_credit_office(book: LawBook) -> bool:
    return any(department.credit_office for department in book.departments.values())


# --- what ------------------------------------------------------------------------------------------------------------


def _faults(book: LawBook, item: Item) -> Iterator[Fault]:
    """All that is wrong with one item, given the book with what stands before it in the same list."""
    yield from ill_formed(item)
    yield from _version_counts_up(book, item)
    match item:
        case Department():
            pass
        case Domain():
            yield from _domain_faults(book, item)
        case Instrument():
            yield from _not_before("in_force_to", item.in_force_to, item.in_force_from)
        case Measure():
            yield from _measure_faults(book, item)
        case Policy():
            yield from _not_before("effective_to", item.effective_to, item.effective_from)
            yield from _unknown("domains", item.domains, book.domain, "unknown_domain")
        case _:
            assert_never(item)


def _version_counts_up(book: LawBook, item: Item) -> Iterator[Fault]:
    """Versions are 1, 2, 3, …; what was published under a version stays what it was (N3: as of any day)."""
    match item:
        case Department() | Domain():
            return
        case Instrument():
            latest = book.instrument(item.instrument_id)
        case Measure():
            latest = book.measure(item.measure_id)
        case Policy():
            latest = book.policy(item.policy_id)
        case _:
            assert_never(item)
    expected = latest.version + 1 if latest else 1
    if item.version != expected:
        yield Fault("version_not_next", "version", {"expected": expected, "given": item.version})


def _domain_faults(book: LawBook, domain: Domain) -> Iterator[Fault]:
    if not domain.lists:
        yield Fault("field_missing", "lists")
    yield from _unknown("may_list", domain.may_list, book.department, "unknown_department")
    yield from _unknown("may_publish", domain.may_publish, book.department, "unknown_department")


def _measure_faults(book: LawBook, measure: Measure) -> Iterator[Fault]:
    yield from _unknown("implementers", measure.implementers, book.department, "unknown_department")
    yield from _unknown("target.domains", measure.target.domains, book.domain, "unknown_domain")
    yield from _unknown_grades(book, measure)
    if book.instrument(measure.instrument_id) is None:
        yield Fault("unknown_instrument", "instrument_id", {"id": measure.instrument_id})
    yield from _not_before("effective_to", measure.effective_to, measure.effective_from)
    for nth, basis in enumerate(measure.basis):
        yield from _not_before(f"basis[{nth}].valid_to", basis.valid_to, basis.valid_from)
    if not measure.basis:  # row 4: the list of measures names the legal basis of each
        yield Fault("missing_basis", "basis")
    if Undoing.NOTHING in (measure.on_end, measure.on_error) and not measure.nothing_to_undo_because.strip():
        yield Fault("undoing_unexplained", "nothing_to_undo_because")
    if measure.published and not measure.implementers:  # row 5: what is published is applied, so somebody must
        yield Fault("published_without_implementers", "implementers")


def _unknown_grades(book: LawBook, measure: Measure) -> Iterator[Fault]:
    """A grade is a code of its domain (row 7): one that no targeted domain has would never be met."""
    targeted = measure.target.domains or tuple(book.domains)
    known = {grade.code for d in targeted if (domain := book.domain(d)) for grade in domain.grades}
    for nth, code in enumerate(measure.target.grades):
        if code not in known:
            yield Fault("unknown_grade", f"target.grades[{nth}]", {"grade": code})


def _unknown(
    field: str,
    ids: Sequence[DepartmentId] | Sequence[DomainId],
    find: Callable[[DepartmentId], object] | Callable[[DomainId], object],
    code: str,
) -> Iterator[Fault]:
    look_up = cast("Callable[[str], object]", find)
    for nth, one in enumerate(ids):
        if look_up(one) is None:
            yield Fault(code, f"{field}[{nth}]", {"id": one})


def _not_before(field: str, end: date | None, start: date) -> Iterator[Fault]:
    if end is not None and end < start:
        yield Fault("end_before_start", field)


def _at(path: str, fault: Fault) -> Fault:
    return Fault(fault.code, f"{path}.{fault.field}", fault.facts)
