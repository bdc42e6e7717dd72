"""Making read models anew, live: into new tables beside the old, switched in one transaction; resumable; no side effects.

The new tables stand under the same names in a schema of their own. The very projections that keep the live tables fill them,
on connections whose search path names that schema first: nothing else of theirs is written, no event, no timer, no outbox.
They fold what this service has stored, never Kafka, and nothing is decided anew.

Rounds: each reads up to a bound that was read under `LOCK TABLE … IN SHARE MODE`, so that no transaction with a lower position
is still under way. Rounds get shorter; the last one holds the lock through the switch. A position that is uncommitted while a
round begins is therefore never left behind.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from shared.database import connect, is_outage
from shared.eventstore import EventStore, Projection
from shared.eventstore.schema import EVENTS, NAMING

SCHEMA = "rebuilding"
"""Where the new tables stand until the switch."""

SHORT_ENOUGH = 2_000
"""Positions that may be left for the last round, which holds the lock."""

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
        query = (
            select(EVENTS)
            .where(EVENTS.c.position > after, EVENTS.c.position <= upto)
            .order_by(EVENTS.c.position)
            .limit(self.at_once)
        )
        events = [self.store.recorded(row) for row in await connection.execute(query)]
        for project in self.projections:
            if events:
                await project(connection, events)
        return events[-1].position if len(events) == self.at_once else upto


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
            beside = MetaData(naming_convention=NAMING)
            for table in self._tables:
                table.to_metadata(beside, schema=SCHEMA)
            await connection.run_sync(beside.create_all)
            await connection.run_sync(PROGRESS.create)

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
        while position < bound:
            async with self._engine.begin() as connection:
                position = await self._chunk(connection, name, position, bound)
            self._report(Progress(position, bound))

    async def _chunk(self, connection: AsyncConnection, name: str, position: int, bound: int) -> int:
        last = await self._sources[name].fold(connection, position, bound)
        reached = insert(PROGRESS).values(source=name, position=last)
        await connection.execute(reached.on_conflict_do_update(index_elements=["source"], set_={"position": last}))
        return last

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


def _aside(url: str) -> AsyncEngine:
    """Connections on which the names of read models mean the new tables."""
    return connect(url, pool_size=2, search_path=f"{SCHEMA},public")


async def broken_off(connection: AsyncConnection) -> bool:
    """Whether a rebuild was begun and did not end."""
    with suppress(DBAPIError):
        return await connection.scalar(select(func.to_regclass(f"{SCHEMA}.{PROGRESS.name}"))) is not None
    return False
