"""What is to enter the law book at one go: items of any kinds, and items that are to end."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple, Self, cast

from pydantic import Field

from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.event import Contract
from shared.contracts.lawbook import Department, Domain, Instrument, ItemKind, Measure, MeasureList
from shared.contracts.policy import Policy
from shared.lawbook.items import SHAPES, Item, kind_of


class Retirement(Contract):
    """An item that is to end (退出): it holds through `last_day`."""

    kind: ItemKind
    item_id: str
    last_day: date
    reason: str


class Placed(NamedTuple):
    """An item, and where it stands in what was handed in: `measures[3]`, `line 7`."""

    place: str
    item: Item


class PlacedEnd(NamedTuple):
    """A retirement, and where it stands."""

    place: str
    retirement: Retirement


class Content(Contract):
    """Items by kind, and retirements: a file of the law book, or a piece of one. Kinds stand as they resolve."""

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
    retirements: tuple[Retirement, ...] = Field(default=(), description="Items that are to end")

    @classmethod
    def of(cls, items: Iterable[Item], retirements: Sequence[Retirement] = ()) -> Self:
        """Items of any kinds, sorted into theirs."""
        by_kind: dict[str, list[Item]] = {}
        for item in items:
            by_kind.setdefault(field_of(kind_of(item)), []).append(item)
        found = {field: tuple(found) for field, found in by_kind.items()}
        return cls.model_validate({**found, "retirements": tuple(retirements)})

    def items(self, kind: ItemKind) -> tuple[Item, ...]:
        return cast("tuple[Item, ...]", getattr(self, field_of(kind)))

    def placed(self) -> Iterator[Placed]:
        """Every item with its place, kind by kind."""
        for kind in SHAPES:
            yield from (Placed(f"{field_of(kind)}[{nth}]", item) for nth, item in enumerate(self.items(kind)))

    def placed_ends(self) -> Iterator[PlacedEnd]:
        return (PlacedEnd(f"retirements[{nth}]", one) for nth, one in enumerate(self.retirements))

    def __len__(self) -> int:
        return sum(len(self.items(kind)) for kind in SHAPES) + len(self.retirements)

    def __add__(self, other: "Content") -> "Content":
        joined = {name: (*getattr(self, name), *getattr(other, name)) for name in Content.model_fields}
        return Content.model_validate(joined)


def field_of(kind: ItemKind) -> str:
    """Under what name the items of a kind stand in a file: `measure_lists`."""
    return kind.value.replace("-", "_")


_LARGEST_PIECE = 200_000
"""Characters of JSON; an event takes half a million bytes, and a character of Chinese has three."""


def pieces(content: Content) -> Iterator[Content]:
    """The content in pieces small enough for an event each, in their order."""
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
