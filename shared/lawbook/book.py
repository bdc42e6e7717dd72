"""The law book (regions, departments, domains, bases, instruments, measures, policies) as of one version of its stream.

The stream has no gaps: a change that is already known is passed over, one that comes too early is refused. A book never
changes; a change gives a new book, so that a decision can hold on to the one that it was made by.

What a book answers is what holds in effect: retirements, confirmations, legal bases and kinds of implementers are put into
the items that they are about (shared/lawbook/effect.py). `published` tells an item as it came.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeVar, cast

from shared.contracts.directory import BasisId, Category, CategoryId, LegalBasis, Matter, MatterId, Region
from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import Department, Domain, Instrument, ItemKind, ListKind, Measure, MeasureList
from shared.contracts.lawbook_events import ItemRetired, LawbookChange, SettingsConfirmed
from shared.contracts.policy import Policy
from shared.lawbook.effect import bound, confirmed, retired
from shared.lawbook.items import Item, identity, items_of, kind_of, version_of

STATE = "000000"
"""The region code of the state as a whole."""

_MOST_REMEMBERED = 10_000
_BOOKS_REMEMBERED = 64
"""Earlier books that a book keeps at hand, the one that was asked for first going first. A book is some megabytes."""


class GapInLawBook(ValueError):
    """A change came before its predecessors; the reader must wait for them and not go on without."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"law book version {expected} is missing: the change at hand has version {found}")
        self.expected = expected
        self.found = found


_Versioned = TypeVar("_Versioned", LegalBasis, Instrument, Measure, MeasureList, Policy)
_Dated = TypeVar("_Dated", Measure, Policy)
_Id = TypeVar("_Id")
_Thing = TypeVar("_Thing")

_Editions = Mapping[str, tuple[Item, ...]]
"""The versions of each item, oldest first; of an item without versions the last one published."""


class _Retirement(NamedTuple):
    last_day: date
    version: int | None
    """The latest version then: one that comes later begins anew."""


class Implementer(NamedTuple):
    """Who carries a measure out: named by it, or by its kind."""

    department_id: DepartmentId
    category_id: CategoryId | None


@dataclass(frozen=True)
class LawBook:
    """What the catalogue had published up to `version`. An unknown id is answered with None or nothing, no error."""

    version: int = 0
    _published: Mapping[ItemKind, _Editions] = field(default_factory=dict[ItemKind, _Editions])
    _retired: Mapping[tuple[ItemKind, str], "_Retirement"] = field(
        default_factory=dict[tuple[ItemKind, str], "_Retirement"]
    )
    _confirmed: Mapping[tuple[ItemKind, str, int | None], tuple[str, ...]] = field(
        default_factory=dict[tuple[ItemKind, str, int | None], tuple[str, ...]]
    )
    _history: tuple[LawbookChange, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def empty(cls) -> Self:
        """The book before the first change."""
        return cls()

    def with_change(self, event: LawbookChange) -> "LawBook":
        """The book after `event`; the same book when it is already in it. Raises `GapInLawBook`."""
        if event.lawbook_version <= self.version:
            return self
        if event.lawbook_version > self.version + 1:
            raise GapInLawBook(self.version + 1, event.lawbook_version)
        book = replace(self, version=event.lawbook_version, _history=(*self._history, event))
        match event:
            case ItemRetired():
                newest = self.published(event.kind, event.item_id)
                told = _Retirement(event.last_day, newest and version_of(newest))
                return replace(book, _retired={**self._retired, (event.kind, event.item_id): told})
            case SettingsConfirmed():
                key = (event.kind, event.item_id, event.item_version)
                settings = (*self._confirmed.get(key, ()), *event.settings)
                return replace(book, _confirmed={**self._confirmed, key: settings})
            case _:
                items = items_of(event)
                again = {(kind_of(item), identity(item)) for item in items if version_of(item) is None}
                still = {key: told for key, told in self._retired.items() if key not in again}
                return replace(book, _published=_with_items(self._published, items), _retired=still)

    def with_changes(self, events: Iterable[LawbookChange]) -> "LawBook":
        """The book after all of them, in their order."""
        book = self
        for event in events:
            book = book.with_change(event)
        return book

    def as_of(self, version: int) -> "LawBook":
        """The book as it stood at an earlier version of it: what a decision of that time was made by."""
        if version >= self.version:
            return self
        known = self._memo_as_of
        if version not in known:
            earlier = max((one for one in known if one < version), default=None)
            start = LawBook.empty() if earlier is None else known[earlier]
            if len(known) >= _BOOKS_REMEMBERED:
                del known[next(iter(known))]
            known[version] = start.with_changes(
                change for change in self._history if start.version < change.lawbook_version <= version
            )
        return known[version]

    def published(self, kind: ItemKind, item_id: str, version: int | None = None) -> Item | None:
        """An item as it was published: the version that is named, or the last one."""
        versions = self._published.get(kind, {}).get(item_id, ())
        return next((found for found in reversed(versions) if version is None or version_of(found) == version), None)

    def current(self, kind: ItemKind) -> Mapping[str, Item]:
        """The latest version of every item of a kind, in effect."""
        return {item_id: versions[-1] for item_id, versions in self._in_effect(kind).items()}

    def editions(self, kind: ItemKind, item_id: str) -> tuple[Item, ...]:
        """All versions of an item in effect, oldest first; the last one published, of an item that has no versions."""
        return self._in_effect(kind).get(item_id, ())

    def last_day(self, kind: ItemKind, item_id: str) -> date | None:
        """The last day of an item that was retired and has not been published again since; none of any other."""
        told = self._retired.get((kind, item_id))
        newest = self.published(kind, item_id)
        return told.last_day if told and newest and version_of(newest) == told.version else None

    def _in_effect(self, kind: ItemKind) -> _Editions:
        if kind not in self._memo_in_effect:
            self._memo_in_effect[kind] = self._put_into_effect(kind)
        return self._memo_in_effect[kind]

    def _put_into_effect(self, kind: ItemKind) -> _Editions:
        editions = self._published.get(kind, {})
        touched = {item_id for of_kind, item_id, *_ in (*self._retired, *self._confirmed) if of_kind is kind}
        said = {item_id: tuple(map(self._as_said, editions[item_id])) for item_id in touched if item_id in editions}
        editions = {**editions, **said} if said else editions
        if kind is not ItemKind.MEASURES:
            return editions
        bases = cast("Mapping[BasisId, tuple[LegalBasis, ...]]", self._in_effect(ItemKind.BASES))
        measures = cast("Mapping[str, tuple[Measure, ...]]", editions)
        return {
            item_id: tuple(
                bound(version, bases, [*self._named(version), *self._of_kind(version)]) for version in versions
            )
            for item_id, versions in measures.items()
        }

    def _named(self, measure: Measure) -> list[DepartmentId]:
        """The implementers that a measure names as it was published, those that ended left out."""
        return [d for d in measure.implementers if self.last_day(ItemKind.DEPARTMENTS, d) is None]

    def _of_kind(self, measure: Measure) -> list[DepartmentId]:
        """All bodies of the kinds that a measure names, in the region for which its instrument was issued."""
        instrument = self.instrument(measure.instrument_id)
        issued_for = instrument.region if instrument else STATE
        return [
            department_id
            for category in measure.implementer_categories
            for department_id in self._members.get(category, ())
            if issued_for in self.lineage(self.departments[department_id].region)
        ]

    def _as_said(self, item: Item) -> Item:
        kind, item_id = kind_of(item), identity(item)
        item = confirmed(item, self._confirmed.get((kind, item_id, version_of(item)), ()))
        told = self._retired.get((kind, item_id))
        if told is None or (version_of(item) or 0) > (told.version or 0):
            return item
        return retired(item, told.last_day)

    # --- places and kinds of bodies

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """By code."""
        return cast("Mapping[str, Region]", self.current(ItemKind.REGIONS))

    def lineage(self, region: str) -> tuple[str, ...]:
        """The region and what it belongs to, the most specific first: by the tree, and by the code where the tree ends."""
        if region not in self._memo_lineage:
            return _remember(self._memo_lineage, region, self._lineage(region))
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
        """The bodies of this kind that have to do with a region: its own, those of regions above it and within it."""
        return tuple(
            department_id
            for department_id in self._members.get(category_id, ())
            if self._concerns(self.departments[department_id].region, region)
        )

    def _concerns(self, of: str, region: str) -> bool:
        return of in self.lineage(region) or region in self.lineage(of)

    def implementers_of(self, measure: Measure, jurisdiction: str) -> tuple[Implementer, ...]:
        """Who carries the measure out for an entry of this jurisdiction, each once: those named, then those of a kind.

        Of a kind are those that have to do with the jurisdiction, within the region for which the instrument was issued.
        """
        key = ("implementers", measure.measure_id, measure.version, jurisdiction)
        if key not in self.answers:
            return _remember(self.answers, key, self._implementers_of(measure, jurisdiction))
        return self.answers[key]

    def _implementers_of(self, measure: Measure, jurisdiction: str) -> tuple[Implementer, ...]:
        published = self.published(ItemKind.MEASURES, measure.measure_id, measure.version)
        named = self._named(published if isinstance(published, Measure) else measure)
        found = {department_id: Implementer(department_id, None) for department_id in named}
        within = frozenset(self._of_kind(measure))
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
        """Who handles the matter in a region, and so must check (应查必查)."""
        by_kind = (d for category in matter.checked_by_categories for d in self.members(category, region))
        return tuple(dict.fromkeys((*matter.checked_by, *by_kind)))

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
        """The latest version that had begun by `day`; the first one when none had. It may be out of force by then."""
        versions = self.instrument_versions(instrument_id)
        return next((found for found in reversed(versions) if found.in_force_from <= day), _pick(versions[:1], None))

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """The latest version of each, by id."""
        return cast("tuple[Instrument, ...]", _latest(self._in_effect(ItemKind.MEMORANDA)))

    def measures_under(self, instrument_id: InstrumentId) -> tuple[Measure, ...]:
        """The measures that an instrument binds: its own and, as it follows them (遵照执行), those of the levels above."""
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
        return _begun_by(versions, day) if versions else None

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The latest version of each, by id."""
        return cast("tuple[Measure, ...]", _latest(self._in_effect(ItemKind.MEASURES)))

    def measures_for(self, domain_id: DomainId, list_kind: ListKind, day: date | None = None) -> tuple[Measure, ...]:
        """The measures whose target names the list and the domain (or every domain), by id.

        With `day` each measure is in the version that had begun by then (the first one, when none had): a new version
        says nothing about earlier decisions. Without it, in its latest. Neither publication nor validity is looked at:
        what the basis gate refuses must be seen to be refused. Nothing for an unknown domain.
        """
        if day is None or domain_id not in self.domains:
            return self._latest_for.get((domain_id, list_kind), ())
        key = (domain_id, list_kind, day)
        if key not in self._memo_measures:
            on_day = (_begun_by(self._measures[measure_id], day) for measure_id in self._ids_for.get(key[:2], ()))
            reaching = tuple(measure for measure in on_day if _reaches(measure, domain_id, list_kind))
            return _remember(self._memo_measures, key, reaching)
        return self._memo_measures[key]

    @cached_property
    def clean_record_measures(self) -> tuple[Measure, ...]:
        """The measures that also reach whoever has a clean record without any entry (row 12), latest version, by id."""
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
    def _latest_for(self) -> Mapping[tuple[DomainId, ListKind], tuple[Measure, ...]]:
        return {
            (domain_id, kind): tuple(m for m in self.measures if _reaches(m, domain_id, kind))
            for domain_id in self.domains
            for kind in ListKind
        }

    @cached_property
    def _ids_for(self) -> Mapping[tuple[DomainId, ListKind], tuple[MeasureId, ...]]:
        """The measures that reach the list in any of their versions."""
        index: dict[tuple[DomainId, ListKind], list[MeasureId]] = defaultdict(list)
        for measure_id, versions in sorted(self._measures.items()):
            for domain_id in self.domains:
                for kind in ListKind:
                    if any(_reaches(version, domain_id, kind) for version in versions):
                        index[domain_id, kind].append(measure_id)
        return {key: tuple(ids) for key, ids in index.items()}

    @cached_property
    def answers(self) -> dict[Hashable, Any]:
        """For those who ask a book the same thing many times: what they concluded from it. A book never changes."""
        return {}

    @cached_property
    def _memo_as_of(self) -> "dict[int, LawBook]":
        return {}

    @cached_property
    def _memo_lineage(self) -> dict[str, tuple[str, ...]]:
        return {}

    @cached_property
    def _memo_in_effect(self) -> dict[ItemKind, _Editions]:
        return {}

    # Answers already given, by day: a book is asked the same a hundred thousand times and never changes.
    @cached_property
    def _memo_measures(self) -> dict[tuple[DomainId, ListKind, date], tuple[Measure, ...]]:
        return {}


def governs(region: str, jurisdiction: str) -> bool:
    """Whether what was issued for `region` holds in `jurisdiction`: 410300 governs 410302, 000000 governs all."""
    return jurisdiction.startswith(_prefix(region))


def regions_from(region: str) -> tuple[str, ...]:
    """The region and what it belongs to, the most specific first: 410302, 410300, 410000, 000000."""
    return tuple(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000", STATE)))


def _prefix(region: str) -> str:
    prefix = region
    while prefix.endswith("00") and len(prefix) % 2 == 0:
        prefix = prefix[:-2]
    return prefix


def _reaches(measure: Measure, domain_id: DomainId, list_kind: ListKind) -> bool:
    target = measure.target
    return list_kind in target.lists and (not target.domains or domain_id in target.domains)


def _begun_by(versions: tuple[_Dated, ...], day: date) -> _Dated:
    """The latest version that had begun by `day`; the first one when none had."""
    return next((found for found in reversed(versions) if found.effective_from <= day), versions[0])


def _remember(memo: dict[Any, Any], key: Hashable, answer: _Thing) -> _Thing:
    if len(memo) >= _MOST_REMEMBERED:
        memo.clear()
    memo[key] = answer
    return answer


def _with_items(published: Mapping[ItemKind, _Editions], items: Iterable[Item]) -> Mapping[ItemKind, _Editions]:
    kinds: dict[ItemKind, _Editions] = {**published}
    by_kind: dict[ItemKind, list[Item]] = defaultdict(list)
    for item in items:
        by_kind[kind_of(item)].append(item)
    for kind, new in by_kind.items():
        editions = dict(kinds.get(kind, {}))
        for item in new:
            editions[identity(item)] = _edition(editions.get(identity(item), ()), item)
        kinds[kind] = editions
    return kinds


def _edition(versions: tuple[Item, ...], new: Item) -> tuple[Item, ...]:
    """Its versions with the new one; the same version again replaces it, and so does an item that has no versions."""
    others = [old for old in versions if version_of(old) != version_of(new)]
    return tuple(sorted((*others, new), key=lambda item: version_of(item) or 0))


def _latest(editions: _Editions) -> tuple[Item, ...]:
    return tuple(versions[-1] for _, versions in sorted(editions.items()))


def _pick(versions: tuple[_Versioned, ...], version: int | None) -> _Versioned | None:
    if version is None:
        return versions[-1] if versions else None
    return next((found for found in versions if found.version == version), None)
