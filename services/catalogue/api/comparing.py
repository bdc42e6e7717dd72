"""Comparison of two versions of an item; of lists of measures (措施清单) also measure by measure (row 4)."""

from typing import Annotated

from fastapi import Query

from services.catalogue.api.bodies.items import ComparisonBody, DifferenceBody, ListComparisonBody
from services.catalogue.domain.comparing import compare_lists, differences
from services.catalogue.views import item_queries
from services.catalogue.views.items import Edition
from shared.contracts.lawbook import (
    ItemKind,
    MeasureList,
)
from shared.lawbook.items import SHAPES, Item, version_of
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(tags=["comparing"])


@router.get("/{kind}/{item_id}/compare")
async def compare(
    kind: ItemKind,
    item_id: str,
    core: CoreDep,
    was: Annotated[int, Query(ge=1, description="A version; of items without versions, a law book version")],
    now: Annotated[int, Query(ge=1)],
) -> ComparisonBody:
    """The differences, field by field."""
    async with core.store.reading.connect() as connection:
        found = await item_queries.editions(connection, kind, item_id)
    if not found:
        raise reject("unknown_id", "path.item_id")
    before, after = _item(kind, found, was, "query.was"), _item(kind, found, now, "query.now")
    measures = None
    if isinstance(before, MeasureList) and isinstance(after, MeasureList):
        measures = ListComparisonBody.model_validate(compare_lists(before, after))
    return ComparisonBody(
        kind=kind,
        item_id=item_id,
        was=was,
        now=now,
        differences=[DifferenceBody.model_validate(found) for found in differences(before, after)],
        measures=measures,
    )


def _item(kind: ItemKind, editions: list[Edition], number: int, field: str) -> Item:
    """The item in this version; of a kind without versions, the item as of this law book version."""
    if SHAPES[kind].versioned:
        edition = item_queries.in_version([e for e in editions if version_of(e.item) == number], number)
    else:
        edition = next((e for e in reversed(editions) if e.lawbook_version <= number), None)
    if edition is None:
        raise reject("unknown_id", field)
    return edition.item
