"""The tables from which read models are rebuilt, read in chunks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.eventstore.body_projection import BodyProjection, StoredBody
from shared.eventstore.changes import Projection
from shared.eventstore.schema import EVENTS
from shared.eventstore.store import EventStore


class Source(Protocol):
    """A table of this service from which read models are folded, in the order of one of its columns."""

    @property
    def table(self) -> Table:
        """The table to lock while a bound is read."""
        ...

    async def end(self, connection: AsyncConnection) -> int:
        """The current last position."""
        ...

    async def fold(self, connection: AsyncConnection, after: int, upto: int) -> int:
        """Project the next chunk of positions above `after`; its last position, or `upto` when none is left."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """`fold` projects the chunk; `last` is the position up to which it is complete."""

    fold: Callable[[AsyncConnection], Awaitable[None]]
    last: int


@dataclass(frozen=True)
class OwnEvents:
    """The service's own events, folded by its projections. `chunk_size`: events in one chunk."""

    store: EventStore
    projections: Sequence[Projection]
    chunk_size: int = 2_000

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
        """The next chunk. It may be folded on another connection than it was read on."""
        if len(self._body_projections) < len(self.projections):
            return await self._whole_events(connection, after, upto)
        driver: Any = (await connection.get_raw_connection()).driver_connection
        # Directly with the driver: creating rows of SQLAlchemy would take longer than projecting them.
        rows = await driver.fetch(_BODIES, after, upto, self._skipped_types, self.chunk_size)
        stored = [self._stored(kind, body) for _, kind, body in rows]

        async def fold(target: AsyncConnection) -> None:
            for projection in self._body_projections:
                await projection.fold(target, stored)

        return Chunk(fold, rows[-1][0] if len(rows) == self.chunk_size else upto)

    async def _whole_events(self, connection: AsyncConnection, after: int, upto: int) -> Chunk:
        query = (
            select(EVENTS)
            .where(EVENTS.c.position > after, EVENTS.c.position <= upto)
            .order_by(EVENTS.c.position)
            .limit(self.chunk_size)
        )
        events = [self.store.recorded(row) for row in await connection.execute(query)]

        async def fold(target: AsyncConnection) -> None:
            for project in self.projections:
                if events:
                    await project(target, events)

        return Chunk(fold, events[-1].position if len(events) == self.chunk_size else upto)

    def _stored(self, kind: str, body: str) -> StoredBody:
        """In the current version: an old one is upcast. Raises UnknownEventType, like decoding."""
        if kind in self.store.vocabulary.models:
            return StoredBody(kind, body)
        event = self.store.vocabulary.decode(kind, body)
        return StoredBody(event.TYPE, event.model_dump_json())

    @cached_property
    def _body_projections(self) -> list[BodyProjection]:
        return [project for project in self.projections if isinstance(project, BodyProjection)]

    @cached_property
    def _skipped_types(self) -> list[str]:
        """Types that no projection reads. Old versions and unknown types are never skipped."""
        read = frozenset[str]().union(*(projection.types for projection in self._body_projections))
        return sorted(self.store.vocabulary.models.keys() - read)


_BODIES = """
    SELECT position, type, data FROM public.events
    WHERE position > $1 AND position <= $2 AND type <> ALL($3::text[]) ORDER BY position LIMIT $4
"""
