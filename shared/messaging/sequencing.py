"""Sequence assignment: public events get numbers without gaps for each source, topic and partition, after their commit.

Invariants:
* Sequences are assigned in the database, by one statement that locks the store's identity row and checks the leader's epoch:
  a leader that lost its lock without noticing assigns no more sequences.
* An event with a sequence stays in `published`, so a lost broker can be refilled.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, Text, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.envelope import Envelope

MAX_EVENTS = 2000
"""How many events get a sequence in one transaction, and how many unacknowledged ones of a partition are read at once."""


class LeadershipLost(Exception):
    """Another relay of this service has become the leader."""


class Sequenced(NamedTuple):
    """An event with its sequence, as the fields of its Kafka record."""

    sequence: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


Partition = tuple[str, int]
"""Topic and partition number."""

Waiting = Mapping[Partition, Sequence[Sequenced]]
"""Events that have a sequence and are to be sent: by partition, in order."""


def sequencing_statement(fence: str = "leader_epoch = :epoch") -> TextClause:
    """The statement that moves pointers from `outbox` to `published`, assigns their sequences, and stores acknowledgements.

    It returns the events that got a sequence. It is one statement, so it is atomic by itself and costs one round trip. Its first
    part checks and locks the leader's epoch; when there is nothing to do it locks and writes nothing. Pointers are taken up to a
    position, not by a list of positions: the planner assumes that the outbox is empty, and would compare each with each.
    """
    statement = f"""
        WITH given AS (
            SELECT * FROM unnest(:topics, :partitions, :lasts) AS given (topic, partition, last)
        ), work AS (
            SELECT EXISTS (SELECT FROM given) OR (:most > 0 AND EXISTS (SELECT FROM outbox)) AS waits
        ), leader AS (
            SELECT leader_epoch FROM store_identity WHERE {fence} AND (SELECT waits FROM work) FOR UPDATE
        ), moved AS (
            DELETE FROM outbox
            WHERE EXISTS (SELECT FROM leader) AND position <= (
                SELECT max(position) FROM (SELECT position FROM outbox ORDER BY position LIMIT :most) AS first
            )
            RETURNING position, topic, partition, key
        ), counted AS (
            SELECT topic, partition, count(*) AS n FROM moved GROUP BY topic, partition
        ), bumped AS (
            INSERT INTO counters AS c (source, topic, partition, next_sequence, acknowledged)
            SELECT :source, topic, partition, coalesce(n, 0) + 1, coalesce(last, 0)
            FROM counted FULL JOIN given USING (topic, partition) WHERE EXISTS (SELECT FROM leader)
            ON CONFLICT (source, topic, partition) DO UPDATE SET
                next_sequence = c.next_sequence + EXCLUDED.next_sequence - 1,
                acknowledged = greatest(c.acknowledged, EXCLUDED.acknowledged)
            RETURNING c.topic, c.partition, c.next_sequence
        ), placed AS (
            INSERT INTO published (source, topic, partition, sequence, position, key)
            SELECT :source, m.topic, m.partition,
                   b.next_sequence - counted.n
                       + row_number() OVER (PARTITION BY m.topic, m.partition ORDER BY m.position) - 1,
                   m.position, m.key
            FROM moved m JOIN bumped b USING (topic, partition) JOIN counted USING (topic, partition)
            RETURNING topic, partition, sequence, position, key
        )
        SELECT one.leads, p.topic, p.partition, p.sequence, p.key,
               e.event_id, e.type, e.data, e.metadata, e.effective_at, e.recorded_at
        FROM (
            SELECT EXISTS (SELECT FROM leader)
                OR NOT work.waits AND EXISTS (SELECT FROM store_identity WHERE {fence}) AS leads
            FROM work
        ) AS one
        LEFT JOIN (
            placed AS p CROSS JOIN LATERAL (SELECT * FROM events WHERE events.position = p.position LIMIT 1) AS e
        ) ON true
        ORDER BY p.topic, p.partition, p.sequence
    """
    return text(statement).bindparams(
        bindparam("most", type_=BigInteger()),
        bindparam("source", type_=Text()),
        bindparam("topics", type_=ARRAY(Text())),
        bindparam("partitions", type_=ARRAY(Integer())),
        bindparam("lasts", type_=ARRAY(BigInteger())),
    )


_ASSIGN = sequencing_statement()

_UNACKNOWLEDGED = text("""
    SELECT c.topic, c.partition, p.sequence, p.key,
           e.event_id, e.type, e.data, e.metadata, e.effective_at, e.recorded_at
    FROM counters AS c
    CROSS JOIN LATERAL (
        SELECT sequence, position, key FROM published
        WHERE source = c.source AND topic = c.topic AND partition = c.partition AND sequence > c.acknowledged
        ORDER BY sequence LIMIT :most
    ) AS p
    JOIN events AS e USING (position)
    WHERE c.source = :source AND c.acknowledged < c.next_sequence - 1
    ORDER BY c.topic, c.partition, p.sequence
""").bindparams(bindparam("most", type_=BigInteger()))
"""Events that the broker has not acknowledged, from the first of each partition on: one statement for all partitions."""


class Leadership:
    """What a leader may do in the database. Everything that writes checks the leader's epoch first and raises LeadershipLost."""

    def __init__(self, engine: AsyncEngine, epoch: int, source: str) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._epoch = epoch
        self._source = source

    async def assign_sequences(self, acknowledged: Mapping[Partition, int]) -> Waiting:
        """Store what the broker acknowledged, and assign sequences to events in the outbox; those events, to be sent now.

        To be called only when everything with an earlier sequence is acknowledged. `acknowledged`: the last acknowledged sequence
        by partition. A leader with nothing to do locks and writes nothing.
        """
        return await self._write(acknowledged, MAX_EVENTS)

    async def acknowledge(self, acknowledged: Mapping[Partition, int]) -> None:
        """Store what the broker acknowledged; assign nothing."""
        await self._write(acknowledged, 0)

    async def _write(self, acknowledged: Mapping[Partition, int], most: int) -> Waiting:
        given = {
            "epoch": self._epoch,
            "source": self._source,
            "most": most,
            "topics": [topic for topic, _ in acknowledged],
            "partitions": [partition for _, partition in acknowledged],
            "lasts": list(acknowledged.values()),
        }
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_ASSIGN, given)).all()
        if not rows[0].leads:
            raise LeadershipLost
        return self._by_partition(row for row in rows if row.topic is not None)

    async def unacknowledged(self) -> Waiting:
        """The next unacknowledged events of each partition, including those of a former leader.

        Not fenced: a former leader may send again what its successor sends, in the same order from the same beginning, and
        consumers skip it.
        """
        async with self._engine.connect() as connection:
            rows = await connection.execute(_UNACKNOWLEDGED, {"most": MAX_EVENTS, "source": self._source})
            return self._by_partition(rows)

    def _by_partition(self, rows: Iterable[Any]) -> Waiting:
        return {
            partition: [sequenced(row, self._source) for row in group]
            for partition, group in groupby(rows, lambda row: (row.topic, row.partition))
        }


def sequenced(row: Any, source: str) -> Sequenced:
    """The record of an event, from a row with the columns of `events`, its key, and its sequence under this source."""
    correlation, causation, traceparent = _cause(row.metadata)
    key, sequence = row.key, row.sequence
    envelope = Envelope(
        event_id=str(row.event_id),
        source=source,
        sequence=sequence,
        type=row.type,
        time=row.effective_at.isoformat(),
        subject=key,
        correlation=correlation,
        causation=causation,
        traceparent=traceparent,
    )
    timestamp = int(row.recorded_at.timestamp() * 1000)
    return Sequenced(sequence, key.encode(), row.data.encode(), envelope.headers(), timestamp)


@lru_cache(maxsize=1_024)
def _cause(metadata: str) -> tuple[str, str, str]:
    """Correlation, causation and trace. Cached: one cause has several events, one after the other."""
    stored = orjson.loads(metadata)
    return stored["correlation"], stored["causation"], stored["traceparent"]
