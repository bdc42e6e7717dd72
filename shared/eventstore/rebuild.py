"""Making read models anew, live: into new tables beside the old, switched in one transaction; resumable; no side effects.

The new tables stand under the same names in a schema of their own. The very projections that keep the live tables fill them,
on connections whose search path names that schema first: nothing else of theirs is written, no event, no timer, no outbox.
They fold what this service has stored, never Kafka, and nothing is decided anew. A projection may say which events it `reads`:
it then folds their bodies as they are stored, here and live, never sees others, and a rebuild leaves those in the database.

Rounds: each reads up to a bound that was read under `LOCK TABLE … IN SHARE MODE`, so that no transaction with a lower position
is still under way. Rounds get shorter; the last one holds the lock through the switch. A position that is uncommitted while a
round begins is therefore never left behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from shared.contracts.event import Event
from shared.database import connect, is_outage
from shared.eventstore import EventStore, Projection, Recorded
from shared.eventstore.schema import EVENTS, NAMING

SCHEMA = "rebuilding"
"""Where the new tables stand until the switch."""

SHORT_ENOUGH = 2_000
"""Positions that may be left for the last round, which holds the lock."""

FOR_QUESTIONS = {"built": "last"}
"""The `info` of an index by which no projection looks for rows: it is made when the new table is full, in one go."""

_INDEX_SECONDS = 3_600

PROGRESS = Table(
    "rebuild_progress",
    MetaData(schema=SCHEMA),
    Column("source", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)


class Source(Protocol):
    """A table of this service from which read models are folded, in the order of one of its columns."""

    @property
    def table(self) -> Table:
        """What is locked while a bound is read."""
        ...

    async def end(self, connection: AsyncConnection) -> int:
        """The last position now."""
        ...

    async def fold(self, connection: AsyncConnection, after: int, upto: int) -> int:
        """Project the next chunk of positions above `after`; the last position that it took, `upto` when none is left."""
        ...


class Stored(NamedTuple):
    """An event as it is stored: its type, and its body in JSON."""

    type: str
    body: str


class FromBodies(Protocol):
    """A projection that folds bodies as they are stored."""

    async def __call__(self, connection: AsyncConnection, stored: Sequence[Stored], /) -> None: ...


@dataclass(frozen=True)
class Reading:
    """A projection that sees the bodies of some types only, live as in a rebuild, where nothing else is made of them."""

    project: FromBodies
    types: frozenset[str]

    async def __call__(self, connection: AsyncConnection, events: Sequence[Recorded], /) -> None:
        if wanted := [Stored(kind, one.body) for one in events if (kind := one.event.TYPE) in self.types]:
            await self.project(connection, wanted)

    async def fold(self, connection: AsyncConnection, stored: Sequence[Stored]) -> None:
        if wanted := [one for one in stored if one.type in self.types]:
            await self.project(connection, wanted)


def reads(*types: type[Event]) -> Callable[[FromBodies], Reading]:
    """Say which events a projection reads. Their bodies fit their types: they were written by the types themselves."""
    return lambda project: Reading(project, frozenset(kind.TYPE for kind in types))


@dataclass(frozen=True, slots=True)
class Chunk:
    """What folds a chunk, and the position up to which it is complete."""

    fold: Callable[[AsyncConnection], Awaitable[None]]
    last: int


@dataclass(frozen=True)
class OwnEvents:
    """The service's own events, folded by its projections."""

    store: EventStore
    projections: Sequence[Projection]
    at_once: int = 2_000

    @property
    def table(self) -> Table:
        return EVENTS

    async def end(self, connection: AsyncConnection) -> int:
        return await connection.scalar(select(func.max(EVENTS.c.position))) or 0

    async def fold(self, connection: AsyncConnection, after: int, upto: int) -> int:
        chunk = await self.read(connection, after, upto)
        await chunk.fold(connection)
        return chunk.last

    async def read(self, connection: AsyncConnection, after: int, upto: int) -> Chunk:
        """The next chunk; it may be read on another connection than it is folded on."""
        if len(self._readings) < len(self.projections):
            return await self._whole(connection, after, upto)
        driver: Any = (await connection.get_raw_connection()).driver_connection
        # Through the driver: rows of SQLAlchemy would cost more than all that is made of them.
        rows = await driver.fetch(_BODIES, after, upto, self._passed_over, self.at_once)
        stored = [self._stored(kind, body) for _, kind, body in rows]

        async def fold(target: AsyncConnection) -> None:
            for reading in self._readings:
                await reading.fold(target, stored)

        return Chunk(fold, rows[-1][0] if len(rows) == self.at_once else upto)

    async def _whole(self, connection: AsyncConnection, after: int, upto: int) -> Chunk:
        query = (
            select(EVENTS)
            .where(EVENTS.c.position > after, EVENTS.c.position <= upto)
            .order_by(EVENTS.c.position)
            .limit(self.at_once)
        )
        events = [self.store.recorded(row) for row in await connection.execute(query)]

        async def fold(target: AsyncConnection) -> None:
            for project in self.projections:
                if events:
                    await project(target, events)

        return Chunk(fold, events[-1].position if len(events) == self.at_once else upto)

    def _stored(self, kind: str, body: str) -> Stored:
        """As it is today: an old version is brought up to date. Raises UnknownEventType, like any reader of it."""
        if kind in self.store.vocabulary.models:
            return Stored(kind, body)
        event = self.store.vocabulary.decode(kind, body)
        return Stored(event.TYPE, event.model_dump_json())

    @cached_property
    def _readings(self) -> list[Reading]:
        return [project for project in self.projections if isinstance(project, Reading)]

    @cached_property
    def _passed_over(self) -> list[str]:
        """Types that no projection reads. An old version, or a type that is not known here, is never passed over."""
        read = frozenset[str]().union(*(reading.types for reading in self._readings))
        return sorted(self.store.vocabulary.models.keys() - read)


_BODIES = """
    SELECT position, type, data FROM public.events
    WHERE position > $1 AND position <= $2 AND type <> ALL($3::text[]) ORDER BY position LIMIT $4
"""


@dataclass(frozen=True)
class Progress:
    """How far a rebuild is: positions folded of those there are."""

    done: int
    of: int


Report = Callable[[Progress], None]


class Rebuild:
    """Rebuilds the read models `tables` of one service. `url` is its database."""

    def __init__(self, url: str, tables: Sequence[Table], sources: Sequence[Source], report: Report) -> None:
        self._engine = _aside(url)
        self._tables = tables
        self._sources = {source.table.name: source for source in sources}
        self._report = report

    async def run(self) -> int:
        """Rebuild and switch; how many positions were folded. A rebuild that was broken off is taken up where it stood."""
        try:
            await self._begin()
            while await self._round() > SHORT_ENOUGH:
                pass
            await self._index()
            while await self._round() > SHORT_ENOUGH:  # what came while indexes were made
                pass
            return await self._last_round()
        finally:
            await self._engine.dispose()

    async def abandon(self) -> None:
        """Forget a rebuild that was broken off, with its tables."""
        async with self._engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        await self._engine.dispose()

    async def _begin(self) -> None:
        """The new tables, empty, unless an earlier rebuild left them half filled."""
        async with self._engine.begin() as connection:
            if await connection.scalar(select(func.to_regclass(f"{SCHEMA}.{PROGRESS.name}"))) is not None:
                return
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            beside = self._beside()
            for index in _built_last(self._tables, beside):
                index.table.indexes.discard(index)  # type: ignore[union-attr] - a table of ours
            await connection.run_sync(beside.create_all)
            await connection.run_sync(PROGRESS.create)

    def _beside(self) -> MetaData:
        beside = MetaData(naming_convention=NAMING)
        for table in self._tables:
            table.to_metadata(beside, schema=SCHEMA)
        return beside

    async def _index(self) -> None:
        """The indexes that were left for the end, and what the planner wants to know of full tables."""
        beside = self._beside()
        for index in _built_last(self._tables, beside):
            await self._unhurried(str(CreateIndex(index, if_not_exists=True).compile(dialect=postgresql.dialect())))
        for table in beside.tables:
            await self._unhurried(f"ANALYZE {table}")

    async def _unhurried(self, statement: str) -> None:
        """A statement that may take longer than others do."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(statement, timeout=_INDEX_SECONDS)

    async def _round(self) -> int:
        """Fold up to a bound; how far the bound had moved from where this rebuild stood."""
        async with self._engine.begin() as connection:
            bounds = await self._bounds(connection)
            stands = await self._stands(connection)
        for name, bound in bounds.items():
            await self._fold(name, stands.get(name, 0), bound)
        return sum(bound - stands.get(name, 0) for name, bound in bounds.items())

    async def _bounds(self, connection: AsyncConnection) -> dict[str, int]:
        """The last positions, read when no transaction that took a lower one is under way."""
        for name in sorted(self._sources):
            await connection.execute(text(f"LOCK TABLE public.{name} IN SHARE MODE"))
        return {name: await source.end(connection) for name, source in self._sources.items()}

    async def _stands(self, connection: AsyncConnection) -> dict[str, int]:
        return {row.source: row.position for row in await connection.execute(select(PROGRESS))}

    async def _fold(self, name: str, position: int, bound: int) -> None:
        """A transaction a chunk, with the progress in it: what was folded is not folded again after a kill."""
        source = self._sources[name]
        if isinstance(source, OwnEvents):
            await self._fold_ahead(source, position, bound)
            return
        while position < bound:
            async with self._engine.begin() as connection:
                position = await self._chunk(connection, name, position, bound)
            self._report(Progress(position, bound))

    async def _fold_ahead(self, source: OwnEvents, position: int, bound: int) -> None:
        """While the database writes a chunk, the next is read: all up to the bound is committed and stays as it is."""
        async with self._engine.connect() as beside:
            reader = await beside.execution_options(isolation_level="AUTOCOMMIT")
            coming = asyncio.ensure_future(source.read(reader, position, bound))
            try:
                while position < bound:
                    chunk = await coming
                    if chunk.last < bound:
                        coming = asyncio.ensure_future(source.read(reader, chunk.last, bound))
                    async with self._engine.begin() as connection:
                        await connection.execute(_NO_HURRY)
                        await chunk.fold(connection)
                        await self._reached(connection, source.table.name, chunk.last)
                    position = chunk.last
                    self._report(Progress(position, bound))
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _chunk(self, connection: AsyncConnection, name: str, position: int, bound: int) -> int:
        last = await self._sources[name].fold(connection, position, bound)
        await self._reached(connection, name, last)
        return last

    async def _reached(self, connection: AsyncConnection, name: str, last: int) -> None:
        reached = insert(PROGRESS).values(source=name, position=last)
        await connection.execute(reached.on_conflict_do_update(index_elements=["source"], set_={"position": last}))

    @retry(
        # Readers and writers hold these tables for moments: a deadlock or a lock that does not come is tried again.
        retry=retry_if_exception(lambda error: isinstance(error, DBAPIError) and is_outage(error)),
        wait=wait_fixed(0.2),
        stop=stop_after_attempt(50),
        reraise=True,
    )
    async def _last_round(self) -> int:
        """Fold the rest and switch, in one transaction: whoever reads sees the old tables or the new, whole."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            bounds, stands = await self._bounds(connection), await self._stands(connection)
            for name, bound in bounds.items():
                position = stands.get(name, 0)
                while position < bound:
                    position = await self._chunk(connection, name, position, bound)
            for table in self._tables:
                await connection.execute(text(f"DROP TABLE public.{table.name}"))
                await connection.execute(text(f"ALTER TABLE {SCHEMA}.{table.name} SET SCHEMA public"))
            await connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
        self._report(Progress(sum(bounds.values()), sum(bounds.values())))
        return sum(bounds.values())


_NO_HURRY = text("SET LOCAL synchronous_commit = off")
"""A crash of the server may take the last chunks and, being in the same transactions, the progress of them."""


def _built_last(tables: Sequence[Table], beside: MetaData) -> list[Index]:
    """The indexes of the new tables that wait until these are full."""
    names = {index.name for table in tables for index in table.indexes if index.info == FOR_QUESTIONS}
    return [index for table in beside.tables.values() for index in table.indexes if index.name in names]


def _aside(url: str) -> AsyncEngine:
    """Connections on which the names of read models mean the new tables."""
    return connect(url, pool_size=2, search_path=f"{SCHEMA},public")


async def broken_off(connection: AsyncConnection) -> bool:
    """Whether a rebuild was begun and did not end."""
    with suppress(DBAPIError):
        return await connection.scalar(select(func.to_regclass(f"{SCHEMA}.{PROGRESS.name}"))) is not None
    return False
