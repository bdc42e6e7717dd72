"""The references of an item exist and are not circular, in the book that would result from the draft."""

from collections.abc import Iterator
from typing import assert_never

from services.catalogue.domain.measures import measure_faults, unknown_ids
from shared.contracts.directory import Category, LegalBasis, Matter, Region, RegionLevel
from shared.contracts.event import InstrumentId
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    ItemKind,
    ListedMeasure,
    Measure,
    MeasureList,
)
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item
from shared.lawbook.regions import STATE
from shared.rejection import Fault


def references(book: LawBook, item: Item) -> Iterator[Fault]:
    """A fault for each reference of the item that the book does not have, or that does not fit."""
    match item:
        case Region():
            yield from _region(book, item)
        case Department():
            yield from _department(book, item)
        case Domain():
            yield from _domain(book, item)
        case Instrument():
            yield from _instrument(book, item)
        case Matter():
            yield from _matter(book, item)
        case Measure():
            yield from measure_faults(book, item)
        case MeasureList():
            yield from _measure_list(book, item)
        case Policy():
            yield from unknown_ids("domains", item.domains, book.domains, "unknown_domain")
        case Category() | LegalBasis():
            return
        case _:
            assert_never(item)


_LEVELS_UPWARD = (RegionLevel.COUNTY, RegionLevel.CITY, RegionLevel.PROVINCE, RegionLevel.STATE)


def _region(book: LawBook, region: Region) -> Iterator[Fault]:
    """The parent of a region exists and is of a higher level; no region is its own ancestor."""
    if region.parent is None:
        if region.code != STATE:
            yield Fault("field_missing", "parent")
        return
    parent = book.regions.get(region.parent)
    if parent is None:
        yield Fault("unknown_region", "parent", {"id": region.parent})
    elif region.code in _above(book, region.parent):
        yield Fault("region_in_circle", "parent", {"id": region.code})
    elif _LEVELS_UPWARD.index(parent.level) <= _LEVELS_UPWARD.index(region.level):
        yield Fault("region_not_below", "parent", {"id": region.parent})


def _above(book: LawBook, code: str) -> list[str]:
    found: list[str] = []
    ahead: str | None = code
    while ahead is not None and ahead not in found:
        found.append(ahead)
        region = book.regions.get(ahead)
        ahead = region.parent if region else None
    return found


def _department(book: LawBook, department: Department) -> Iterator[Fault]:
    yield from unknown_ids("categories", department.categories, book.categories, "unknown_category")
    yield from unknown_ids("confirmed_by", department.confirmed_by, book.departments, "unknown_department")


def _domain(book: LawBook, domain: Domain) -> Iterator[Fault]:
    if not domain.lists:
        yield Fault("field_missing", "lists")
    for field in ("may_list", "may_publish", "may_decide"):
        yield from unknown_ids(field, getattr(domain, field), book.departments, "unknown_department")
    bases = book.current(ItemKind.BASES)
    yield from unknown_ids("central_basis_ids", domain.central_basis_ids, bases, "unknown_basis")


def _instrument(book: LawBook, instrument: Instrument) -> Iterator[Fault]:
    yield from unknown_ids("implementers", instrument.implementers, book.departments, "unknown_department")
    yield from unknown_ids(
        "implementer_categories", instrument.implementer_categories, book.categories, "unknown_category"
    )
    for nth, followed in enumerate(instrument.follows):
        above = book.instrument(followed)
        if above is None:
            yield Fault("unknown_instrument", f"follows[{nth}]", {"id": followed})
        elif _leads_back(book, followed, instrument.instrument_id):
            yield Fault("follows_in_circle", f"follows[{nth}]", {"id": followed})
        elif above.region not in book.lineage(instrument.region):
            yield Fault("follows_not_above", f"follows[{nth}]", {"id": followed})


def _leads_back(book: LawBook, start: InstrumentId, to: InstrumentId) -> bool:
    seen: set[InstrumentId] = set()
    ahead = [start]
    while ahead:
        one = ahead.pop()
        if one == to:
            return True
        if one not in seen:
            seen.add(one)
            instrument = book.instrument(one)
            ahead += instrument.follows if instrument else ()
    return False


def _matter(book: LawBook, matter: Matter) -> Iterator[Fault]:
    yield from unknown_ids("checked_by", matter.checked_by, book.departments, "unknown_department")
    yield from unknown_ids("checked_by_categories", matter.checked_by_categories, book.categories, "unknown_category")


def _measure_list(book: LawBook, listed: MeasureList) -> Iterator[Fault]:
    seen: set[str] = set()
    for force in ("mandatory", "recommended"):
        entries: tuple[ListedMeasure, ...] = getattr(listed, force)
        for nth, entry in enumerate(entries):
            yield from (Fault(f.code, f"{force}[{nth}]", f.facts) for f in _listed(book, entry, force))
            if entry.measure_id in seen:
                yield Fault("item_twice", f"{force}[{nth}]", {"id": entry.measure_id})
            seen.add(entry.measure_id)


def _listed(book: LawBook, entry: ListedMeasure, force: str) -> Iterator[Fault]:
    measure = book.measure(entry.measure_id, entry.version)
    if measure is None:
        yield Fault("unknown_measure", None, {"id": entry.measure_id, "version": entry.version})
    elif measure.force.value != force:
        yield Fault("listed_in_wrong_class", None, {"id": entry.measure_id, "force": measure.force.value})
