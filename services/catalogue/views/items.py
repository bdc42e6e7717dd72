"""The law book by kind, id and version: every edition of every item, as it was published, retired or confirmed.

An edition tells the item as it stands after that change of the book. The newest edition of the highest version of an item is
the one that holds; nothing is flagged and nothing is changed.
"""

from collections.abc import Iterable, Sequence
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
    SmallInteger,
    Table,
    Text,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.schema import METADATA
from shared.contracts.lawbook import Domain, ItemKind, Measure
from shared.contracts.lawbook_events import ItemRetired, LawbookChange, LawbookEvent, SettingsConfirmed
from shared.contracts.policy import Policy
from shared.database import RawJson, insert_rows
from shared.eventstore import Recorded
from shared.lawbook.effect import confirmed, open_settings, retired
from shared.lawbook.items import SHAPES, Item, identity, items_of, kind_of, version_of

ITEMS = Table(
    "items",
    METADATA,
    Column("lawbook_version", BigInteger, autoincrement=False),
    Column("nth", SmallInteger, server_default="0", autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("version", Integer),
    Column("region", Text),
    Column("instrument_id", Text),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("body", RawJson, nullable=False),
    Column("change", Text, nullable=False, server_default="published"),
    Column("said", Text),
    Column("unconfirmed", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("lawbook_version", "nth"),
    Index(None, "kind", "item_id", "lawbook_version"),
)
"""`version` is the item's own (none of what has no versions); `region` is not that of measures: their instrument's is.

`nth` counts the items of one change: regions come in numbers. `unconfirmed`: how many settings somebody must confirm.
"""

ITEM_DOMAINS = Table(
    "item_domains",
    METADATA,
    Column("lawbook_version", BigInteger, autoincrement=False),
    Column("domain_id", Text, nullable=False),
    PrimaryKeyConstraint("lawbook_version", "domain_id"),
)
"""The domains that an edition names; one that names none holds in every domain."""


class Change(StrEnum):
    """What made an edition."""

    PUBLISHED = "published"
    RETIRED = "retired"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of an item, and when and by what it came about."""

    lawbook_version: int
    item: Item
    published_at: datetime
    change: Change = Change.PUBLISHED
    said: str | None = None
    """The reason of a retirement, the note of a confirmation."""

    @property
    def kind(self) -> ItemKind:
        return kind_of(self.item)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to: what was issued for a region (six digits), what holds in a domain, what is unconfirmed."""

    region: str | None = None
    domain: str | None = None
    unconfirmed: bool = False


# --- folding

_Key = tuple[str, str, int | None]


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Three statements at most, whatever the number of events."""
    changes = [(recorded, cast("LawbookChange", recorded.event)) for recorded in events if _of_book(recorded)]
    known = await _known(connection, changes)
    made = [edition for recorded, change in changes for edition in _made(known, recorded, change)]
    await insert_rows(connection, ITEMS, [_row(edition, nth) for nth, edition in _numbered(made)])
    domains = [
        {"lawbook_version": edition.lawbook_version, "domain_id": domain}
        for edition in made
        for domain in sorted(_domains(edition.item))
    ]
    await insert_rows(connection, ITEM_DOMAINS, domains)


def _of_book(recorded: Recorded) -> bool:
    return isinstance(recorded.event, LawbookEvent)


async def _known(connection: AsyncConnection, changes: Sequence[tuple[Recorded, LawbookChange]]) -> dict[_Key, Edition]:
    """The newest editions of the items about which something is said."""
    about = {(c.kind.value, c.item_id) for _, c in changes if isinstance(c, ItemRetired | SettingsConfirmed)}
    if not about:
        return {}
    query = select(ITEMS).where(tuple_(ITEMS.c.kind, ITEMS.c.item_id).in_(about)).order_by(ITEMS.c.lawbook_version)
    return {_key(edition.item): edition for edition in await _editions(connection, query)}


def _key(item: Item) -> _Key:
    return kind_of(item).value, identity(item), version_of(item)


def _made(known: dict[_Key, Edition], recorded: Recorded, change: LawbookChange) -> list[Edition]:
    """The editions that a change makes; `known` learns them."""
    version, at = change.lawbook_version, recorded.effective_at
    match change:
        case ItemRetired():
            old = _latest(known, change.kind, change.item_id)
            item = retired(old.item, change.last_day)
            made = [Edition(version, item, at, Change.RETIRED, change.reason)]
        case SettingsConfirmed():
            old = known[change.kind.value, change.item_id, change.item_version]
            item = confirmed(old.item, change.settings)
            made = [Edition(version, item, at, Change.CONFIRMED, change.note)]
        case _:
            made = [Edition(version, item, at) for item in items_of(change)]
    known.update({_key(edition.item): edition for edition in made})
    return made


def _latest(known: dict[_Key, Edition], kind: ItemKind, item_id: str) -> Edition:
    versions = [edition for key, edition in known.items() if key[:2] == (kind.value, item_id)]
    return max(versions, key=lambda edition: version_of(edition.item) or 0)


def _numbered(editions: Iterable[Edition]) -> list[tuple[int, Edition]]:
    numbered: list[tuple[int, Edition]] = []
    for edition in editions:
        follows = bool(numbered) and numbered[-1][1].lawbook_version == edition.lawbook_version
        numbered.append((numbered[-1][0] + 1 if follows else 0, edition))
    return numbered


def _row(edition: Edition, nth: int) -> dict[str, Any]:
    item = edition.item
    return {
        "lawbook_version": edition.lawbook_version,
        "nth": nth,
        "kind": edition.kind.value,
        "item_id": identity(item),
        "version": version_of(item),
        "region": getattr(item, "region", None),
        "instrument_id": item.instrument_id if isinstance(item, Measure) else None,
        "published_at": edition.published_at,
        "body": item.model_dump_json(),
        "change": edition.change.value,
        "said": edition.said,
        "unconfirmed": len(open_settings(item)),
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


# --- asking


async def book_version(connection: AsyncConnection) -> int:
    """How many changes the law book has; 0 when it is empty."""
    return await connection.scalar(select(func.max(ITEMS.c.lawbook_version))) or 0


async def current(
    connection: AsyncConnection, kind: ItemKind, wanted: Wanted, after: str | None, limit: int
) -> list[Edition]:
    """The newest edition of each item of a kind, by id, those behind `after`."""
    newest = (
        select(ITEMS)
        .where(ITEMS.c.kind == kind.value)
        .ext(distinct_on(ITEMS.c.item_id))
        .order_by(ITEMS.c.item_id, ITEMS.c.version.desc(), ITEMS.c.lawbook_version.desc())
        .subquery("newest")
    )
    query = select(newest).order_by(newest.c.item_id).limit(limit)
    if after is not None:
        query = query.where(newest.c.item_id > after)
    return await _editions(connection, _narrowed(query, newest, kind, wanted))


def _narrowed(query: Select[Any], newest: Any, kind: ItemKind, wanted: Wanted) -> Select[Any]:
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
    """Every version of every item of a kind as it was published, by id and version, those behind `after`."""
    version = func.coalesce(ITEMS.c.version, 0)
    query = (
        select(ITEMS)
        .where(ITEMS.c.kind == kind.value, ITEMS.c.change == Change.PUBLISHED.value)
        .where(tuple_(ITEMS.c.item_id, version) > tuple_(*map(literal, after)))
        .ext(distinct_on(ITEMS.c.item_id, version))
        .order_by(ITEMS.c.item_id, version, ITEMS.c.lawbook_version.desc())
        .limit(limit)
    )
    return await _editions(connection, query)


async def retirements(connection: AsyncConnection) -> list[Edition]:
    """What has ended, and has not been published again since; by the order in which that was said."""
    later = ITEMS.alias("later")
    again = select(later.c.item_id).where(
        later.c.kind == ITEMS.c.kind,
        later.c.item_id == ITEMS.c.item_id,
        later.c.lawbook_version > ITEMS.c.lawbook_version,
        later.c.change == Change.PUBLISHED.value,
    )
    query = select(ITEMS).where(ITEMS.c.change == Change.RETIRED.value, ~again.exists())
    return await _editions(connection, query.order_by(ITEMS.c.lawbook_version))


async def unconfirmed(connection: AsyncConnection) -> dict[ItemKind, int]:
    """How many items of each kind have settings that somebody must confirm."""
    newest = (
        select(ITEMS.c.kind, ITEMS.c.unconfirmed)
        .ext(distinct_on(ITEMS.c.kind, ITEMS.c.item_id))
        .order_by(ITEMS.c.kind, ITEMS.c.item_id, ITEMS.c.version.desc(), ITEMS.c.lawbook_version.desc())
        .subquery("newest")
    )
    query = select(newest.c.kind, func.count()).where(newest.c.unconfirmed > 0).group_by(newest.c.kind)
    return {ItemKind(kind): count for kind, count in await connection.execute(query)}


async def editions(connection: AsyncConnection, kind: ItemKind, item_id: str) -> list[Edition]:
    """All editions of an item, oldest first; none when the book does not have it."""
    query = select(ITEMS).where(ITEMS.c.kind == kind.value, ITEMS.c.item_id == item_id)
    return await _editions(connection, query.order_by(ITEMS.c.lawbook_version))


def in_version(editions: Sequence[Edition], version: int | None) -> Edition | None:
    """The newest edition of that version, or of the latest one."""
    found = [edition for edition in editions if version in (None, version_of(edition.item))]
    return max(found, key=lambda edition: (version_of(edition.item) or 0, edition.lawbook_version), default=None)


async def changes(connection: AsyncConnection, after: int, limit: int) -> list[tuple[Edition, int]]:
    """What entered the book behind a version of it, in order, with the number of items that came with it (row 4)."""
    together = select(ITEMS.c.lawbook_version, func.count().label("items")).group_by(ITEMS.c.lawbook_version)
    together = together.where(ITEMS.c.lawbook_version > after).subquery("together")
    query = (
        select(ITEMS, together.c["items"])
        .join(together, together.c.lawbook_version == ITEMS.c.lawbook_version)
        .where(ITEMS.c.nth == 0)
        .order_by(ITEMS.c.lawbook_version)
        .limit(limit)
    )
    return [(_edition(row), row._mapping["items"]) for row in await connection.execute(query)]


async def _editions(connection: AsyncConnection, query: Select[Any]) -> list[Edition]:
    return [_edition(row) for row in await connection.execute(query)]


def _edition(row: Any) -> Edition:
    item = SHAPES[ItemKind(row.kind)].model.model_validate_json(row.body)
    return Edition(row.lawbook_version, item, row.published_at, Change(row.change), row.said)
