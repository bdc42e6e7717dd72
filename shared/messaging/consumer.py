"""The consumer of a service: fetches from Kafka, passes batches to the intake, and seeks to the offsets stored in the database.

Consumer groups distribute the partitions among instances. Correctness does not depend on that but on the intake's fence. No lock
is shared with the rebalance listener (that would deadlock). Offsets are committed to Kafka as well, only for its own tools.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.contracts.envelope import UnreadableEnvelope
from shared.database import is_outage, is_rollback
from shared.eventstore import VersionConflict
from shared.messaging.broker import Address, connection_arguments
from shared.messaging.failures import Fenced, SequenceJump, describe, origin
from shared.messaging.intake import Intake, PartitionOffset
from shared.messaging.linger import Linger
from shared.messaging.message import parse_record
from shared.messaging.reaction import NotYet
from shared.messaging.stall_detector import ConsumerStalled, StallDetector
from shared.messaging.topics import Topics

log = logging.getLogger(__name__)

MAX_BATCH = 500
"""Records of one partition in one transaction."""
RETRY_SECONDS = 0.5
MAX_IMMEDIATE_RETRIES = 5
"""Lost races at one offset that are retried at once; after that the consumer waits, so that other writers can finish."""
NOT_YET_SECONDS = 0.1
RESUME_SECONDS = 1.0
"""How often the consumer checks whether an operator has resumed a stopped partition."""
COMMIT_SECONDS = 2.0
"""How often offsets are committed to Kafka."""
CLOSE_TIMEOUT_SECONDS = 3.0
"""How long stopping waits to leave the group when the broker does not answer."""


class _SeekOnAssignment(ConsumerRebalanceListener):
    """Seeks new partitions to their stored offsets before anything is fetched of them. Takes no lock."""

    def __init__(self, owner: "Consumer", consumer: AIOKafkaConsumer) -> None:
        self._owner = owner
        self._consumer = consumer

    # The client accepts coroutines here as well as functions; its annotations do not say so.
    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        self._owner.forget(revoked)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        for tp in assigned:
            await self._owner.seek_new(self._consumer, tp)


class Consumer:
    """Consumes the topics of one service until it is stopped."""

    def __init__(
        self, intake: Intake, topics: Topics, broker: Address, group: str, stall_detector: StallDetector | None = None
    ) -> None:
        self.intake = intake
        self._stall_detector = stall_detector or StallDetector()
        self._topics = topics
        self._broker = broker
        self._group = group
        self._names = {topics.name(topic): topic for topic in intake.reactions.topics}
        self._offsets: dict[TopicPartition, PartitionOffset] = {}
        self._client: AIOKafkaConsumer | None = None
        self._linger = Linger()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._suspected_gaps: dict[TopicPartition, tuple[int, int]] = {}
        self._races: dict[TopicPartition, tuple[int, int]] = {}
        """The offset at which the last race was lost, and how often in a row."""
        self._resume_checked_at = self._committed_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    @property
    def offsets(self) -> Iterable[PartitionOffset]:
        """Where this instance stands in each of its partitions."""
        return self._offsets.values()

    def lag(self, topic: str, partition: int) -> int | None:
        """Records between our offset and the end of the log; None for a partition that this instance does not read."""
        tp = TopicPartition(self._topics.name(topic), partition)
        here, client = self._offsets.get(tp), self._client
        end = client.highwater(tp) if client is not None and tp in client.assignment() else None
        return max(0, end - here.next_offset) if here is not None and end is not None else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._group}")

    async def stop(self) -> None:
        """Finish the current batch and leave the group."""
        self._stopping.set()
        if self._task:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            consumer = self._client = self._make()
            try:
                await consumer.start()
                consumer.subscribe(list(self._names), listener=_SeekOnAssignment(self, consumer))
                await self._consume(consumer)
            except Exception as error:
                if is_outage(error) or isinstance(error, KafkaError | ConsumerStalled):
                    log.warning("%s: consumer waits: %s", self._group, describe(error))
                else:
                    log.exception("%s: consumer failed and is restarted", self._group)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                if self._committing:
                    self._committing.cancel()
                self._client = None
                self._offsets.clear()
                self._stall_detector.clear()
                with suppress(Exception):
                    # A consumer that is replaced must close completely; one that stops for good must not wait for long.
                    timeout = CLOSE_TIMEOUT_SECONDS if self._stopping.is_set() else None
                    async with asyncio.timeout(timeout):
                        await consumer.stop()

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **connection_arguments(self._broker),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=300_000,
        )

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while not self._stopping.is_set():
            if not await self._seek_assigned(consumer):
                continue
            try:
                fetched = await self._fetch(consumer)
            except OffsetOutOfRangeError as error:
                await self._stop_out_of_range(consumer, error)
                continue
            except NoOffsetForPartitionError:
                self._offsets.clear()  # fetched before the first seek: seek, then fetch again
                continue
            self._linger.record_batch(sum(map(len, fetched.values())))
            work = [self._process_partition(consumer, tp, records) for tp, records in fetched.items() if records]
            # Every partition finishes its batch before an error is raised: no batch continues in the background.
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if outcome is not None:
                    raise outcome
            await self._periodic_work(consumer, fetched.keys())

    async def _fetch(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[Any]]:
        await self._linger.linger()
        return cast(
            "dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=200, max_records=MAX_BATCH * 4)
        )

    async def _periodic_work(self, consumer: AIOKafkaConsumer, fetched: Iterable[TopicPartition]) -> None:
        """When due: resume partitions, commit offsets to Kafka. Always: check for a stall. Raises ConsumerStalled."""
        now = asyncio.get_running_loop().time()
        if now - self._resume_checked_at > RESUME_SECONDS:
            self._resume_checked_at = now
            await self._resume_partitions(consumer)
        is_commit_due = now - self._committed_at > COMMIT_SECONDS
        if self._offsets and is_commit_due and (self._committing is None or self._committing.done()):
            self._committed_at = now
            offsets = {tp: here.next_offset for tp, here in self._offsets.items()}
            self._committing = asyncio.create_task(_commit(consumer, offsets))  # nothing waits for it
        active = {tp: here.next_offset for tp, here in self._offsets.items() if not here.stopped_because}
        await self._stall_detector.check(consumer, active, fetched)

    async def _resume_partitions(self, consumer: AIOKafkaConsumer) -> None:
        """Continue with stopped partitions that an operator has resumed."""
        for tp in [tp for tp, here in self._offsets.items() if here.stopped_because]:
            stored = await self.intake.read_offset(self._names[tp.topic], tp.partition)
            if stored.stopped_because is None:
                log.info("%s: partition %s is resumed", self._group, tp)
                self._seek(consumer, tp, stored)

    async def _seek_assigned(self, consumer: AIOKafkaConsumer) -> bool:
        """Seek all assigned partitions that have no offset yet. False while the database does not answer.

        An outage of the database is no reason to leave the group.
        """
        assigned = consumer.assignment()
        self.forget(self._offsets.keys() - assigned)
        try:
            for tp in assigned - self._offsets.keys():
                await self.seek_new(consumer, tp)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("%s: waits for the database: %s", self._group, describe(error))
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drop the offsets of these partitions; those still assigned are read from the database again."""
        for tp in list(partitions):
            self._offsets.pop(tp, None)

    async def seek_new(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        """Seek a new partition to its stored offset. Called by the listener and by the loop: the first one to finish wins."""
        stored = await self.intake.read_offset(self._names[tp.topic], tp.partition)
        if tp not in self._offsets:
            self._seek(consumer, tp, stored)

    def _seek(self, consumer: AIOKafkaConsumer, tp: TopicPartition, stored: PartitionOffset) -> None:
        """A partition that was stopped is tried again: if the cause remains, it stops again."""
        if tp in consumer.assignment():
            consumer.seek(tp, stored.next_offset)
            consumer.resume(tp)
            self._offsets[tp] = replace(stored, stopped_because=None)

    async def _process_partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> None:
        """Handle fetched records of one partition, in slices. If they do not begin at our offset, seek and fetch again."""
        here = self._offsets.get(tp)
        if here is None:
            return
        if records[0].offset != here.next_offset:
            await self._check_gap(consumer, tp, here.next_offset, records[0].offset)
            return
        for start in range(0, len(records), MAX_BATCH):
            if not await self._process_slice(consumer, tp, records[start : start + MAX_BATCH]):
                return

    async def _check_gap(self, consumer: AIOKafkaConsumer, tp: TopicPartition, expected: int, fetched: int) -> None:
        """The records may have been fetched before the seek. If the same gap appears twice, the log has lost records."""
        if fetched > expected and self._suspected_gaps.get(tp) == (expected, fetched):
            await self._stop_partition(consumer, tp, f"records {expected} to {fetched - 1} are gone from the log")
        else:
            self._suspected_gaps[tp] = (expected, fetched)
            self.forget([tp])

    async def _process_slice(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> bool:
        """Handle one slice. False: do not handle the rest of the fetched records now."""
        try:
            await self._take(tp, records)
        except Fenced:
            self.forget([tp])
            return False
        except (SequenceJump, UnreadableEnvelope) as error:
            await self._stop_partition(consumer, tp, str(error))
            return False
        except Exception as error:
            # Any other error concerns this partition only: the others continue.
            await self._retry_later(tp, error)
            return False
        return True

    async def _take(self, tp: TopicPartition, records: Sequence[Any]) -> None:
        """Take a slice. When an event in it waits or stops the partition, take those before it (found by halving)."""
        here = self._offsets.get(tp)
        if here is None:
            raise Fenced(f"{tp} is no longer assigned to this consumer")
        try:
            raws = [parse_record(self._names[tp.topic], record) for record in records]
            self._offsets[tp] = await self.intake.take(here, raws)
        except (NotYet, SequenceJump, UnreadableEnvelope):
            if len(records) == 1:
                raise
            half = len(records) // 2
            await self._take(tp, records[:half])
            await self._take(tp, records[half:])

    async def _retry_later(self, tp: TopicPartition, error: Exception) -> None:
        """Retry this partition from its stored offset: at once when another writer was faster, else after a pause."""
        if isinstance(error, NotYet):
            log.debug("%s: %s waits: %s", self._group, tp, error)
        elif isinstance(error, VersionConflict) or is_outage(error):
            log.warning("%s: %s waits: %s", self._group, tp, describe(error))
        else:
            log.error("%s: %s failed and is retried: %s at %s", self._group, tp, describe(error), origin(error))
        if not self._retries_at_once(tp, error):
            await asyncio.sleep(NOT_YET_SECONDS if isinstance(error, NotYet) else RETRY_SECONDS)
        self.forget([tp])

    def _retries_at_once(self, tp: TopicPartition, error: Exception) -> bool:
        """Whether the error is a lost race with attempts left."""
        if not (isinstance(error, VersionConflict) or is_rollback(error)):
            return False
        stored = self._offsets.get(tp)
        here = stored.next_offset if stored else 0
        last, times = self._races.get(tp, (here, 0))
        self._races[tp] = (here, times + 1 if last == here else 1)
        return self._races[tp][1] <= MAX_IMMEDIATE_RETRIES

    async def _stop_partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, reason: str) -> None:
        """Alarm: this partition waits for an operator; the others continue."""
        log.error("%s: partition %s stopped: %s", self._group, tp, reason)
        if tp in consumer.assignment():
            consumer.pause(tp)
        here = self._offsets.get(tp) or await self.intake.read_offset(self._names[tp.topic], tp.partition)
        here.stopped_because = reason
        self._offsets[tp] = here
        with suppress(Exception):
            await self.intake.stop(here, reason)

    async def _stop_out_of_range(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> None:
        for tp, offset in dict(error.args[0] if error.args else {}).items():
            await self._stop_partition(consumer, tp, f"the log does not hold our offset {offset}")


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    with suppress(KafkaError):
        await consumer.commit(cast("Any", offsets))
