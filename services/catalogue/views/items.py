"""The law book by kind, id and version: every edition of every item, as it was published.

The newest edition of an item is the one with the highest law book version; nothing is flagged and nothing is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.domain import Item, identity, item_of, version_of
from services.catalogue.views.schema import METADATA
from shared.contracts.lawbook import Department, Domain, Instrument, LawbookChange, Measure, Policy
from shared.database import RawJson, insert_rows
from shared.eventstore import Recorded


class Kind(StrEnum):
    """The five parts of the law book, by their addresses. A memorandum (合作备忘录) stands for every instrument."""

    DEPARTMENTS = "departments"
    DOMAINS = "domains"
    MEMORANDA = "memoranda"
    MEASURES = "measures"
    POLICIES = "policies"


_MODELS: dict[Kind, type[Item]] = {
    Kind.DEPARTMENTS: Department,
    Kind.DOMAINS: Domain,
    Kind.MEMORANDA: Instrument,
    Kind.MEASURES: Measure,
    Kind.POLICIES: Policy,
}
_KINDS = {model: kind for kind, model in _MODELS.items()}

ITEMS = Table(
    "items",
    METADATA,
    Column("lawbook_version", BigInteger, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("version", Integer),
    Column("region", Text),
    Column("instrument_id", Text),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("body", RawJson, nullable=False),
    PrimaryKeyConstraint("lawbook_version"),
    Index(None, "kind", "item_id", "lawbook_version"),
)
"""`version` is the item's own (none of departments and domains); `region` is not that of measures: their instrument's is."""

ITEM_DOMAINS = Table(
    "item_domains",
    METADATA,
    Column("lawbook_version", BigInteger, autoincrement=False),
    Column("domain_id", Text, nullable=False),
    PrimaryKeyConstraint("lawbook_version", "domain_id"),
)
"""The domains that an edition names; one that names none holds in every domain."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of an item, and when it entered the book."""

    lawbook_version: int
    kind: Kind
    item: Item
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to: what was issued for a region (six digits), what holds in a domain."""

    region: str | None = None
    domain: str | None = None


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Two statements, whatever the number of events."""
    changes = [(recorded, cast("LawbookChange", recorded.event)) for recorded in events]
    await insert_rows(connection, ITEMS, [_row(recorded, change) for recorded, change in changes])
    domains = [
        {"lawbook_version": change.lawbook_version, "domain_id": domain}
        for _, change in changes
        for domain in sorted(_domains(item_of(change)))
    ]
    await insert_rows(connection, ITEM_DOMAINS, domains)


def _row(recorded: Recorded, change: LawbookChange) -> dict[str, Any]:
    item = item_of(change)
    return {
        "lawbook_version": change.lawbook_version,
        "kind": _KINDS[type(item)].value,
        "item_id": identity(item),
        "version": version_of(item),
        "region": None if isinstance(item, Domain | Measure) else item.region,
        "instrument_id": item.instrument_id if isinstance(item, Measure) else None,
        "published_at": recorded.effective_at,
        "body": item.model_dump_json(),
    }


def _domains(item: Item) -> set[str]:
    match item:
        case Measure():
            return set(item.target.domains)
        case Policy():
            return set(item.domains)
        case Domain():
            return {item.domain_id}
        case _:
            return set()


async def book_version(connection: AsyncConnection) -> int:
    """How many changes the law book has; 0 when it is empty."""
    return await connection.scalar(select(func.max(ITEMS.c.lawbook_version))) or 0


async def current(
    connection: AsyncConnection, kind: Kind, wanted: Wanted, after: str | None, limit: int
) -> list[Edition]:
    """The newest edition of each item of a kind, by id, those behind `after`."""
    newest = (
        select(ITEMS)
        .where(ITEMS.c.kind == kind.value)
        .ext(distinct_on(ITEMS.c.item_id))
        .order_by(ITEMS.c.item_id, ITEMS.c.lawbook_version.desc())
        .subquery("newest")
    )
    query = select(newest).order_by(newest.c.item_id).limit(limit)
    if after is not None:
        query = query.where(newest.c.item_id > after)
    return await _editions(connection, _narrowed(query, newest, kind, wanted))


def _narrowed(query: Select[Any], newest: Any, kind: Kind, wanted: Wanted) -> Select[Any]:
    if wanted.region is not None and kind is Kind.MEASURES:
        of_region = select(ITEMS.c.item_id).where(ITEMS.c.kind == Kind.MEMORANDA.value, ITEMS.c.region == wanted.region)
        query = query.where(newest.c.instrument_id.in_(of_region))
    elif wanted.region is not None and kind is not Kind.DOMAINS:
        query = query.where(newest.c.region == wanted.region)
    if wanted.domain is not None and kind in (Kind.MEASURES, Kind.POLICIES, Kind.DOMAINS):
        named = select(ITEM_DOMAINS.c.domain_id).where(ITEM_DOMAINS.c.lawbook_version == newest.c.lawbook_version)
        query = query.where(named.where(ITEM_DOMAINS.c.domain_id == wanted.domain).exists() | ~named.exists())
    return query


async def editions(connection: AsyncConnection, kind: Kind, item_id: str) -> list[Edition]:
    """All editions of an item, oldest first; none when the book does not have it."""
    query = select(ITEMS).where(ITEMS.c.kind == kind.value, ITEMS.c.item_id == item_id)
    return await _editions(connection, query.order_by(ITEMS.c.lawbook_version))


async def changes(connection: AsyncConnection, after: int, limit: int) -> list[Edition]:
    """What entered the book behind a version of it, in order: how two editions of the book differ (row 4)."""
    query = select(ITEMS).where(ITEMS.c.lawbook_version > after)
    return await _editions(connection, query.order_by(ITEMS.c.lawbook_version).limit(limit))


async def _editions(connection: AsyncConnection, query: Select[Any]) -> list[Edition]:
    rows = await connection.execute(query)
    return [
        Edition(
            row.lawbook_version, Kind(row.kind), _MODELS[Kind(row.kind)].model_validate_json(row.body), row.published_at
        )
        for row in rows
    ]
