"""The law book (departments, domains, instruments, measures, policies) as of one version of its stream.

The stream has no gaps: a change that is already known is passed over, one that comes too early is refused. A book never
changes; a change gives a new book, so that a decision can hold on to the one that it was made by.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Self, TypeVar

from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Department,
    DepartmentPublished,
    Domain,
    DomainPublished,
    Instrument,
    InstrumentPublished,
    LawbookChange,
    ListKind,
    Measure,
    MeasurePublished,
    Policy,
    PolicyPublished,
)

STATE = "000000"
"""The region code of the state as a whole."""

_MOST_REMEMBERED = 10_000


class GapInLawBook(ValueError):
    """A change came before its predecessors; the reader must wait for them and not go on without."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"law book version {expected} is missing: the change at hand has version {found}")
        self.expected = expected
        self.found = found


_Versioned = TypeVar("_Versioned", Instrument, Measure, Policy)
_Dated = TypeVar("_Dated", Measure, Policy)
_Id = TypeVar("_Id")
_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class LawBook:
    """What the catalogue had published up to `version`. An unknown id is answered with None or nothing, no error."""

    version: int = 0
    departments: Mapping[DepartmentId, Department] = field(default_factory=dict[DepartmentId, Department])
    domains: Mapping[DomainId, Domain] = field(default_factory=dict[DomainId, Domain])
    _instruments: Mapping[InstrumentId, tuple[Instrument, ...]] = field(
        default_factory=dict[InstrumentId, tuple[Instrument, ...]]
    )
    _measures: Mapping[MeasureId, tuple[Measure, ...]] = field(default_factory=dict[MeasureId, tuple[Measure, ...]])
    _policies: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict[str, tuple[Policy, ...]])

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
        book = replace(self, version=event.lawbook_version)
        match event:
            case DepartmentPublished(department=department):
                return replace(book, departments=_with(self.departments, department.department_id, department))
            case DomainPublished(domain=domain):
                return replace(book, domains=_with(self.domains, domain.domain_id, domain))
            case InstrumentPublished(instrument=instrument):
                return replace(book, _instruments=_edition(self._instruments, instrument.instrument_id, instrument))
            case MeasurePublished(measure=measure):
                return replace(book, _measures=_edition(self._measures, measure.measure_id, measure))
            case PolicyPublished(policy=policy):
                return replace(book, _policies=_edition(self._policies, policy.policy_id, policy))

    def with_changes(self, events: Iterable[LawbookChange]) -> "LawBook":
        """The book after all of them, in their order."""
        book = self
        for event in events:
            book = book.with_change(event)
        return book

    def department(self, department_id: DepartmentId) -> Department | None:
        return self.departments.get(department_id)

    def domain(self, domain_id: DomainId) -> Domain | None:
        return self.domains.get(domain_id)

    def instrument(self, instrument_id: InstrumentId, version: int | None = None) -> Instrument | None:
        """That version of the instrument, or its latest."""
        return _pick(self._instruments.get(instrument_id, ()), version)

    def instrument_versions(self, instrument_id: InstrumentId) -> tuple[Instrument, ...]:
        """All versions, oldest first."""
        return self._instruments.get(instrument_id, ())

    def instrument_on(self, instrument_id: InstrumentId, day: date) -> Instrument | None:
        """The latest version that had begun by `day`; the first one when none had. It may be out of force by then."""
        versions = self._instruments.get(instrument_id, ())
        return next((found for found in reversed(versions) if found.in_force_from <= day), _pick(versions[:1], None))

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """The latest version of each, by id."""
        return _latest(self._instruments)

    def measure(self, measure_id: MeasureId, version: int | None = None) -> Measure | None:
        """That version of the measure, or its latest."""
        return _pick(self._measures.get(measure_id, ()), version)

    def measure_versions(self, measure_id: MeasureId) -> tuple[Measure, ...]:
        """All versions, oldest first."""
        return self._measures.get(measure_id, ())

    def measure_on(self, measure_id: MeasureId, day: date) -> Measure | None:
        """The latest version that had begun by `day`; the first one when none had."""
        versions = self._measures.get(measure_id, ())
        return _begun_by(versions, day) if versions else None

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The latest version of each, by id."""
        return _latest(self._measures)

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
        return _pick(self._policies.get(policy_id, ()), version)

    def policy_versions(self, policy_id: str) -> tuple[Policy, ...]:
        """All versions, oldest first."""
        return self._policies.get(policy_id, ())

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """The latest version of each, by id."""
        return _latest(self._policies)

    def policy_for(self, region: str, domain_id: DomainId | None, day: date) -> Policy | None:
        """The policy that governs the region (GB/T 2260, six digits) and domain on that day.

        The most specific region first (county, city, province, state); in one region a policy of this domain before one
        of every domain, then the one that began last. A version that has begun replaces the earlier ones for good.
        """
        key = (region, domain_id, day)
        if key not in self._memo_policies:
            return _remember(self._memo_policies, key, self._policy_for(region, domain_id, day))
        return self._memo_policies[key]

    def _policy_for(self, region: str, domain_id: DomainId | None, day: date) -> Policy | None:
        for place in regions_from(region):
            candidates = [
                policy
                for versions in self._policies.values()
                if (policy := _begun_by(versions, day)).region == place
                and _holds_on(policy, day)
                and (not policy.domains or domain_id in policy.domains)
            ]
            if candidates:
                return max(candidates, key=lambda p: (bool(p.domains), p.effective_from, p.policy_id))
        return None

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

    # Answers already given, by day: a book is asked the same a hundred thousand times and never changes.
    @cached_property
    def _memo_measures(self) -> dict[tuple[DomainId, ListKind, date], tuple[Measure, ...]]:
        return {}

    @cached_property
    def _memo_policies(self) -> dict[tuple[str, DomainId | None, date], Policy | None]:
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


def _holds_on(policy: Policy, day: date) -> bool:
    return policy.effective_from <= day and (policy.effective_to is None or day <= policy.effective_to)


def _begun_by(versions: tuple[_Dated, ...], day: date) -> _Dated:
    """The latest version that had begun by `day`; the first one when none had."""
    return next((found for found in reversed(versions) if found.effective_from <= day), versions[0])


def _remember(memo: dict[_Id, _Thing], key: _Id, answer: _Thing) -> _Thing:
    if len(memo) >= _MOST_REMEMBERED:
        memo.clear()
    memo[key] = answer
    return answer


def _with(things: Mapping[_Id, _Thing], key: _Id, thing: _Thing) -> Mapping[_Id, _Thing]:
    return {**things, key: thing}


def _edition(
    editions: Mapping[_Id, tuple[_Versioned, ...]], key: _Id, new: _Versioned
) -> Mapping[_Id, tuple[_Versioned, ...]]:
    others = (old for old in editions.get(key, ()) if old.version != new.version)
    return {**editions, key: tuple(sorted((*others, new), key=lambda edition: edition.version))}


def _latest(editions: Mapping[_Id, tuple[_Versioned, ...]]) -> tuple[_Versioned, ...]:
    return tuple(versions[-1] for _, versions in sorted(editions.items(), key=lambda item: str(item[0])))


def _pick(versions: tuple[_Versioned, ...], version: int | None) -> _Versioned | None:
    if version is None:
        return versions[-1] if versions else None
    return next((found for found in versions if found.version == version), None)
