"""How two versions of an item differ; of lists of measures (措施清单) also measure by measure (row 4)."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.catalogue.domain.comparing import Difference, ListComparison, compare_lists, differences
from services.catalogue.views import items as view
from shared.contracts.lawbook import ItemKind, MeasureList
from shared.lawbook.items import SHAPES, Item, version_of
from shared.rejection import reject
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(tags=["comparing"])


class Comparison(BaseModel):
    """Two versions, or two changes, of one item."""

    kind: ItemKind
    item_id: str
    was: int = Field(description="The earlier one that was asked for")
    now: int
    differences: list[Difference]
    measures: ListComparison | None = Field(default=None, description="Of a list of measures, measure by measure")


@router.get("/{kind}/{item_id}/compare")
async def compare(
    kind: ItemKind,
    item_id: str,
    core: CoreDep,
    who: Caller,
    was: Annotated[int, Query(ge=1, description="A version; of items without versions, a law book version")],
    now: Annotated[int, Query(ge=1)],
) -> Comparison:
    """How they differ, field by field."""
    async with core.store.reading.connect() as connection:
        found = await view.editions(connection, kind, item_id)
    if not found:
        raise reject("unknown_id", "path.item_id")
    before, after = _one(kind, found, was, "query.was"), _one(kind, found, now, "query.now")
    lists = None
    if isinstance(before, MeasureList) and isinstance(after, MeasureList):
        lists = compare_lists(before, after)
    return Comparison(
        kind=kind, item_id=item_id, was=was, now=now, differences=differences(before, after), measures=lists
    )


def _one(kind: ItemKind, editions: list[view.Edition], number: int, field: str) -> Item:
    if SHAPES[kind].versioned:
        found = view.in_version([e for e in editions if version_of(e.item) == number], number)
    else:
        found = next((e for e in reversed(editions) if e.lawbook_version <= number), None)
    if found is None:
        raise reject("unknown_id", field)
    return found.item
