"""The law book by kind, id and version: every edition of every item, as published, retired or confirmed.

An edition is the item after one change of the book. The newest edition of the highest version of an item is the current one.
Rows are only added, never changed. The queries are in item_queries.py.
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
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.schema import METADATA
from shared.contracts.lawbook import (
    Domain,
    ItemKind,
    Measure,
)
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
"""`version`: of the item; null for kinds without versions. `region`: null for measures, which have that of their instrument.

`nth` counts the items of one change: regions are published many at a time. `said`: the reason of a retirement, the note of a
confirmation. `unconfirmed`: how many example settings must still be confirmed.
"""

ITEM_DOMAINS = Table(
    "item_domains",
    METADATA,
    Column("lawbook_version", BigInteger, autoincrement=False),
    Column("domain_id", Text, nullable=False),
    PrimaryKeyConstraint("lawbook_version", "domain_id"),
)
"""The domains that an edition names. An edition that names none holds in every domain."""


class Change(StrEnum):
    """The change of the book that an edition belongs to."""

    PUBLISHED = "published"
    RETIRED = "retired"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of an item, with its time and its change."""

    lawbook_version: int
    item: Item
    published_at: datetime
    change: Change = Change.PUBLISHED
    said: str | None = None
    """The reason of a retirement, the note of a confirmation."""

    @property
    def kind(self) -> ItemKind:
        return kind_of(self.item)


# --- projection ------------------------------------------------------------------------------------------------------

_Key = tuple[str, str, int | None]


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Add the editions of these events. Three statements at most, whatever the number of events."""
    changes = [(recorded, cast("LawbookChange", recorded.event)) for recorded in events if _of_book(recorded)]
    known = await _known(connection, changes)
    added = [edition for recorded, change in changes for edition in _editions_of(known, recorded, change)]
    await insert_rows(connection, ITEMS, [_row(edition, nth) for nth, edition in _numbered(added)])
    domains = [
        {"lawbook_version": edition.lawbook_version, "domain_id": domain}
        for edition in added
        for domain in sorted(_domains(edition.item))
    ]
    await insert_rows(connection, ITEM_DOMAINS, domains)


def _of_book(recorded: Recorded) -> bool:
    return isinstance(recorded.event, LawbookEvent)


async def _known(connection: AsyncConnection, changes: Sequence[tuple[Recorded, LawbookChange]]) -> dict[_Key, Edition]:
    """The newest edition of each version of the items that are retired or confirmed."""
    about = {(c.kind.value, c.item_id) for _, c in changes if isinstance(c, ItemRetired | SettingsConfirmed)}
    if not about:
        return {}
    query = select(ITEMS).where(tuple_(ITEMS.c.kind, ITEMS.c.item_id).in_(about)).order_by(ITEMS.c.lawbook_version)
    return {_key(edition.item): edition for edition in await read_editions(connection, query)}


def _key(item: Item) -> _Key:
    return kind_of(item).value, identity(item), version_of(item)


def _editions_of(known: dict[_Key, Edition], recorded: Recorded, change: LawbookChange) -> list[Edition]:
    """The editions that a change adds. They are added to `known` too, for later changes of the same batch."""
    version, at = change.lawbook_version, recorded.effective_at
    match change:
        case ItemRetired():
            old = _latest(known, change.kind, change.item_id)
            item = retired(old.item, change.last_day)
            editions = [Edition(version, item, at, Change.RETIRED, change.reason)]
        case SettingsConfirmed():
            old = known[change.kind.value, change.item_id, change.item_version]
            item = confirmed(old.item, change.settings)
            editions = [Edition(version, item, at, Change.CONFIRMED, change.note)]
        case _:
            editions = [Edition(version, item, at) for item in items_of(change)]
    known.update({_key(edition.item): edition for edition in editions})
    return editions


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


# --- reading ---------------------------------------------------------------------------------------------------------


async def read_editions(connection: AsyncConnection, query: Select[Any]) -> list[Edition]:
    """The editions that a query on `items` selects."""
    return [read_edition(row) for row in await connection.execute(query)]


def read_edition(row: Any) -> Edition:
    """An edition from a row of `items`."""
    item = SHAPES[ItemKind(row.kind)].model.model_validate_json(row.body)
    return Edition(row.lawbook_version, item, row.published_at, Change(row.change), row.said)
