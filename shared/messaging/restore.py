"""After a restore from backup: new numbers under a new name, old ones as they were, and everything read again.

Consumers skip a number that they have seen of a source. A database restored from a backup stands at a lower number than it
had given out: it must not go on under its old name, or its next events are skipped in silence (TRAPS: restored at 100 while
consumers stand at 150). `raise_epoch` gives it a new name. The log is refilled from `published` under the names and numbers
of then, which consumers know already or still miss; they read it from its beginning and skip what they have.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.eventstore.schema import COUNTERS, IDENTITY, OFFSETS
from shared.messaging.relay import Numbered, numbered

_AT_ONCE = 2_000


async def raise_epoch(connection: AsyncConnection) -> int:
    """From now on this database is another source than it was; the new epoch.

    Its id changes as well: a backup that is restored a second time must not come by the name that the first one took.
    """
    raised = update(IDENTITY).values(source_epoch=IDENTITY.c.source_epoch + 1, database_id=func.gen_random_uuid())
    epoch = await connection.scalar(raised.returning(IDENTITY.c.source_epoch))
    assert epoch is not None  # a service's database has this row from its first migration on
    return epoch


async def stand_at_zero(connection: AsyncConnection) -> None:
    """Read every topic from its beginning; what was seen before is known by its numbers, which stay."""
    await connection.execute(update(OFFSETS).values(next_offset=0))


async def all_acknowledged(connection: AsyncConnection) -> None:
    """Whatever has a number stands on its topic."""
    await connection.execute(update(COUNTERS).values(acknowledged=COUNTERS.c.next_sequence - 1))


_STORED = """
    SELECT p.source, p.topic, p.partition, p.sequence, p.key,
           e.event_id, e.type, e.data, e.metadata, e.effective_at, e.recorded_at
    FROM published AS p JOIN events AS e USING (position)
"""


async def stored(connection: AsyncConnection, which: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """Rows of `published` with their events: `which` is the rest of the query."""
    return (await connection.execute(text(f"{_STORED} {which}"), dict(values))).all()


def numbered_of(row: Any) -> Numbered:
    """The record of a row of `stored`, as it was when it was first sent."""
    return numbered(row, row.source)


async def _published(engine: AsyncEngine, topic: str, partition: int) -> AsyncGenerator[Any]:
    """What one service ever published on a partition: sources in the order in which they followed one another."""
    which = "WHERE p.source = :source AND p.topic = :topic AND p.partition = :partition AND p.sequence > :after"
    for source in await _sources(engine, topic, partition):
        after = 0
        while True:
            values = {"source": source, "topic": topic, "partition": partition, "after": after, "most": _AT_ONCE}
            async with engine.connect() as connection:
                rows = await stored(connection, f"{which} ORDER BY p.sequence LIMIT :most", values)
            for row in rows:
                yield row
            if len(rows) < _AT_ONCE:
                break
            after = rows[-1].sequence


async def _sources(engine: AsyncEngine, topic: str, partition: int) -> list[str]:
    async with engine.connect() as connection:
        query = select(COUNTERS.c.source).where(COUNTERS.c.topic == topic, COUNTERS.c.partition == partition)
        return sorted(await connection.scalars(query), key=lambda source: int(source.rsplit("/", 1)[1]))


async def log_of(engines: Sequence[AsyncEngine], topic: str, partition: int) -> AsyncGenerator[Any]:
    """All rows for one partition, of all services that publish on it, in an order in which no effect precedes its cause.

    Each service's in the order of its numbers; between services the one recorded first. What was published because of
    another event was recorded after that one had its number, and so after everything with a lower number.
    """
    streams: list[AsyncIterator[Any]] = [_published(engine, topic, partition) for engine in engines]
    heads = [(row, stream) for stream in streams if (row := await anext(stream, None)) is not None]
    while heads:
        first = min(range(len(heads)), key=lambda nth: heads[nth][0].recorded_at)
        row, stream = heads[first]
        yield row
        following = await anext(stream, None)
        if following is None:
            del heads[first]
        else:
            heads[first] = following, stream


async def beyond(engines: Mapping[str, AsyncEngine]) -> list[str]:
    """Where a service has heard what, after the restore, nobody has told: sentences. The backup is then of no one moment."""
    given: dict[tuple[str, str, int], int] = {}
    for engine in engines.values():
        async with engine.connect() as connection:
            for row in await connection.execute(select(COUNTERS)):
                given[row.source, row.topic, row.partition] = row.next_sequence - 1
    found: list[str] = []
    for name, engine in engines.items():
        async with engine.connect() as connection:
            for row in await connection.execute(select(OFFSETS)):
                heard = cast("dict[str, int]", orjson.loads(row.sequences))
                found += [
                    f"{name} has heard {source} on {row.topic}/{row.partition} up to {last}, it has told up to {told}"
                    for source, last in heard.items()
                    if (told := given.get((source, row.topic, row.partition), 0)) < last
                ]
    return found
