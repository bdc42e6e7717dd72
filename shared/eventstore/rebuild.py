"""Rebuilding read models while the service runs: into new tables beside the live ones, switched in one transaction.

A rebuild can be resumed and has no side effects. The new tables have the same names in a schema of their own (`SCHEMA`). The same
projections that update the live tables fill them, on connections whose search path begins with that schema; nothing else is
written: no event, no timer, no outbox row. The projections fold what this service has stored, never Kafka, and decide nothing
again. A body projection gets stored bodies of its types only, and a rebuild does not even read events of other types.

A rebuild runs in rounds. Each reads up to a bound that was read under `LOCK TABLE … IN SHARE MODE`, so that no transaction with a
lower position is still open. Rounds get shorter; the last one holds the lock through the switch. So a position that is
uncommitted when a round begins is never left out.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from shared.database import connect, is_outage
from shared.eventstore.rebuild_sources import OwnEvents, Source
from shared.eventstore.schema import NAMING

SCHEMA = "rebuilding"
"""The schema of the new tables until the switch."""

LAST_ROUND_POSITIONS = 2_000
"""At most so many positions are left for the last round, which holds the lock."""

BUILD_LAST = {"built": "last"}
"""The `info` of an index that no projection needs to find rows: a rebuild creates it in one go when the new table is full."""

_INDEX_SECONDS = 3_600

PROGRESS = Table(
    "rebuild_progress",
    MetaData(schema=SCHEMA),
    Column("source", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)


@dataclass(frozen=True)
class Progress:
    """Positions folded, and positions in total."""

    done: int
    total: int


Report = Callable[[Progress], None]


class Rebuild:
    """Rebuilds the read models `tables` of one service. `url` is its database."""

    def __init__(self, url: str, tables: Sequence[Table], sources: Sequence[Source], report: Report) -> None:
        self._engine = _connect_to_new_tables(url)
        self._tables = tables
        self._sources = {source.table.name: source for source in sources}
        self._report = report

    async def run(self) -> int:
        """Rebuild and switch; how many positions were folded. An interrupted rebuild is resumed."""
        try:
            await self._begin()
            while await self._round() > LAST_ROUND_POSITIONS:
                pass
            await self._index()
            while await self._round() > LAST_ROUND_POSITIONS:  # what was added while indexes were created
                pass
            return await self._last_round()
        finally:
            await self._engine.dispose()

    async def abandon(self) -> None:
        """Drop an interrupted rebuild with its tables."""
        async with self._engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        await self._engine.dispose()

    async def _begin(self) -> None:
        """Create the new tables, unless an interrupted rebuild has left them partly filled."""
        async with self._engine.begin() as connection:
            if await connection.scalar(select(func.to_regclass(f"{SCHEMA}.{PROGRESS.name}"))) is not None:
                return
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            new_tables = self._new_tables()
            for index in _built_last(self._tables, new_tables):
                index.table.indexes.discard(index)  # type: ignore[union-attr] - a table of this service
            await connection.run_sync(new_tables.create_all)
            await connection.run_sync(PROGRESS.create)

    def _new_tables(self) -> MetaData:
        new_tables = MetaData(naming_convention=NAMING)
        for table in self._tables:
            table.to_metadata(new_tables, schema=SCHEMA)
        return new_tables

    async def _index(self) -> None:
        """Create the indexes that were left for the end, and collect statistics for the planner."""
        new_tables = self._new_tables()
        for index in _built_last(self._tables, new_tables):
            await self._run_long(str(CreateIndex(index, if_not_exists=True).compile(dialect=postgresql.dialect())))
        for table in new_tables.tables:
            await self._run_long(f"ANALYZE {table}")

    async def _run_long(self, statement: str) -> None:
        """Run a statement without the usual timeout."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(statement, timeout=_INDEX_SECONDS)

    async def _round(self) -> int:
        """Fold up to a bound; how many positions this was."""
        async with self._engine.begin() as connection:
            bounds = await self._bounds(connection)
            folded = await self._folded(connection)
        for name, bound in bounds.items():
            await self._fold(name, folded.get(name, 0), bound)
        return sum(bound - folded.get(name, 0) for name, bound in bounds.items())

    async def _bounds(self, connection: AsyncConnection) -> dict[str, int]:
        """The last positions, read while no transaction with a lower position is open."""
        for name in sorted(self._sources):
            await connection.execute(text(f"LOCK TABLE public.{name} IN SHARE MODE"))
        return {name: await source.end(connection) for name, source in self._sources.items()}

    async def _folded(self, connection: AsyncConnection) -> dict[str, int]:
        """The last folded position of each source."""
        return {row.source: row.position for row in await connection.execute(select(PROGRESS))}

    async def _fold(self, name: str, position: int, bound: int) -> None:
        """One transaction for each chunk, with the progress in it: after a kill nothing is folded twice."""
        source = self._sources[name]
        if isinstance(source, OwnEvents):
            await self._fold_ahead(source, position, bound)
            return
        while position < bound:
            async with self._engine.begin() as connection:
                position = await self._chunk(connection, name, position, bound)
            self._report(Progress(position, bound))

    async def _fold_ahead(self, source: OwnEvents, position: int, bound: int) -> None:
        """Read the next chunk while the database writes one: everything up to the bound is committed and immutable."""
        async with self._engine.connect() as second:
            reader = await second.execution_options(isolation_level="AUTOCOMMIT")
            upcoming = asyncio.ensure_future(source.read(reader, position, bound))
            try:
                while position < bound:
                    chunk = await upcoming
                    if chunk.last < bound:
                        upcoming = asyncio.ensure_future(source.read(reader, chunk.last, bound))
                    async with self._engine.begin() as connection:
                        await connection.execute(_ASYNCHRONOUS_COMMIT)
                        await chunk.fold(connection)
                        await self._store_progress(connection, source.table.name, chunk.last)
                    position = chunk.last
                    self._report(Progress(position, bound))
            finally:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)

    async def _chunk(self, connection: AsyncConnection, name: str, position: int, bound: int) -> int:
        last = await self._sources[name].fold(connection, position, bound)
        await self._store_progress(connection, name, last)
        return last

    async def _store_progress(self, connection: AsyncConnection, name: str, last: int) -> None:
        progress = insert(PROGRESS).values(source=name, position=last)
        await connection.execute(progress.on_conflict_do_update(index_elements=["source"], set_={"position": last}))

    @retry(
        # Readers and writers hold locks on these tables for moments: retry after a deadlock or a lock timeout.
        retry=retry_if_exception(lambda error: isinstance(error, DBAPIError) and is_outage(error)),
        wait=wait_fixed(0.2),
        stop=stop_after_attempt(50),
        reraise=True,
    )
    async def _last_round(self) -> int:
        """Fold the rest and switch, in one transaction: readers see the complete old tables or the complete new ones."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            bounds, folded = await self._bounds(connection), await self._folded(connection)
            for name, bound in bounds.items():
                position = folded.get(name, 0)
                while position < bound:
                    position = await self._chunk(connection, name, position, bound)
            for table in self._tables:
                await connection.execute(text(f"DROP TABLE public.{table.name}"))
                await connection.execute(text(f"ALTER TABLE {SCHEMA}.{table.name} SET SCHEMA public"))
            await connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
        self._report(Progress(sum(bounds.values()), sum(bounds.values())))
        return sum(bounds.values())


_ASYNCHRONOUS_COMMIT = text("SET LOCAL synchronous_commit = off")
"""A crash of the server may lose the last chunks, and with them their progress, because both are in one transaction."""


def _built_last(tables: Sequence[Table], new_tables: MetaData) -> list[Index]:
    """The indexes of the new tables that are created when these are full."""
    names = {index.name for table in tables for index in table.indexes if index.info == BUILD_LAST}
    return [index for table in new_tables.tables.values() for index in table.indexes if index.name in names]


def _connect_to_new_tables(url: str) -> AsyncEngine:
    """Connections on which the names of read models refer to the new tables."""
    return connect(url, pool_size=2, search_path=f"{SCHEMA},public")
