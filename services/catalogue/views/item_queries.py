"""Queries of the law book by item: the current items, editions, retirements, changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.views.items import ITEM_DOMAINS, ITEMS, Change, Edition, read_edition, read_editions
from shared.contracts.lawbook import ItemKind
from shared.lawbook.items import version_of


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """The filters of a list of items; None means every item."""

    region: str | None = None
    """Issued for this region (six digits)."""
    domain: str | None = None
    """Holds in this domain."""
    unconfirmed: bool = False
    """Has example settings that must still be confirmed."""


async def book_version(connection: AsyncConnection) -> int:
    """The current version of the law book: the number of its changes, 0 when it is empty."""
    return await connection.scalar(select(func.max(ITEMS.c.lawbook_version))) or 0


async def current(
    connection: AsyncConnection, kind: ItemKind, wanted: ItemFilter, after: str, limit: int
) -> list[Edition]:
    """The current edition of each item of a kind, by id, after the id `after`."""
    newest = (
        select(ITEMS)
        .where(ITEMS.c.kind == kind.value)
        .ext(distinct_on(ITEMS.c.item_id))
        .order_by(ITEMS.c.item_id, ITEMS.c.version.desc(), ITEMS.c.lawbook_version.desc())
        .subquery("newest")
    )
    query = select(newest).order_by(newest.c.item_id).limit(limit)
    if after:
        query = query.where(newest.c.item_id > after)
    return await read_editions(connection, _filtered(query, newest, kind, wanted))


def _filtered(query: Select[Any], newest: Any, kind: ItemKind, wanted: ItemFilter) -> Select[Any]:
    if wanted.region is not None and kind is ItemKind.MEASURES:
        of_region = select(ITEMS.c.item_id).where(
            ITEMS.c.kind == ItemKind.MEMORANDA.value, ITEMS.c.region == wanted.region
        )
        query = query.where(newest.c.instrument_id.in_(of_region))
    elif wanted.region is not None:
        query = query.where(newest.c.region == wanted.region)
    if wanted.domain is not None:
        named = select(ITEM_DOMAINS.c.domain_id).where(ITEM_DOMAINS.c.lawbook_version == newest.c.lawbook_version)
        query = query.where(named.where(ITEM_DOMAINS.c.domain_id == wanted.domain).exists() | ~named.exists())
    return query.where(newest.c.unconfirmed > 0) if wanted.unconfirmed else query


async def as_published(
    connection: AsyncConnection, kind: ItemKind, after: tuple[str, int], limit: int
) -> list[Edition]:
    """Every version of every item of a kind as published, by id and version, after the id and version `after`."""
    version = func.coalesce(ITEMS.c.version, 0)
    query = (
        select(ITEMS)
        .where(ITEMS.c.kind == kind.value, ITEMS.c.change == Change.PUBLISHED.value)
        .where(tuple_(ITEMS.c.item_id, version) > tuple_(*map(literal, after)))
        .ext(distinct_on(ITEMS.c.item_id, version))
        .order_by(ITEMS.c.item_id, version, ITEMS.c.lawbook_version.desc())
        .limit(limit)
    )
    return await read_editions(connection, query)


async def retirements(connection: AsyncConnection) -> list[Edition]:
    """The retired items that were not published again since, in order of retirement."""
    later = ITEMS.alias("later")
    republished = select(later.c.item_id).where(
        later.c.kind == ITEMS.c.kind,
        later.c.item_id == ITEMS.c.item_id,
        later.c.lawbook_version > ITEMS.c.lawbook_version,
        later.c.change == Change.PUBLISHED.value,
    )
    query = select(ITEMS).where(ITEMS.c.change == Change.RETIRED.value, ~republished.exists())
    return await read_editions(connection, query.order_by(ITEMS.c.lawbook_version))


async def unconfirmed(connection: AsyncConnection) -> dict[ItemKind, int]:
    """How many items of each kind have example settings that must still be confirmed."""
    newest = (
        select(ITEMS.c.kind, ITEMS.c.unconfirmed)
        .ext(distinct_on(ITEMS.c.kind, ITEMS.c.item_id))
        .order_by(ITEMS.c.kind, ITEMS.c.item_id, ITEMS.c.version.desc(), ITEMS.c.lawbook_version.desc())
        .subquery("newest")
    )
    query = select(newest.c.kind, func.count()).where(newest.c.unconfirmed > 0).group_by(newest.c.kind)
    return {ItemKind(kind): count for kind, count in await connection.execute(query)}


async def editions(connection: AsyncConnection, kind: ItemKind, item_id: str) -> list[Edition]:
    """All editions of an item, oldest first; empty when the book does not have it."""
    query = select(ITEMS).where(ITEMS.c.kind == kind.value, ITEMS.c.item_id == item_id)
    return await read_editions(connection, query.order_by(ITEMS.c.lawbook_version))


def in_version(editions: Sequence[Edition], version: int | None) -> Edition | None:
    """The newest edition of this version, or of the latest one when `version` is None. None when there is no such version."""
    found = [edition for edition in editions if version in (None, version_of(edition.item))]
    return max(found, key=lambda edition: (version_of(edition.item) or 0, edition.lawbook_version), default=None)


async def changes(connection: AsyncConnection, after: int, limit: int) -> list[tuple[Edition, int]]:
    """The changes of the book after its version `after`, in order: the first edition of each, and how many it has (row 4)."""
    sizes = select(ITEMS.c.lawbook_version, func.count().label("items")).group_by(ITEMS.c.lawbook_version)
    sizes = sizes.where(ITEMS.c.lawbook_version > after).subquery("sizes")
    query = (
        select(ITEMS, sizes.c["items"])
        .join(sizes, sizes.c.lawbook_version == ITEMS.c.lawbook_version)
        .where(ITEMS.c.nth == 0)
        .order_by(ITEMS.c.lawbook_version)
        .limit(limit)
    )
    return [(read_edition(row), row._mapping["items"]) for row in await connection.execute(query)]
