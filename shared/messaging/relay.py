"""The relay: public events from the outbox to Kafka, numbered without gaps, in order, by one leader a service.

Invariants:
* Numbers are given in the database, by one statement that locks the store's identity row and checks the leader's epoch:
  a leader that lost its lock without noticing gives no more numbers.
* What was numbered stays in `published`: a lost broker can be refilled.
* At most one batch a partition is unacknowledged. After an error nothing is sent behind it: the producer is thrown away and
  the work resumes from the sequence that was acknowledged. Consumers drop what they see twice.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, cast

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from sqlalchemy import ARRAY, BigInteger, Integer, Text, TextClause, bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.envelope import Envelope
from shared.database import is_outage
from shared.eventstore.schema import IDENTITY
from shared.messaging.broker import Address, connection
from shared.messaging.pace import Pace
from shared.messaging.topics import Topics
from shared.telemetry import traces

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""Waking after a commit is the rule; polling finds what a wake-up missed."""

BATCH_BYTES = 512 * 1024
_AT_ONCE = 2000
"""How many events get their numbers in one transaction, and how many of a partition are read at once."""

FAREWELL_SECONDS = 5.0
"""A producer that cannot reach its broker does not hold the service up for longer."""


class LeadershipLost(Exception):
    """Another relay of this service has taken over."""


class Numbered(NamedTuple):
    """An event with its place on its topic."""

    sequence: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


Partition = tuple[str, int]
Waiting = Mapping[Partition, Sequence[Numbered]]
"""Events that have their numbers, of each partition, in order."""


class Relay:
    """Publishes one service's events. Run one in every instance: they agree on who leads."""

    def __init__(
        self,
        service: str,
        engine: AsyncEngine,
        topics: Topics,
        broker: Address,
        make_producer: Callable[[], AIOKafkaProducer] | None = None,
    ) -> None:
        self._service = service
        self._engine = engine
        self._topics = topics
        self._make_producer = make_producer or (lambda: idempotent_producer(broker, service))
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.leads = False

    def wake(self) -> None:
        """Say that the outbox may have something."""
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"relay {self._service}")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._lead_when_free()
            except LeadershipLost:
                log.warning("%s: another relay leads now", self._service)
            except Exception as error:
                if not is_outage(error) and not isinstance(error, KafkaError):
                    log.exception("%s: relay failed, it starts again", self._service)
                else:
                    log.warning("%s: relay waits: %s", self._service, type(error).__name__)
            finally:
                self.leads = False
            await asyncio.sleep(0.5)

    async def _lead_when_free(self) -> None:
        """Hold the advisory lock on a connection of its own, and publish while it lives."""
        async with self._engine.connect() as lock:
            await lock.execution_options(isolation_level="AUTOCOMMIT")
            while not await self._try_lock(lock):
                await asyncio.sleep(POLL_SECONDS)
            try:
                epoch, source = await self._new_epoch()
                self.leads = True
                await self._publish(_Leadership(self._engine, epoch, source), lock)
            finally:
                with suppress(Exception):
                    await lock.execute(text("SELECT pg_advisory_unlock(hashtext('liandong relay'))"))

    async def _try_lock(self, lock: AsyncConnection) -> bool:
        return bool(await lock.scalar(text("SELECT pg_try_advisory_lock(hashtext('liandong relay'))")))

    async def _new_epoch(self) -> tuple[int, str]:
        async with self._engine.begin() as connection:
            raised = (
                update(IDENTITY)
                .values(leader_epoch=IDENTITY.c.leader_epoch + 1)
                .returning(IDENTITY.c.leader_epoch, IDENTITY.c.database_id, IDENTITY.c.source_epoch)
            )
            row = (await connection.execute(raised)).one()
            return row.leader_epoch, f"{self._service}/{row.database_id}/{row.source_epoch}"

    async def _publish(self, leadership: "_Leadership", lock: AsyncConnection) -> None:
        producer = self._make_producer()
        try:
            await producer.start()
            # What a former leader has left comes first: nothing newer may go before it.
            while left := await leadership.unacknowledged():
                await leadership.acknowledge(await self._send_all(producer, leadership, left))
            acknowledged: dict[Partition, int] = {}
            pace, looked = Pace(), 0.0
            while True:
                await pace.breathe()
                self._wake.clear()
                waiting = await leadership.number(acknowledged)
                acknowledged = await self._send_all(producer, leadership, waiting)
                pace.took(sum(map(len, waiting.values())))
                if acknowledged:
                    continue
                if (now := time.monotonic()) - looked > POLL_SECONDS:
                    await lock.execute(text("SELECT 1"))  # a dead lock connection ends this leadership
                    looked = now
                # Not wait_for: before Python 3.12 it may swallow that it is cancelled, and the relay would not stop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
        finally:
            with suppress(Exception):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await producer.stop()

    async def _send_all(
        self, producer: AIOKafkaProducer, leadership: "_Leadership", waiting: Waiting
    ) -> dict[Partition, int]:
        """Send what was numbered: partitions side by side, each in order.

        The last sequence that the broker acknowledged, of each partition. After an error that is written down before the
        error goes on; else the next statement does it.
        """
        acknowledged: dict[Partition, int] = {}
        sending = [self._send(producer, p, events, acknowledged) for p, events in waiting.items()]
        failures = [e for e in await asyncio.gather(*sending, return_exceptions=True) if e is not None]
        if failures:
            await leadership.acknowledge(acknowledged)
            raise failures[0]
        return acknowledged

    async def _send(
        self,
        producer: AIOKafkaProducer,
        partition: Partition,
        events: Sequence[Numbered],
        acknowledged: dict[Partition, int],
    ) -> None:
        """Send one partition's events, one batch after the other, and note how far the broker has acknowledged."""
        topic, number = partition
        with traces.batch(f"publish {topic}", lambda: _traceparents(events), partition=number, events=len(events)):
            for batch, last in batches(producer, events):
                name = self._topics.name(topic)
                delivered = cast("Awaitable[object]", await producer.send_batch(batch, name, partition=number))
                await delivered
                acknowledged[partition] = last


def _traceparents(events: Sequence[Numbered]) -> Iterator[str]:
    return (value.decode() for event in events for name, value in event.headers if name == "ce_traceparent")


def idempotent_producer(broker: Address, client_id: str) -> AIOKafkaProducer:
    """A producer whose own retries cannot duplicate or reorder: idempotent, acknowledged by all replicas."""
    return AIOKafkaProducer(
        **connection(broker),
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=20_000,
    )


def batches(producer: AIOKafkaProducer, events: Sequence[Numbered]) -> Iterator[tuple[BatchBuilder, int]]:
    """Record batches in order, each with the sequence of its last event. A batch takes its first event whatever its size."""
    batch, last = producer.create_batch(), 0
    for event in events:
        while (
            batch.append(key=event.key, value=event.value, timestamp=event.timestamp_ms, headers=event.headers) is None
        ):
            yield batch, last
            batch = producer.create_batch()
        last = event.sequence
    batch.close()
    if batch.record_count():
        yield batch, last


def _numbering(fence: str = "leader_epoch = :epoch") -> TextClause:
    """Takes pointers out of the outbox, numbers them and writes down what was acknowledged; the events that got a number.

    One statement, so that it is atomic by itself and costs one round trip. Its first part locks the leader's right to do so;
    when there is nothing to do it locks and writes nothing. Pointers are taken up to a position, not by a list of positions:
    the planner believes that the outbox is empty, and would compare each with each.
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


_NUMBER = _numbering()

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
"""What the broker has not acknowledged, of all partitions, each from its beginning: one statement however many there are."""


class _Leadership:
    """What a leader may do in the database: whatever writes checks its epoch first. Raises LeadershipLost."""

    def __init__(self, engine: AsyncEngine, epoch: int, source: str) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._epoch = epoch
        self._source = source

    async def number(self, acknowledged: Mapping[Partition, int]) -> Waiting:
        """Write down what the broker acknowledged, and number what waits in the outbox; that, to be sent now.

        Only after all that was numbered before is acknowledged. A leader with nothing to do locks nothing and writes nothing.
        """
        return await self._write(acknowledged, _AT_ONCE)

    async def acknowledge(self, acknowledged: Mapping[Partition, int]) -> None:
        """Write down what the broker acknowledged, and no more."""
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
            rows = (await connection.execute(_NUMBER, given)).all()
        if not rows[0].leads:
            raise LeadershipLost
        return self._by_partition(row for row in rows if row.topic is not None)

    async def unacknowledged(self) -> Waiting:
        """The next events of each partition that the broker has not acknowledged, those of a former leader included.

        Not fenced: a leader that was succeeded may send once more what its successor sends, in the same order from the same
        beginning, and consumers drop it.
        """
        async with self._engine.connect() as connection:
            rows = await connection.execute(_UNACKNOWLEDGED, {"most": _AT_ONCE, "source": self._source})
            return self._by_partition(rows)

    def _by_partition(self, rows: Iterable[Any]) -> Waiting:
        return {
            partition: [numbered(row, self._source) for row in group]
            for partition, group in groupby(rows, lambda row: (row.topic, row.partition))
        }


def numbered(row: Any, source: str) -> Numbered:
    """An event as its record says it: from a row of `events` with its key, and its sequence under this source."""
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
    return Numbered(sequence, key.encode(), row.data.encode(), envelope.headers(), timestamp)


@lru_cache(maxsize=1_024)
def _cause(metadata: str) -> tuple[str, str, str]:
    """By what an event was caused; of one cause come several, one after the other."""
    told = orjson.loads(metadata)
    return told["correlation"], told["causation"], told["traceparent"]
