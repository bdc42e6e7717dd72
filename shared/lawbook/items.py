"""The items of the law book, of every kind: id, version, first and last day, and the events that publish them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NewType, TypeVar, cast

from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    ItemKind,
    Measure,
    MeasureList,
)
from shared.contracts.lawbook_events import (
    BasisPublished,
    CategoryPublished,
    DepartmentPublished,
    DomainPublished,
    InstrumentPublished,
    ItemRetired,
    LawbookChange,
    MatterPublished,
    MeasureListPublished,
    MeasurePublished,
    PolicyPublished,
    RegionsPublished,
    SettingsConfirmed,
)
from shared.contracts.policy import Policy
from shared.rejection import Fault

Item = Region | Category | Department | Domain | LegalBasis | Instrument | Matter | Measure | MeasureList | Policy
ItemId = NewType("ItemId", str)
I = TypeVar("I", bound=Item)  # noqa: E741 an item


@dataclass(frozen=True, slots=True)
class Shape:
    """The model of one kind of item, and the fields of its id, first day and last day.

    Without `begins` the kind has no versions: the last item that was published is in effect.
    """

    model: type[Item]
    key: str
    begins: str = ""
    ends: str = ""

    @property
    def versioned(self) -> bool:
        return bool(self.begins)


SHAPES: Mapping[ItemKind, Shape] = {
    ItemKind.REGIONS: Shape(Region, "code"),
    ItemKind.CATEGORIES: Shape(Category, "category_id"),
    ItemKind.DEPARTMENTS: Shape(Department, "department_id", ends="retired_on"),
    ItemKind.DOMAINS: Shape(Domain, "domain_id", ends="retired_on"),
    ItemKind.BASES: Shape(LegalBasis, "basis_id", "valid_from", "valid_to"),
    ItemKind.MEMORANDA: Shape(Instrument, "instrument_id", "in_force_from", "in_force_to"),
    ItemKind.MATTERS: Shape(Matter, "matter_id", ends="retired_on"),
    ItemKind.MEASURES: Shape(Measure, "measure_id", "effective_from", "effective_to"),
    ItemKind.LISTS: Shape(MeasureList, "list_id", "effective_from", "effective_to"),
    ItemKind.POLICIES: Shape(Policy, "policy_id", "effective_from", "effective_to"),
}
"""In an order in which references resolve: an item names only items of earlier kinds."""

_KINDS = {shape.model: kind for kind, shape in SHAPES.items()}


def kind_of(item: Item) -> ItemKind:
    return _KINDS[type(item)]


def shape_of(item: Item) -> Shape:
    return SHAPES[kind_of(item)]


def identity(item: Item) -> ItemId:
    """The id of an item within its kind."""
    return cast("ItemId", getattr(item, shape_of(item).key))


def version_of(item: Item) -> int | None:
    """The version of an item; None for a kind without versions."""
    return cast("int | None", getattr(item, "version", None))


def version_fault(before: Item | None, item: Item) -> Fault | None:
    """`version_not_next`, if the version is not the one after that of `before`: the last published item with this id, or None.

    Versions have no gaps, and a published version never changes (N3: the book as of any day). Always None for a kind without
    versions. The field of the fault is `version`.
    """
    version = version_of(item)
    expected = (version_of(before) or 0) + 1 if before else 1
    if version is None or version == expected:
        return None
    return Fault("version_not_next", "version", {"expected": expected, "given": version})


def begins(item: Item) -> date | None:
    """The first day on which it is in effect; None when its kind has no such day."""
    return _day(item, shape_of(item).begins)


def ends(item: Item) -> date | None:
    """The last day on which it is in effect; None when it has no end."""
    return _day(item, shape_of(item).ends)


def _day(item: Item, field: str) -> date | None:
    return cast("date | None", getattr(item, field)) if field else None


def with_fields(item: I, **fields: Any) -> I:
    """The item with other values. They are not validated: only for values that were validated before."""
    return item.model_copy(update=fields)


_PUBLISHED: Mapping[ItemKind, Callable[[int, Any], LawbookChange]] = {
    ItemKind.CATEGORIES: lambda version, item: CategoryPublished(lawbook_version=version, category=item),
    ItemKind.DEPARTMENTS: lambda version, item: DepartmentPublished(lawbook_version=version, department=item),
    ItemKind.DOMAINS: lambda version, item: DomainPublished(lawbook_version=version, domain=item),
    ItemKind.BASES: lambda version, item: BasisPublished(lawbook_version=version, basis=item),
    ItemKind.MEMORANDA: lambda version, item: InstrumentPublished(lawbook_version=version, instrument=item),
    ItemKind.MATTERS: lambda version, item: MatterPublished(lawbook_version=version, matter=item),
    ItemKind.MEASURES: lambda version, item: MeasurePublished(lawbook_version=version, measure=item),
    ItemKind.LISTS: lambda version, item: MeasureListPublished(lawbook_version=version, measure_list=item),
    ItemKind.POLICIES: lambda version, item: PolicyPublished(lawbook_version=version, policy=item),
}

REGIONS_PER_EVENT = 1_000
"""Regions in one event: a few hundred kilobytes."""


def publications(items: Iterable[Item], after: int) -> list[LawbookChange]:
    """The events that publish items, with versions from `after` + 1: one for each item, one for up to 1,000 regions."""
    changes: list[LawbookChange] = []
    regions: list[Region] = []
    for item in items:
        if not isinstance(item, Region):
            changes += _region_events(regions, after + len(changes))
            changes.append(_PUBLISHED[kind_of(item)](after + len(changes) + 1, item))
            regions = []
            continue
        regions.append(item)
    return [*changes, *_region_events(regions, after + len(changes))]


def _region_events(regions: list[Region], after: int) -> list[LawbookChange]:
    groups = [regions[start : start + REGIONS_PER_EVENT] for start in range(0, len(regions), REGIONS_PER_EVENT)]
    return [
        RegionsPublished(lawbook_version=after + nth, regions=tuple(group)) for nth, group in enumerate(groups, start=1)
    ]


def items_of(change: LawbookChange) -> tuple[Item, ...]:
    """The items that an event published; empty for an event about published items."""
    match change:
        case RegionsPublished():
            return change.regions
        case CategoryPublished():
            return (change.category,)
        case DepartmentPublished():
            return (change.department,)
        case DomainPublished():
            return (change.domain,)
        case BasisPublished():
            return (change.basis,)
        case InstrumentPublished():
            return (change.instrument,)
        case MatterPublished():
            return (change.matter,)
        case MeasurePublished():
            return (change.measure,)
        case MeasureListPublished():
            return (change.measure_list,)
        case PolicyPublished():
            return (change.policy,)
        case ItemRetired() | SettingsConfirmed():
            return ()
