"""The law book (regions, departments, domains, bases, instruments, measures, policies) at one version of its stream.

A book returns items in effect: retirements, confirmations, legal bases and categories of implementers are applied to the items
that they concern (shared/lawbook/effect.py). `published` returns an item as it was published. An unknown id gives None or an
empty result, no error. A book is immutable, so that results are remembered.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

from shared.contracts.directory import BasisId, Category, CategoryId, LegalBasis, Matter, MatterId, Region
from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    ItemKind,
    ListKind,
    Measure,
    MeasureList,
)
from shared.contracts.policy import Policy
from shared.lawbook.effect import confirmed, retired, with_bases_and_implementers
from shared.lawbook.items import Item, identity, kind_of, version_of
from shared.lawbook.measure_index import MeasureIndex, begun_by
from shared.lawbook.memo import Memo
from shared.lawbook.published import Editions, PublishedItems
from shared.lawbook.regions import STATE, regions_from

_MOST_REMEMBERED = 10_000

_Versioned = TypeVar("_Versioned", LegalBasis, Instrument, Measure, MeasureList, Policy)
_Derived = TypeVar("_Derived")


class Implementer(NamedTuple):
    """A department that carries a measure out."""

    department_id: DepartmentId
    category_id: CategoryId | None
    """The category by which the measure names it; None when the measure names the department itself."""


@dataclass(frozen=True)
class LawBook(PublishedItems):
    """What the catalogue had published up to `version`, in effect."""

    def derived(self, kind: Callable[["LawBook"], _Derived]) -> _Derived:
        """The one `kind(book)`, made when it is first asked for: an object that computes from this book and remembers.

        It lives as long as the book, so a new version of the book starts with an empty memory.
        """
        found: _Derived | None = self._derived.get(kind)
        if found is None:
            found = self._derived[kind] = kind(self)
        return found

    @cached_property
    def _derived(self) -> dict[Callable[["LawBook"], object], Any]:
        return {}

    def current(self, kind: ItemKind) -> Mapping[str, Item]:
        """The latest version of every item of a kind, in effect."""
        return {item_id: versions[-1] for item_id, versions in self._in_effect(kind).items()}

    def editions(self, kind: ItemKind, item_id: str) -> tuple[Item, ...]:
        """All versions of an item in effect, oldest first. An item without versions has one: the last that was published."""
        return self._in_effect(kind).get(item_id, ())

    def _in_effect(self, kind: ItemKind) -> Editions:
        if kind not in self._memo_in_effect:
            self._memo_in_effect[kind] = self._computed_in_effect(kind)
        return self._memo_in_effect[kind]

    def _computed_in_effect(self, kind: ItemKind) -> Editions:
        editions = self._published.get(kind, {})
        touched = {item_id for of_kind, item_id, *_ in (*self._retired, *self._confirmed) if of_kind is kind}
        amended = {item_id: tuple(map(self._amended, editions[item_id])) for item_id in touched if item_id in editions}
        editions = {**editions, **amended} if amended else editions
        if kind is not ItemKind.MEASURES:
            return editions
        bases = cast("Mapping[BasisId, tuple[LegalBasis, ...]]", self._in_effect(ItemKind.BASES))
        measures = cast("Mapping[str, tuple[Measure, ...]]", editions)
        return {
            item_id: tuple(
                with_bases_and_implementers(version, bases, [*self._named(version), *self._of_categories(version)])
                for version in versions
            )
            for item_id, versions in measures.items()
        }

    def _named(self, measure: Measure) -> list[DepartmentId]:
        """The implementers that a measure names as it was published, without retired departments."""
        return [d for d in measure.implementers if self.last_day(ItemKind.DEPARTMENTS, d) is None]

    def _of_categories(self, measure: Measure) -> list[DepartmentId]:
        """All departments of the categories that a measure names, in the region for which its instrument was issued."""
        instrument = self.instrument(measure.instrument_id)
        issued_for = instrument.region if instrument else STATE
        return [
            department_id
            for category in measure.implementer_categories
            for department_id in self._members.get(category, ())
            if issued_for in self.lineage(self.departments[department_id].region)
        ]

    def _amended(self, item: Item) -> Item:
        """The item with its confirmed settings and its retirement."""
        kind, item_id = kind_of(item), identity(item)
        item = confirmed(item, self._confirmed.get((kind, item_id, version_of(item)), ()))
        retirement = self._retired.get((kind, item_id))
        if retirement is None or (version_of(item) or 0) > (retirement.version or 0):
            return item
        return retired(item, retirement.last_day)

    # --- regions, categories, implementers

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """By code."""
        return cast("Mapping[str, Region]", self.current(ItemKind.REGIONS))

    def lineage(self, region: str) -> tuple[str, ...]:
        """The region and those that contain it, the most specific first: by their parents, then by the code."""
        if region not in self._memo_lineage:
            return self._memo_lineage.keep(region, self._lineage(region))
        return self._memo_lineage[region]

    def _lineage(self, region: str) -> tuple[str, ...]:
        found: list[str] = [region]
        while (known := self.regions.get(found[-1])) and known.parent and known.parent not in found:
            found.append(known.parent)
        return tuple(dict.fromkeys((*found, *regions_from(found[-1]))))

    @cached_property
    def categories(self) -> Mapping[CategoryId, Category]:
        return cast("Mapping[CategoryId, Category]", self.current(ItemKind.CATEGORIES))

    @cached_property
    def _members(self) -> Mapping[CategoryId, tuple[DepartmentId, ...]]:
        members: dict[CategoryId, list[DepartmentId]] = defaultdict(list)
        for department_id, department in sorted(self.departments.items()):
            for category in department.categories:
                members[category].append(department_id)
        return {category: tuple(found) for category, found in members.items()}

    def members(self, category_id: CategoryId, region: str) -> tuple[DepartmentId, ...]:
        """The departments of this category that are of the region, of a region above it, or of one within it."""
        return tuple(
            department_id
            for department_id in self._members.get(category_id, ())
            if self._contain_each_other(self.departments[department_id].region, region)
        )

    def _contain_each_other(self, one: str, other: str) -> bool:
        return one in self.lineage(other) or other in self.lineage(one)

    def implementers_of(self, measure: Measure, jurisdiction: str) -> tuple[Implementer, ...]:
        """The departments that carry the measure out for an entry of this jurisdiction, each once.

        First those that the measure names, then those of its categories: `members` of the jurisdiction, as far as they are in
        the region for which the instrument was issued.
        """
        key = (measure.measure_id, measure.version, jurisdiction)
        if key not in self._memo_implementers:
            return self._memo_implementers.keep(key, self._implementers_of(measure, jurisdiction))
        return self._memo_implementers[key]

    def _implementers_of(self, measure: Measure, jurisdiction: str) -> tuple[Implementer, ...]:
        published = self.published(ItemKind.MEASURES, measure.measure_id, measure.version)
        named = self._named(published if isinstance(published, Measure) else measure)
        found = {department_id: Implementer(department_id, None) for department_id in named}
        within = frozenset(self._of_categories(measure))
        for category in measure.implementer_categories:
            for department_id in self.members(category, jurisdiction):
                if department_id in within:
                    found.setdefault(department_id, Implementer(department_id, category))
        return tuple(found.values())

    # --- items by id

    @cached_property
    def departments(self) -> Mapping[DepartmentId, Department]:
        return cast("Mapping[DepartmentId, Department]", self.current(ItemKind.DEPARTMENTS))

    @cached_property
    def domains(self) -> Mapping[DomainId, Domain]:
        return cast("Mapping[DomainId, Domain]", self.current(ItemKind.DOMAINS))

    @cached_property
    def matters(self) -> Mapping[MatterId, Matter]:
        return cast("Mapping[MatterId, Matter]", self.current(ItemKind.MATTERS))

    def checked_by(self, matter: Matter, region: str) -> tuple[DepartmentId, ...]:
        """The departments that handle the matter in a region, and so must check (应查必查).

        A matter names departments of many regions: those of other regions are left out.
        """
        named = (d for d in matter.checked_by if self._handles_in(d, region))
        by_category = (d for category in matter.checked_by_categories for d in self.members(category, region))
        return tuple(dict.fromkeys((*named, *by_category)))

    def _handles_in(self, department_id: DepartmentId, region: str) -> bool:
        """Also true for a department that the book does not name: its region is unknown."""
        department = self.departments.get(department_id)
        return department is None or self._contain_each_other(department.region, region)

    def department(self, department_id: DepartmentId) -> Department | None:
        return self.departments.get(department_id)

    def domain(self, domain_id: DomainId) -> Domain | None:
        return self.domains.get(domain_id)

    def basis(self, basis_id: BasisId, version: int | None = None) -> LegalBasis | None:
        """That version of the legal basis, or its latest."""
        return _pick(self.basis_versions(basis_id), version)

    def basis_versions(self, basis_id: BasisId) -> tuple[LegalBasis, ...]:
        """All versions, oldest first."""
        return cast("tuple[LegalBasis, ...]", self._in_effect(ItemKind.BASES).get(basis_id, ()))

    def measure_list(self, list_id: str, version: int | None = None) -> MeasureList | None:
        """That edition of the list of measures, or its latest."""
        return _pick(self.measure_list_versions(list_id), version)

    def measure_list_versions(self, list_id: str) -> tuple[MeasureList, ...]:
        """All editions, oldest first."""
        return cast("tuple[MeasureList, ...]", self._in_effect(ItemKind.LISTS).get(list_id, ()))

    def instrument(self, instrument_id: InstrumentId, version: int | None = None) -> Instrument | None:
        """That version of the instrument, or its latest."""
        return _pick(self.instrument_versions(instrument_id), version)

    def instrument_versions(self, instrument_id: InstrumentId) -> tuple[Instrument, ...]:
        """All versions, oldest first."""
        return cast("tuple[Instrument, ...]", self._in_effect(ItemKind.MEMORANDA).get(instrument_id, ()))

    def instrument_on(self, instrument_id: InstrumentId, day: date) -> Instrument | None:
        """The latest version that had begun by `day`; the first one when none had. Its term may be over by then."""
        versions = self.instrument_versions(instrument_id)
        return next((found for found in reversed(versions) if found.in_force_from <= day), _pick(versions[:1], None))

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """The latest version of each, by id."""
        return cast("tuple[Instrument, ...]", _latest(self._in_effect(ItemKind.MEMORANDA)))

    def measures_under(self, instrument_id: InstrumentId) -> tuple[Measure, ...]:
        """The measures of an instrument and of those that it follows (遵照执行)."""
        return tuple(measure for measure in self.measures if measure.instrument_id in self._followed(instrument_id))

    def _followed(self, instrument_id: InstrumentId) -> frozenset[InstrumentId]:
        found: set[InstrumentId] = set()
        ahead = [instrument_id]
        while ahead:
            if (one := ahead.pop()) not in found:
                found.add(one)
                instrument = self.instrument(one)
                ahead += instrument.follows if instrument else ()
        return frozenset(found)

    def measure(self, measure_id: MeasureId, version: int | None = None) -> Measure | None:
        """That version of the measure, or its latest."""
        return _pick(self.measure_versions(measure_id), version)

    def measure_versions(self, measure_id: MeasureId) -> tuple[Measure, ...]:
        """All versions, oldest first."""
        return self._measures.get(measure_id, ())

    @cached_property
    def _measures(self) -> Mapping[MeasureId, tuple[Measure, ...]]:
        return cast("Mapping[MeasureId, tuple[Measure, ...]]", self._in_effect(ItemKind.MEASURES))

    def measure_on(self, measure_id: MeasureId, day: date) -> Measure | None:
        """The latest version that had begun by `day`; the first one when none had."""
        versions = self._measures.get(measure_id, ())
        return begun_by(versions, day) if versions else None

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The latest version of each, by id."""
        return cast("tuple[Measure, ...]", _latest(self._in_effect(ItemKind.MEASURES)))

    def measures_for(self, domain_id: DomainId, list_kind: ListKind, day: date | None = None) -> tuple[Measure, ...]:
        """The measures whose target names the list and the domain (or every domain), by id.

        With `day`, each measure is in the version that had begun by then (the first one when none had): a new version does
        not change earlier decisions. Without `day`, in its latest version. Unpublished and invalid measures are included,
        because the basis gate must report their refusal. Empty for an unknown domain.
        """
        if day is None:
            return self._measure_index.latest(domain_id, list_kind)
        return self._measure_index.on(domain_id, list_kind, day)

    @cached_property
    def _measure_index(self) -> MeasureIndex:
        return MeasureIndex(self.domains, self._measures)

    @cached_property
    def clean_record_measures(self) -> tuple[Measure, ...]:
        """The measures that also apply to subjects with a clean record and no entry (row 12), latest version, by id."""
        return tuple(measure for measure in self.measures if measure.target.clean_record_years is not None)

    def policy(self, policy_id: str, version: int | None = None) -> Policy | None:
        """That version of the policy, or its latest."""
        return _pick(self.policy_versions(policy_id), version)

    def policy_versions(self, policy_id: str) -> tuple[Policy, ...]:
        """All versions, oldest first."""
        return self._policies.get(policy_id, ())

    @cached_property
    def _policies(self) -> Mapping[str, tuple[Policy, ...]]:
        return cast("Mapping[str, tuple[Policy, ...]]", self._in_effect(ItemKind.POLICIES))

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """The latest version of each, by id."""
        return cast("tuple[Policy, ...]", _latest(self._in_effect(ItemKind.POLICIES)))

    @cached_property
    def _memo_lineage(self) -> Memo[str, tuple[str, ...]]:
        return Memo(_MOST_REMEMBERED)

    @cached_property
    def _memo_in_effect(self) -> dict[ItemKind, Editions]:
        return {}

    @cached_property
    def _memo_implementers(self) -> Memo[tuple[MeasureId, int, str], tuple[Implementer, ...]]:
        return Memo(_MOST_REMEMBERED)


def _latest(editions: Editions) -> tuple[Item, ...]:
    return tuple(versions[-1] for _, versions in sorted(editions.items()))


def _pick(versions: tuple[_Versioned, ...], version: int | None) -> _Versioned | None:
    if version is None:
        return versions[-1] if versions else None
    return next((found for found in versions if found.version == version), None)
