"""The relay: publishes events from the outbox to Kafka, in order, by one leader for each service.

Invariants:
* Only the leader assigns sequences (shared/messaging/sequencing.py), and only when everything sent before is acknowledged.
* At most one batch of a partition is unacknowledged. After an error nothing more is sent on that producer: it is discarded, and
  work resumes from the last acknowledged sequence. Consumers skip what they get twice.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import is_outage
from shared.eventstore.schema import IDENTITY
from shared.messaging.broker import Address
from shared.messaging.linger import Linger
from shared.messaging.producer import batches, idempotent_producer
from shared.messaging.sequencing import Leadership, LeadershipLost, Partition, Sequenced, Waiting
from shared.messaging.topics import Topics
from shared.telemetry import traces

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""A commit normally wakes the relay; polling finds events whose wake-up was missed."""

CLOSE_TIMEOUT_SECONDS = 5.0
"""How long stopping waits for a producer that cannot reach its broker."""

_RESTART_SECONDS = 0.5


class Relay:
    """Publishes one service's events. Every instance runs one; an advisory lock elects the leader."""

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
        self.is_leader = False

    def wake(self) -> None:
        """The outbox may have new events: look now."""
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
                log.warning("%s: another relay is the leader now", self._service)
            except Exception as error:
                if not is_outage(error) and not isinstance(error, KafkaError):
                    log.exception("%s: relay failed and is restarted", self._service)
                else:
                    log.warning("%s: relay waits: %s", self._service, type(error).__name__)
            finally:
                self.is_leader = False
            await asyncio.sleep(_RESTART_SECONDS)

    async def _lead_when_free(self) -> None:
        """Take the advisory lock on a dedicated connection, and publish while that connection lives."""
        async with self._engine.connect() as lock:
            await lock.execution_options(isolation_level="AUTOCOMMIT")
            while not await self._try_lock(lock):
                await asyncio.sleep(POLL_SECONDS)
            try:
                epoch, source = await self._new_epoch()
                self.is_leader = True
                await self._publish(Leadership(self._engine, epoch, source), lock)
            finally:
                with suppress(Exception):
                    await lock.execute(text("SELECT pg_advisory_unlock(hashtext('liandong relay'))"))

    async def _try_lock(self, lock: AsyncConnection) -> bool:
        return bool(await lock.scalar(text("SELECT pg_try_advisory_lock(hashtext('liandong relay'))")))

    async def _new_epoch(self) -> tuple[int, str]:
        """Raise the leader's epoch, which excludes all former leaders; the epoch, and the source of this store."""
        async with self._engine.begin() as connection:
            raised = (
                update(IDENTITY)
                .values(leader_epoch=IDENTITY.c.leader_epoch + 1)
                .returning(IDENTITY.c.leader_epoch, IDENTITY.c.database_id, IDENTITY.c.source_epoch)
            )
            row = (await connection.execute(raised)).one()
            return row.leader_epoch, f"{self._service}/{row.database_id}/{row.source_epoch}"

    async def _publish(self, leadership: Leadership, lock: AsyncConnection) -> None:
        producer = self._make_producer()
        try:
            await producer.start()
            # Events left by a former leader come first: nothing newer may be sent before them.
            while left := await leadership.unacknowledged():
                await leadership.acknowledge(await self._send_all(producer, leadership, left))
            await self._publish_outbox(producer, leadership, lock)
        finally:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await producer.stop()

    async def _publish_outbox(self, producer: AIOKafkaProducer, leadership: Leadership, lock: AsyncConnection) -> None:
        """Assign sequences and send, batch after batch, until an error or the end of this leadership."""
        acknowledged: dict[Partition, int] = {}
        linger, lock_checked_at = Linger(), 0.0
        while True:
            await linger.linger()
            self._wake.clear()
            waiting = await leadership.assign_sequences(acknowledged)
            acknowledged = await self._send_all(producer, leadership, waiting)
            linger.record_batch(sum(map(len, waiting.values())))
            if acknowledged:
                continue
            if (now := time.monotonic()) - lock_checked_at > POLL_SECONDS:
                await lock.execute(text("SELECT 1"))  # a dead lock connection ends this leadership
                lock_checked_at = now
            # Not wait_for: before Python 3.12 it may swallow a cancellation, and the relay would not stop.
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()

    async def _send_all(
        self, producer: AIOKafkaProducer, leadership: Leadership, waiting: Waiting
    ) -> dict[Partition, int]:
        """Send events that have sequences: partitions concurrently, each in order.

        Returns the last sequence that the broker acknowledged, by partition. The next statement stores it; after an error it is
        stored here, before the error is raised.
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
        events: Sequence[Sequenced],
        acknowledged: dict[Partition, int],
    ) -> None:
        """Send one partition's events, one batch after the other, and note what the broker has acknowledged."""
        topic, number = partition
        with traces.batch(f"publish {topic}", lambda: _traceparents(events), partition=number, events=len(events)):
            for batch, last in batches(producer, events):
                name = self._topics.name(topic)
                delivered = cast("Awaitable[object]", await producer.send_batch(batch, name, partition=number))
                await delivered
                acknowledged[partition] = last


def _traceparents(events: Sequence[Sequenced]) -> Iterator[str]:
    return (value.decode() for event in events for name, value in event.headers if name == "ce_traceparent")
