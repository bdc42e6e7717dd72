"""The consumer of a service: fetches from Kafka, hands batches to the intake, and stands where the database says.

Consumer groups share the partitions between instances; correctness does not rest on them but on the intake's fence. No lock
is shared with the rebalance listener (that deadlocks). Offsets go to Kafka too, for its tools only.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.contracts.envelope import UnreadableEnvelope
from shared.database import is_outage
from shared.eventstore import VersionConflict
from shared.messaging.intake import Fenced, Intake, Place, SequenceJump
from shared.messaging.message import Raw, raw_record
from shared.messaging.reaction import NotYet
from shared.messaging.topics import Topics

log = logging.getLogger(__name__)

MOST_PER_BATCH = 500
RETRY_SECONDS = 0.5
HOLD_SECONDS = 0.1


class _Seeker(ConsumerRebalanceListener):
    """Stands new partitions where the database says, before anything is fetched of them. Takes no lock."""

    def __init__(self, owner: "Consumer", consumer: AIOKafkaConsumer) -> None:
        self._owner = owner
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._owner.forget(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for tp in assigned:
            await self._owner.seek(self._consumer, tp)


class Consumer:
    """Consumes the topics of one service until it is stopped."""

    def __init__(self, intake: Intake, topics: Topics, bootstrap_servers: str, group: str) -> None:
        self._intake = intake
        self._topics = topics
        self._servers = bootstrap_servers
        self._group = group
        self._names = {topics.name(topic): topic for topic in intake.reactions.topics}
        self._places: dict[TopicPartition, Place] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def places(self) -> Iterable[Place]:
        """Where this instance stands, of the partitions that it has."""
        return self._places.values()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._group}")

    async def stop(self) -> None:
        """Finish the batch in hand, leave the group."""
        self._stopping.set()
        if self._task:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            consumer = self._make()
            try:
                await consumer.start()
                consumer.subscribe(list(self._names), listener=_Seeker(self, consumer))
                await self._consume(consumer)
            except Exception as error:
                if is_outage(error) or isinstance(error, KafkaError):
                    log.warning("%s: consumer waits: %s: %s", self._group, type(error).__name__, error)
                else:
                    log.exception("%s: consumer failed, it starts again", self._group)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self._places.clear()
                with suppress(Exception):
                    await consumer.stop()

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._servers,
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
            await self._stand_where_the_database_says(consumer)
            try:
                fetched = await consumer.getmany(timeout_ms=200, max_records=MOST_PER_BATCH * 4)
            except OffsetOutOfRangeError as error:
                await self._out_of_range(consumer, error)
                continue
            except NoOffsetForPartitionError:
                self._places.clear()  # fetched before we stood anywhere: stand again, then fetch
                continue
            work = [self._partition(consumer, tp, records) for tp, records in fetched.items() if records]
            # Every partition ends its batch before an error is looked at: none is left half done behind our back.
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _stand_where_the_database_says(self, consumer: AIOKafkaConsumer) -> None:
        assigned = consumer.assignment()
        self.forget(self._places.keys() - assigned)
        for tp in assigned - self._places.keys():
            await self.seek(consumer, tp)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        for tp in list(partitions):
            self._places.pop(tp, None)

    async def seek(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        place = await self._intake.place(self._names[tp.topic], tp.partition)
        if tp in consumer.assignment():
            consumer.seek(tp, place.next_offset)
            self._places[tp] = place

    async def _partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> None:
        """Handle what was fetched of one partition, in slices."""
        place = self._places.get(tp)
        if place is None or records[0].offset != place.next_offset:
            # Fetched before we stood where the database says: fetch again from there.
            await self._seek_or_complain(consumer, tp, records[0].offset)
            return
        for start in range(0, len(records), MOST_PER_BATCH):
            if not await self._slice(consumer, tp, records[start : start + MOST_PER_BATCH]):
                return
        with suppress(KafkaError):
            await consumer.commit({tp: self._places[tp].next_offset})

    async def _seek_or_complain(self, consumer: AIOKafkaConsumer, tp: TopicPartition, offset: int) -> None:
        before = self._places.get(tp)
        await self.seek(consumer, tp)
        place = self._places.get(tp)
        if before and place and before.next_offset == place.next_offset < offset:
            await self._stop_partition(
                consumer, tp, f"records {place.next_offset} to {offset - 1} are gone from the log"
            )

    async def _slice(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> bool:
        """Take one slice. False: the rest of what was fetched is not to be handled now."""
        try:
            raws = [raw_record(self._names[tp.topic], record) for record in records]
            await self._take(tp, raws)
        except Fenced:
            await self.seek(consumer, tp)
            return False
        except (SequenceJump, UnreadableEnvelope) as error:
            await self._stop_partition(consumer, tp, str(error))
            return False
        except (NotYet, VersionConflict) as error:
            await self._later(consumer, tp, error)
            return False
        except Exception as error:
            if not is_outage(error):
                raise
            await self._later(consumer, tp, error)
            return False
        return True

    async def _take(self, tp: TopicPartition, raws: list[Raw]) -> None:
        """Take a slice; when an event in it has to wait, take those before it (halving finds it), then let it wait."""
        try:
            self._places[tp] = await self._intake.take(self._places[tp], raws)
        except NotYet:
            if len(raws) == 1:
                raise
            half = len(raws) // 2
            await self._take(tp, raws[:half])
            await self._take(tp, raws[half:])

    async def _later(self, consumer: AIOKafkaConsumer, tp: TopicPartition, error: Exception) -> None:
        """Try this partition again soon, from where the database says."""
        quiet = isinstance(error, NotYet)
        log.log(logging.DEBUG if quiet else logging.WARNING, "%s: %s waits: %s", self._group, tp, error)
        await asyncio.sleep(HOLD_SECONDS if quiet else RETRY_SECONDS)
        await self.seek(consumer, tp)

    async def _stop_partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, reason: str) -> None:
        """An alarm: this partition goes no further until an operator has acted; others go on."""
        log.error("%s: partition %s stopped: %s", self._group, tp, reason)
        consumer.pause(tp)
        place = self._places.get(tp) or await self._intake.place(self._names[tp.topic], tp.partition)
        place.stopped_because = reason
        self._places[tp] = place
        with suppress(Exception):
            await self._intake.stop(place, reason)

    async def _out_of_range(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> None:
        for tp in error.args[0] if error.args else ():
            await self._stop_partition(consumer, tp, f"the log does not hold our offset {self._places[tp].next_offset}")
