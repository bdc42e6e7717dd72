"""After a restore from backup: a new source for new events, the old sequences as they were, and every topic read again.

Consumers skip a sequence that they have already seen of a source. A database restored from a backup stands at a lower sequence
than it had assigned before (at 100, say, while consumers stand at 150). If it kept its source, consumers would skip its next
events without notice. `raise_epoch` gives it a new source. The log is refilled from `published` under the old sources and
sequences, which consumers have seen or still miss; they read it from its beginning and skip what they have.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.eventstore.schema import COUNTERS, IDENTITY, OFFSETS
from shared.messaging.sequencing import Sequenced, sequenced

_CHUNK = 2_000


async def raise_epoch(connection: AsyncConnection) -> int:
    """Make this database a new source from now on; the new epoch.

    Its id changes as well: if the same backup is restored a second time, it must not get the source of the first restore.
    """
    raised = update(IDENTITY).values(source_epoch=IDENTITY.c.source_epoch + 1, database_id=func.gen_random_uuid())
    epoch = await connection.scalar(raised.returning(IDENTITY.c.source_epoch))
    assert epoch is not None  # a service's database has this row from its first migration on
    return epoch


async def reset_offsets(connection: AsyncConnection) -> None:
    """Read every topic from its beginning. The last sequences stay, so events seen before are skipped."""
    await connection.execute(update(OFFSETS).values(next_offset=0))


async def mark_all_acknowledged(connection: AsyncConnection) -> None:
    """Record that every event with a sequence is on its topic."""
    await connection.execute(update(COUNTERS).values(acknowledged=COUNTERS.c.next_sequence - 1))


_PUBLISHED = """
    SELECT p.source, p.topic, p.partition, p.sequence, p.key,
           e.event_id, e.type, e.data, e.metadata, e.effective_at, e.recorded_at
    FROM published AS p JOIN events AS e USING (position)
"""


async def published_rows(connection: AsyncConnection, rest: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """Rows of `published` with their events. `rest` is the rest of the query: WHERE, ORDER BY, LIMIT."""
    return (await connection.execute(text(f"{_PUBLISHED} {rest}"), dict(values))).all()


def as_published(row: Any) -> Sequenced:
    """The record of a row of `published_rows`, as it was first sent."""
    return sequenced(row, row.source)


async def _published(engine: AsyncEngine, topic: str, partition: int) -> AsyncGenerator[Any]:
    """Everything that one service has published on a partition: its sources in the order of their epochs."""
    which = "WHERE p.source = :source AND p.topic = :topic AND p.partition = :partition AND p.sequence > :after"
    for source in await _sources(engine, topic, partition):
        after = 0
        while True:
            values = {"source": source, "topic": topic, "partition": partition, "after": after, "most": _CHUNK}
            async with engine.connect() as connection:
                rows = await published_rows(connection, f"{which} ORDER BY p.sequence LIMIT :most", values)
            for row in rows:
                yield row
            if len(rows) < _CHUNK:
                break
            after = rows[-1].sequence


async def _sources(engine: AsyncEngine, topic: str, partition: int) -> list[str]:
    async with engine.connect() as connection:
        query = select(COUNTERS.c.source).where(COUNTERS.c.topic == topic, COUNTERS.c.partition == partition)
        return sorted(await connection.scalars(query), key=lambda source: int(source.rsplit("/", 1)[1]))


async def merged_log(engines: Sequence[AsyncEngine], topic: str, partition: int) -> AsyncGenerator[Any]:
    """All rows of one partition, of all services that publish on it, in an order in which no effect precedes its cause.

    Rows of one service are in the order of their sequences; between services the row recorded first comes first. An event caused
    by another one was recorded after that one got its sequence, and so after everything with a lower sequence.
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


async def consumed_beyond_published(engines: Mapping[str, AsyncEngine]) -> list[str]:
    """Sentences: where a service has consumed events that, after the restore, their publisher has not published.

    A backup with such a service is inconsistent: its databases are not from the same point in time.
    """
    published: dict[tuple[str, str, int], int] = {}
    for engine in engines.values():
        async with engine.connect() as connection:
            for row in await connection.execute(select(COUNTERS)):
                published[row.source, row.topic, row.partition] = row.next_sequence - 1
    sentences: list[str] = []
    for name, engine in engines.items():
        async with engine.connect() as connection:
            for row in await connection.execute(select(OFFSETS)):
                consumed = cast("dict[str, int]", orjson.loads(row.sequences))
                sentences += [
                    f"{name} has consumed {source} on {row.topic}/{row.partition} up to {last}, published is {known}"
                    for source, last in consumed.items()
                    if (known := published.get((source, row.topic, row.partition), 0)) < last
                ]
    return sentences
