"""What an officer proposes for the law book in one draft: items of any kinds, and retirements of items."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Self, cast

from pydantic import Field

from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.event import Contract
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    ItemKind,
    Measure,
    MeasureList,
)
from shared.contracts.policy import Policy
from shared.lawbook.items import SHAPES, Item, kind_of


class Retirement(Contract):
    """An item that ends (退出): it holds up to and including `last_day`."""

    kind: ItemKind
    item_id: str
    last_day: date
    reason: str


class Placed(NamedTuple):
    """An item, and its place in the request or file: `measures[3]`, `line[7]`."""

    place: str
    item: Item


class PlacedEnd(NamedTuple):
    """A retirement, and its place in the request or file."""

    place: str
    retirement: Retirement


class Content(Contract):
    """Items by kind, and retirements. Kinds are in the order in which their references resolve."""

    regions: tuple[Region, ...] = ()
    categories: tuple[Category, ...] = ()
    departments: tuple[Department, ...] = ()
    domains: tuple[Domain, ...] = ()
    bases: tuple[LegalBasis, ...] = ()
    memoranda: tuple[Instrument, ...] = ()
    matters: tuple[Matter, ...] = ()
    measures: tuple[Measure, ...] = ()
    measure_lists: tuple[MeasureList, ...] = ()
    policies: tuple[Policy, ...] = ()
    retirements: tuple[Retirement, ...] = Field(default=(), description="Items that end")

    @classmethod
    def of(cls, items: Iterable[Item], retirements: Sequence[Retirement] = ()) -> Self:
        """The content with these items, sorted by kind."""
        by_kind: dict[str, list[Item]] = {}
        for item in items:
            by_kind.setdefault(field_of(kind_of(item)), []).append(item)
        found = {field: tuple(found) for field, found in by_kind.items()}
        return cls.model_validate({**found, "retirements": tuple(retirements)})

    def items(self, kind: ItemKind) -> tuple[Item, ...]:
        """The items of a kind."""
        return cast("tuple[Item, ...]", getattr(self, field_of(kind)))

    def placed(self) -> Iterator[Placed]:
        """Every item with its place, kind by kind."""
        for kind in SHAPES:
            yield from (Placed(f"{field_of(kind)}[{nth}]", item) for nth, item in enumerate(self.items(kind)))

    def placed_ends(self) -> Iterator[PlacedEnd]:
        """Every retirement with its place."""
        return (PlacedEnd(f"retirements[{nth}]", one) for nth, one in enumerate(self.retirements))

    def __len__(self) -> int:
        return sum(len(self.items(kind)) for kind in SHAPES) + len(self.retirements)

    def __add__(self, other: "Content") -> "Content":
        joined = {name: (*getattr(self, name), *getattr(other, name)) for name in Content.model_fields}
        return Content.model_validate(joined)


@dataclass(frozen=True, slots=True)
class Submission:
    """What an officer files as one draft, each item and retirement with its place."""

    title: str
    items: tuple[Placed, ...]
    ends: tuple[PlacedEnd, ...] = ()


def field_of(kind: ItemKind) -> str:
    """The field of a kind in `Content` and its name in a file: `measure_lists`."""
    return kind.value.replace("-", "_")


_LARGEST_PIECE = 200_000
"""Characters of JSON. An event may have half a million bytes, and a Chinese character takes three."""


def pieces(content: Content) -> Iterator[Content]:
    """The content in pieces, in order, each small enough for one event."""
    held: list[Item] = []
    size = 0
    for placed in content.placed():
        length = len(placed.item.model_dump_json())
        if held and size + length > _LARGEST_PIECE // 2:
            yield Content.of(held)
            held, size = [], 0
        held.append(placed.item)
        size += length
    if held or content.retirements:
        yield Content.of(held, content.retirements)
