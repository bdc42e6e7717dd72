"""The relay: public events from the outbox to Kafka, numbered without gaps, in order, by one leader a service.

Invariants:
* Numbers are given in the database, in one transaction that locks the store's identity row and checks the leader's epoch:
  a leader that lost its lock without noticing gives no more numbers.
* What was numbered stays in `published`: a lost broker can be refilled.
* At most one batch a partition is unacknowledged. After an error nothing is sent behind it: the producer is thrown away and
  the work resumes from the sequence that was acknowledged. Consumers drop what they see twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import BigInteger, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.envelope import Envelope
from shared.database import is_outage
from shared.eventstore.schema import COUNTERS, EVENTS, IDENTITY, PUBLISHED
from shared.messaging.topics import Topics

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""Waking after a commit is the rule; polling finds what a wake-up missed."""

BATCH_BYTES = 512 * 1024
_AT_ONCE = 2000


class LeadershipLost(Exception):
    """Another relay of this service has taken over."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An event with its place on its topic."""

    sequence: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


Partition = tuple[str, int]


class Relay:
    """Publishes one service's events. Run one in every instance: they agree on who leads."""

    def __init__(
        self,
        service: str,
        engine: AsyncEngine,
        topics: Topics,
        bootstrap_servers: str,
        make_producer: Callable[[], AIOKafkaProducer] | None = None,
    ) -> None:
        self._service = service
        self._engine = engine
        self._topics = topics
        self._make_producer = make_producer or (lambda: idempotent_producer(bootstrap_servers, service))
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
        await producer.start()
        try:
            acknowledged = await leadership.unacknowledged()
            while True:
                self._wake.clear()
                moved = await leadership.number()
                pending = {p: last for p, last in acknowledged.items() if last >= 0}
                sent = await self._send_all(producer, leadership, set(moved) | set(pending))
                acknowledged = {}
                if moved or sent:
                    continue
                await lock.execute(text("SELECT 1"))  # a dead lock connection ends this leadership
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        finally:
            with suppress(Exception):
                await producer.stop()

    async def _send_all(
        self, producer: AIOKafkaProducer, leadership: "_Leadership", partitions: set[Partition]
    ) -> bool:
        """Send what these partitions have unacknowledged; partitions go side by side, each in order."""
        sending = [self._send(producer, leadership, partition) for partition in sorted(partitions)]
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        done = {p: last for p, last in zip(sorted(partitions), outcomes, strict=True) if isinstance(last, int)}
        await leadership.acknowledge(done)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return bool(done)

    async def _send(self, producer: AIOKafkaProducer, leadership: "_Leadership", partition: Partition) -> int:
        """Send one partition's events up to the last numbered one, a batch after the other. Returns the last sequence."""
        topic, number = partition
        last = await leadership.acknowledged(partition)
        while events := await leadership.after(partition, last):
            for batch, last_in_batch in _batches(producer, events):
                delivered: Awaitable[Any] = await producer.send_batch(batch, self._topics.name(topic), partition=number)
                await delivered
                last = last_in_batch
        return last


def idempotent_producer(bootstrap_servers: str, client_id: str) -> AIOKafkaProducer:
    """A producer whose own retries cannot duplicate or reorder: idempotent, acknowledged by all replicas."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=20_000,
    )


def _batches(producer: AIOKafkaProducer, events: Sequence[_Numbered]) -> Any:
    """Record batches in order, each with the sequence of its last event."""
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


_NUMBER = text("""
    WITH moved AS (
        DELETE FROM outbox WHERE position IN (SELECT position FROM outbox ORDER BY position LIMIT :most)
        RETURNING position, topic, partition, key
    ), counted AS (
        SELECT topic, partition, count(*) AS n FROM moved GROUP BY topic, partition
    ), bumped AS (
        INSERT INTO counters AS c (source, topic, partition, next_sequence, acknowledged)
        SELECT :source, topic, partition, n + 1, 0 FROM counted
        ON CONFLICT (source, topic, partition)
        DO UPDATE SET next_sequence = c.next_sequence + EXCLUDED.next_sequence - 1
        RETURNING c.topic, c.partition, c.next_sequence
    ), placed AS (
        INSERT INTO published (source, topic, partition, sequence, position, key)
        SELECT :source, m.topic, m.partition,
               b.next_sequence - counted.n
                   + row_number() OVER (PARTITION BY m.topic, m.partition ORDER BY m.position) - 1,
               m.position, m.key
        FROM moved m JOIN bumped b USING (topic, partition) JOIN counted USING (topic, partition)
        RETURNING topic, partition
    )
    SELECT DISTINCT topic, partition FROM placed
""").bindparams(bindparam("most", type_=BigInteger()))
"""Moves pointers from the outbox to `published` and numbers them: one statement, so that it is atomic by itself."""


class _Leadership:
    """What a leader may do in the database: every writing transaction checks its epoch first."""

    def __init__(self, engine: AsyncEngine, epoch: int, source: str) -> None:
        self._engine = engine
        self._epoch = epoch
        self._source = source

    async def _fence(self, connection: AsyncConnection) -> None:
        held = select(IDENTITY.c.leader_epoch).where(IDENTITY.c.leader_epoch == self._epoch).with_for_update()
        if await connection.scalar(held) is None:
            raise LeadershipLost

    async def number(self) -> list[Partition]:
        """Number what waits in the outbox; the partitions that got something."""
        async with self._engine.begin() as connection:
            await self._fence(connection)
            rows = await connection.execute(_NUMBER, {"most": _AT_ONCE, "source": self._source})
            return [(row.topic, row.partition) for row in rows]

    async def unacknowledged(self) -> dict[Partition, int]:
        """Partitions in which a former leader left numbered events without acknowledgement."""
        query = select(COUNTERS.c.topic, COUNTERS.c.partition, COUNTERS.c.acknowledged).where(
            COUNTERS.c.source == self._source, COUNTERS.c.acknowledged < COUNTERS.c.next_sequence - 1
        )
        async with self._engine.connect() as connection:
            return {(r.topic, r.partition): r.acknowledged for r in await connection.execute(query)}

    async def acknowledged(self, partition: Partition) -> int:
        query = select(COUNTERS.c.acknowledged).where(
            COUNTERS.c.source == self._source, COUNTERS.c.topic == partition[0], COUNTERS.c.partition == partition[1]
        )
        async with self._engine.connect() as connection:
            return await connection.scalar(query) or 0

    async def acknowledge(self, done: dict[Partition, int]) -> None:
        """Remember what the broker has acknowledged."""
        if not done:
            return
        async with self._engine.begin() as connection:
            await self._fence(connection)
            for (topic, number), last in sorted(done.items()):
                await connection.execute(
                    update(COUNTERS)
                    .where(
                        COUNTERS.c.source == self._source,
                        COUNTERS.c.topic == topic,
                        COUNTERS.c.partition == number,
                    )
                    .values(acknowledged=func.greatest(COUNTERS.c.acknowledged, last))
                )

    async def after(self, partition: Partition, sequence: int) -> list[_Numbered]:
        """The next numbered events of a partition, in order."""
        query = (
            select(PUBLISHED.c.sequence, PUBLISHED.c.key, EVENTS)
            .join(EVENTS, EVENTS.c.position == PUBLISHED.c.position)
            .where(
                PUBLISHED.c.source == self._source,
                PUBLISHED.c.topic == partition[0],
                PUBLISHED.c.partition == partition[1],
                PUBLISHED.c.sequence > sequence,
            )
            .order_by(PUBLISHED.c.sequence)
            .limit(_AT_ONCE)
        )
        async with self._engine.connect() as connection:
            return [self._numbered(row) for row in await connection.execute(query)]

    def _numbered(self, row: Any) -> _Numbered:
        metadata = orjson.loads(row.metadata)
        envelope = Envelope(
            event_id=str(row.event_id),
            source=self._source,
            sequence=row.sequence,
            type=row.type,
            time=row.effective_at.isoformat(),
            subject=row.key,
            correlation=metadata["correlation"],
            causation=metadata["causation"],
            traceparent=metadata["traceparent"],
        )
        timestamp = int(row.recorded_at.timestamp() * 1000)
        return _Numbered(row.sequence, row.key.encode(), row.data.encode(), envelope.headers(), timestamp)
