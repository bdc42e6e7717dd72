"""Reading the law book: the current items, every edition of an item, the changes since a version."""

from typing import Annotated

from fastapi import Query

from services.catalogue.api.bodies.items import (
    BookVersionBody,
    ChangeBody,
    ChangePage,
    EditionBody,
    EditionsBody,
    ItemBody,
    ItemPage,
    item_body,
)
from services.catalogue.views import item_queries
from services.catalogue.views.item_queries import ItemFilter
from services.catalogue.views.items import Edition
from shared.contracts.lawbook import ItemKind
from shared.lawbook.items import identity
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import After, AfterPosition, Limit, cut
from shared.web.routing import Router

router = Router(tags=["law book"])


@router.get("/version")
async def version(core: CoreDep) -> BookVersionBody:
    """The current version of the law book."""
    async with core.store.reading.connect() as connection:
        return BookVersionBody(lawbook_version=await item_queries.book_version(connection))


@router.get("/changes")
async def changes(core: CoreDep, after: AfterPosition = "", limit: Limit = 100) -> ChangePage:
    """The changes of the law book after its version `after`, in order."""
    async with core.store.reading.connect() as connection:
        rows = await item_queries.changes(connection, int(after or 0), limit + 1)
    page, following = cut(rows, limit, lambda row: row[0].lawbook_version)
    return ChangePage(changes=[_change(edition, items) for edition, items in page], next=following)


@router.get("/{kind}")
async def items(
    kind: ItemKind,
    core: CoreDep,
    region: Annotated[str | None, Query(description="Issued for this region (six digits)")] = None,
    domain: Annotated[str | None, Query(description="Holds in this domain; of measures, policies and domains")] = None,
    unconfirmed: Annotated[
        bool, Query(description="Only items with example settings that are not confirmed yet")
    ] = False,
    after: After = "",
    limit: Limit = 100,
) -> ItemPage:
    """The newest version of each item of a kind, by id."""
    _filter_fits(kind, region, domain)
    async with core.store.reading.connect() as connection:
        rows = await item_queries.current(connection, kind, ItemFilter(region, domain, unconfirmed), after, limit + 1)
        book_version = await item_queries.book_version(connection)
    page, following = cut(rows, limit, lambda edition: identity(edition.item))
    return ItemPage(items=[item_body(edition.item) for edition in page], next=following, lawbook_version=book_version)


@router.get("/{kind}/{item_id}")
async def item(
    kind: ItemKind,
    item_id: str,
    core: CoreDep,
    version: Annotated[int | None, Query(ge=1, description="Its version; the newest unless given")] = None,
) -> ItemBody:
    """One item, with later retirements and confirmations of that version."""
    found = item_queries.in_version(await _editions(core, kind, item_id), version)
    if found is None:
        raise reject("unknown_id", "query.version")
    return item_body(found.item)


@router.get("/{kind}/{item_id}/versions")
async def versions(kind: ItemKind, item_id: str, core: CoreDep) -> EditionsBody:
    """All editions of an item, oldest first: as published, retired and confirmed."""
    found = await _editions(core, kind, item_id)
    return EditionsBody(editions=[EditionBody.of(edition) for edition in found])


def _change(edition: Edition, items: int) -> ChangeBody:
    return ChangeBody.of(edition, items=items)


async def _editions(core: CoreDep, kind: ItemKind, item_id: str) -> list[Edition]:
    async with core.store.reading.connect() as connection:
        found = await item_queries.editions(connection, kind, item_id)
    if not found:
        raise reject("unknown_id", "path.item_id")
    return found


_BY_REGION = frozenset({ItemKind.DEPARTMENTS, ItemKind.MEMORANDA, ItemKind.MEASURES, ItemKind.LISTS, ItemKind.POLICIES})
_BY_DOMAIN = frozenset({ItemKind.DOMAINS, ItemKind.MEASURES, ItemKind.POLICIES})


def _filter_fits(kind: ItemKind, region: str | None, domain: str | None) -> None:
    """Refuse a filter that the kind does not have: a list that ignores it would look complete."""
    if region is not None and kind not in _BY_REGION:
        raise reject("filter_not_for_kind", "query.region", kind=kind.value)
    if domain is not None and kind not in _BY_DOMAIN:
        raise reject("filter_not_for_kind", "query.domain", kind=kind.value)
