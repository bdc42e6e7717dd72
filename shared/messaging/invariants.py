"""What must hold in and between the databases of services, checked with PostgreSQL alone.

`always` holds at any moment, also during a fault; `at_rest` once everything that was published has been consumed. Both return
one sentence for each violation, and an empty list when there is none. They read counts, not events: a large store costs one
scan of an index.
"""

import asyncio
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import ARRAY, Executable, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.vocabulary import PUBLIC_EVENTS

SourcePartition = tuple[str, str, int]
"""Source, topic, partition."""

_GAPS_IN_STREAMS = text("""
    SELECT 'the versions of stream ' || stream || ' are not 1 to ' || count(*)
    FROM events GROUP BY stream HAVING min(version) <> 1 OR max(version) <> count(*)
""")
_GAPS_IN_SEQUENCES = text("""
    SELECT 'the sequences of ' || source || ' on ' || topic || '/' || partition || ' are not 1 to ' || count(*)
    FROM published GROUP BY source, topic, partition HAVING min(sequence) <> 1 OR max(sequence) <> count(*)
""")
_WRONG_COUNTERS = text("""
    SELECT 'the counter of ' || c.source || ' on ' || c.topic || '/' || c.partition || ' is at ' || c.next_sequence
    FROM counters AS c
    LEFT JOIN (SELECT source, topic, partition, max(sequence) AS last FROM published GROUP BY 1, 2, 3) AS p
        USING (source, topic, partition)
    WHERE c.next_sequence <> coalesce(p.last, 0) + 1 OR c.acknowledged >= c.next_sequence
""")
_SEQUENCED_TWICE = text("""
    SELECT 'the event at ' || position || ' has two sequences of ' || source
    FROM published GROUP BY source, position HAVING count(*) > 1
""")
_NEVER_PUBLISHED = text("""
    SELECT 'the public event at ' || e.position || ' is neither in the outbox nor published'
    FROM events AS e
    WHERE e.type = ANY (:public)
      AND NOT EXISTS (SELECT FROM outbox AS o WHERE o.position = e.position)
      AND NOT EXISTS (SELECT FROM published AS p WHERE p.position = e.position)
""").bindparams(bindparam("public", type_=ARRAY(Text())))
_ALWAYS = (_GAPS_IN_STREAMS, _GAPS_IN_SEQUENCES, _WRONG_COUNTERS, _SEQUENCED_TWICE)

_IN_OUTBOX = text("SELECT 'an event at ' || position || ' waits in the outbox' FROM outbox")
_UNACKNOWLEDGED = text("""
    SELECT source || ' on ' || topic || '/' || partition || ' is acknowledged only up to ' || acknowledged
    FROM counters WHERE acknowledged <> next_sequence - 1
""")
_PARKED = text("SELECT 'parked under ' || key || ': ' || count(*) FROM parked GROUP BY key")
_STOPPED = text("""
    SELECT topic || '/' || partition || ' is stopped: ' || stopped_because FROM offsets WHERE stopped_because IS NOT NULL
""")
_TIMERS_FAILED = text("SELECT 'timer ' || timer_id || ' failed' FROM timers WHERE failed_because IS NOT NULL")
_AT_REST = (_IN_OUTBOX, _UNACKNOWLEDGED, _PARKED, _STOPPED, _TIMERS_FAILED)

_LAST_PUBLISHED = text("SELECT source, topic, partition, next_sequence - 1 FROM counters")
_CONSUMED = text("SELECT topic, partition, sequences FROM offsets")


async def always(services: Mapping[str, AsyncEngine]) -> list[str]:
    """Violations that must never occur: a gap, a sequence assigned twice, a public event that would never be published."""
    found = await asyncio.gather(
        *(_check(name, engine, _ALWAYS, unpublished=True) for name, engine in services.items())
    )
    return [sentence for sentences in found for sentence in sentences]


async def at_rest(services: Mapping[str, AsyncEngine]) -> list[str]:
    """What is not yet published, consumed or handled, and everything that `always` finds."""
    waiting = await asyncio.gather(*(_check(name, engine, _AT_REST) for name, engine in services.items()))
    return [
        *await always(services),
        *(sentence for sentences in waiting for sentence in sentences),
        *await unconsumed(services),
    ]


async def unconsumed(services: Mapping[str, AsyncEngine]) -> list[str]:
    """Where a service has not consumed a topic of its own up to the last sequence of each source among these services."""
    published = {where: last for engine in services.values() for where, last in (await _published(engine)).items()}
    found: list[str] = []
    for name, engine in services.items():
        topics, consumed = await _consumed(engine)
        for where, last in sorted(published.items()):
            source, topic, partition = where
            if topic in topics and (seen := consumed.get(where, 0)) != last:
                found.append(f"{name}: has consumed {source} on {topic}/{partition} up to {seen}, published is {last}")
    return found


async def _check(
    name: str, engine: AsyncEngine, queries: Sequence[Executable], *, unpublished: bool = False
) -> list[str]:
    """The sentences of all queries, from one snapshot."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        sentences = [sentence for query in queries for sentence in await connection.scalars(query)]
        if unpublished:
            public = {"public": [event.TYPE for event in PUBLIC_EVENTS]}
            sentences += list(await connection.scalars(_NEVER_PUBLISHED, public))
    return [f"{name}: {sentence}" for sentence in sentences]


async def _published(engine: AsyncEngine) -> dict[SourcePartition, int]:
    async with engine.connect() as connection:
        rows = await connection.execute(_LAST_PUBLISHED)
        return {(source, topic, partition): last for source, topic, partition, last in rows}


async def _consumed(engine: AsyncEngine) -> tuple[set[str], dict[SourcePartition, int]]:
    """The topics that a service reads, and the last sequence that it has consumed of each source."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_CONSUMED)).all()
    consumed = {
        (source, row.topic, row.partition): last for row in rows for source, last in orjson.loads(row.sequences).items()
    }
    return {row.topic for row in rows}, consumed
