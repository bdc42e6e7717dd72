"""What the catalogue published up to one version of the law book: the fold of its stream.

The stream has no gaps: a change that is already in is skipped, one that comes too early is an error. The fold is immutable: a
change gives a new object, so that a decision can keep the one by which it was made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple, Self

from shared.contracts.lawbook import ItemKind
from shared.contracts.lawbook_events import (
    ItemRetired,
    LawbookChange,
    SettingsConfirmed,
)
from shared.lawbook.items import Item, identity, items_of, kind_of, version_of

Editions = Mapping[str, tuple[Item, ...]]
"""Item id → its versions, oldest first. An item without versions has one: the last that was published."""

_MOST_EARLIER = 64
"""Earlier states that are kept in memory, evicted in the order in which they were requested. One is a few megabytes."""


class GapInLawBook(ValueError):
    """A change came before its predecessors. The reader must wait for them."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"law book version {expected} is missing: the change has version {found}")
        self.expected = expected
        self.found = found


class Retirement(NamedTuple):
    last_day: date
    version: int | None
    """The latest version at that time. A version that is published later is not retired."""


@dataclass(frozen=True)
class PublishedItems:
    """All items as they were published up to `version`, with their retirements and confirmations."""

    version: int = 0
    _published: Mapping[ItemKind, Editions] = field(default_factory=dict[ItemKind, Editions])
    _retired: Mapping[tuple[ItemKind, str], Retirement] = field(default_factory=dict[tuple[ItemKind, str], Retirement])
    _confirmed: Mapping[tuple[ItemKind, str, int | None], tuple[str, ...]] = field(
        default_factory=dict[tuple[ItemKind, str, int | None], tuple[str, ...]]
    )
    _history: tuple[LawbookChange, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def empty(cls) -> Self:
        """The state before the first change."""
        return cls()

    def with_change(self, event: LawbookChange) -> Self:
        """The state after `event`; the same object when `event` is already in it. Raises `GapInLawBook`."""
        if event.lawbook_version <= self.version:
            return self
        if event.lawbook_version > self.version + 1:
            raise GapInLawBook(self.version + 1, event.lawbook_version)
        book = replace(self, version=event.lawbook_version, _history=(*self._history, event))
        match event:
            case ItemRetired():
                newest = self.published(event.kind, event.item_id)
                retirement = Retirement(event.last_day, newest and version_of(newest))
                return replace(book, _retired={**self._retired, (event.kind, event.item_id): retirement})
            case SettingsConfirmed():
                key = (event.kind, event.item_id, event.item_version)
                settings = (*self._confirmed.get(key, ()), *event.settings)
                return replace(book, _confirmed={**self._confirmed, key: settings})
            case _:
                items = items_of(event)
                renewed = {(kind_of(item), identity(item)) for item in items if version_of(item) is None}
                still = {key: retirement for key, retirement in self._retired.items() if key not in renewed}
                return replace(book, _published=_with_items(self._published, items), _retired=still)

    def with_changes(self, events: Iterable[LawbookChange]) -> Self:
        """The state after all of them, in their order. Raises `GapInLawBook`."""
        book = self
        for event in events:
            book = book.with_change(event)
        return book

    def as_of(self, version: int) -> Self:
        """The state at an earlier version: what a decision of that time was made by."""
        if version >= self.version:
            return self
        known = self._memo_as_of
        if version not in known:
            earlier = max((one for one in known if one < version), default=None)
            start = type(self).empty() if earlier is None else known[earlier]
            if len(known) >= _MOST_EARLIER:
                del known[next(iter(known))]
            known[version] = start.with_changes(
                change for change in self._history if start.version < change.lawbook_version <= version
            )
        return known[version]

    @cached_property
    def _memo_as_of(self) -> dict[int, Self]:
        return {}

    def published(self, kind: ItemKind, item_id: str, version: int | None = None) -> Item | None:
        """An item as it was published: the given version, or the last one. None for an unknown id or version."""
        versions = self._published.get(kind, {}).get(item_id, ())
        return next((found for found in reversed(versions) if version is None or version_of(found) == version), None)

    def last_day(self, kind: ItemKind, item_id: str) -> date | None:
        """The last day of an item that was retired and not published again since; None for any other."""
        retirement = self._retired.get((kind, item_id))
        newest = self.published(kind, item_id)
        return retirement.last_day if retirement and newest and version_of(newest) == retirement.version else None


def _with_items(published: Mapping[ItemKind, Editions], items: Iterable[Item]) -> Mapping[ItemKind, Editions]:
    kinds: dict[ItemKind, Editions] = {**published}
    by_kind: dict[ItemKind, list[Item]] = defaultdict(list)
    for item in items:
        by_kind[kind_of(item)].append(item)
    for kind, new in by_kind.items():
        editions = dict(kinds.get(kind, {}))
        for item in new:
            editions[identity(item)] = _with_edition(editions.get(identity(item), ()), item)
        kinds[kind] = editions
    return kinds


def _with_edition(versions: tuple[Item, ...], new: Item) -> tuple[Item, ...]:
    """The versions with the new one. It replaces the same version, or the only one of an item without versions."""
    others = [old for old in versions if version_of(old) != version_of(new)]
    return tuple(sorted((*others, new), key=lambda item: version_of(item) or 0))
