"""The measures of a law book by domain and list, as of a day."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property

from shared.contracts.event import DomainId, MeasureId
from shared.contracts.lawbook import (
    ListKind,
    Measure,
)
from shared.lawbook.memo import Memo

_MOST_REMEMBERED = 10_000
_List = tuple[DomainId, ListKind]


class MeasureIndex:
    def __init__(self, domains: Collection[DomainId], measures: Mapping[MeasureId, tuple[Measure, ...]]) -> None:
        """`measures`: every version of each, oldest first."""
        self._domains = domains
        self._measures = measures
        self._on_day: Memo[tuple[DomainId, ListKind, date], tuple[Measure, ...]] = Memo(_MOST_REMEMBERED)

    def latest(self, domain_id: DomainId, list_kind: ListKind) -> tuple[Measure, ...]:
        """The measures whose latest version targets the list, by id."""
        return self._latest.get((domain_id, list_kind), ())

    def on(self, domain_id: DomainId, list_kind: ListKind, day: date) -> tuple[Measure, ...]:
        """The measures whose version of the day targets the list, by id."""
        key = (domain_id, list_kind, day)
        known = self._on_day.get(key)
        if known is not None:
            return known
        versions = (begun_by(self._measures[measure_id], day) for measure_id in self._ids.get(key[:2], ()))
        return self._on_day.keep(key, tuple(found for found in versions if _targets(found, domain_id, list_kind)))

    @cached_property
    def _latest(self) -> Mapping[_List, tuple[Measure, ...]]:
        newest = [versions[-1] for _, versions in sorted(self._measures.items())]
        return {
            (domain_id, kind): tuple(measure for measure in newest if _targets(measure, domain_id, kind))
            for domain_id in self._domains
            for kind in ListKind
        }

    @cached_property
    def _ids(self) -> Mapping[_List, tuple[MeasureId, ...]]:
        """The measures that target the list in any of their versions, by id."""
        index: dict[_List, list[MeasureId]] = defaultdict(list)
        for measure_id, versions in sorted(self._measures.items()):
            for domain_id in self._domains:
                for kind in ListKind:
                    if any(_targets(version, domain_id, kind) for version in versions):
                        index[domain_id, kind].append(measure_id)
        return {key: tuple(ids) for key, ids in index.items()}


def begun_by(versions: tuple[Measure, ...], day: date) -> Measure:
    """The latest version that had begun by `day`; the first one when none had."""
    return next((found for found in reversed(versions) if found.effective_from <= day), versions[0])


def _targets(measure: Measure, domain_id: DomainId, list_kind: ListKind) -> bool:
    target = measure.target
    return list_kind in target.lists and (not target.domains or domain_id in target.domains)
