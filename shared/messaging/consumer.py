"""The consumer of a service: fetches from Kafka, hands batches to the intake, and stands where the database says.

Consumer groups share the partitions between instances; correctness does not rest on them but on the intake's fence. No lock
is shared with the rebalance listener (that deadlocks). Offsets go to Kafka too, for its tools only.
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
from shared.messaging.broker import Address, connection
from shared.messaging.intake import Fenced, Intake, Place, SequenceJump, describe, origin
from shared.messaging.message import raw_record
from shared.messaging.pace import Pace
from shared.messaging.reaction import NotYet
from shared.messaging.topics import Topics
from shared.messaging.watermark import StandsStill, Watermark

log = logging.getLogger(__name__)

MOST_PER_BATCH = 500
RETRY_SECONDS = 0.5
MOST_RACES = 5
"""Races lost at one place that are run again at once; after that others are given a moment."""
HOLD_SECONDS = 0.1
RESUME_SECONDS = 1.0
"""How often it is looked whether an operator lets a stopped partition go on."""
TELL_SECONDS = 2.0
"""How often Kafka is told where we stand."""
FAREWELL_SECONDS = 3.0
"""A group that cannot be left, because its broker does not answer, does not hold the service up for longer."""


class _Seeker(ConsumerRebalanceListener):
    """Stands new partitions where the database says, before anything is fetched of them. Takes no lock."""

    def __init__(self, owner: "Consumer", consumer: AIOKafkaConsumer) -> None:
        self._owner = owner
        self._consumer = consumer

    # The client takes coroutines here as well as functions; its annotations do not say so.
    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        self._owner.forget(revoked)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        for tp in assigned:
            await self._owner.stand(self._consumer, tp)


class Consumer:
    """Consumes the topics of one service until it is stopped."""

    def __init__(
        self, intake: Intake, topics: Topics, broker: Address, group: str, watermark: Watermark | None = None
    ) -> None:
        self.intake = intake
        self._watermark = watermark or Watermark()
        self._topics = topics
        self._broker = broker
        self._group = group
        self._names = {topics.name(topic): topic for topic in intake.reactions.topics}
        self._places: dict[TopicPartition, Place] = {}
        self._client: AIOKafkaConsumer | None = None
        self._pace = Pace()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._doubts: dict[TopicPartition, tuple[int, int]] = {}
        self._races: dict[TopicPartition, tuple[int, int]] = {}
        """Where a race was lost last, and how often in a row."""
        self._looked_at = self._told_at = 0.0
        self._telling: asyncio.Task[None] | None = None

    @property
    def places(self) -> Iterable[Place]:
        """Where this instance stands, of the partitions that it has."""
        return self._places.values()

    def lag(self, topic: str, partition: int) -> int | None:
        """Records between where we stand and the end of the log; None for a partition that this instance does not read."""
        tp = TopicPartition(self._topics.name(topic), partition)
        place, client = self._places.get(tp), self._client
        end = client.highwater(tp) if client is not None and tp in client.assignment() else None
        return max(0, end - place.next_offset) if place is not None and end is not None else None

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
            consumer = self._client = self._make()
            try:
                await consumer.start()
                consumer.subscribe(list(self._names), listener=_Seeker(self, consumer))
                await self._consume(consumer)
            except Exception as error:
                if is_outage(error) or isinstance(error, KafkaError | StandsStill):
                    log.warning("%s: consumer waits: %s", self._group, describe(error))
                else:
                    log.exception("%s: consumer failed, it starts again", self._group)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                if self._telling:
                    self._telling.cancel()
                self._client = None
                self._places.clear()
                self._watermark.clear()
                with suppress(Exception):
                    # Of a consumer that is made anew nothing must be left behind; one that ends for good may not wait.
                    patience = FAREWELL_SECONDS if self._stopping.is_set() else None
                    async with asyncio.timeout(patience):
                        await consumer.stop()

    def _make(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **connection(self._broker),
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
            if not await self._stands_where_the_database_says(consumer):
                continue
            try:
                fetched = await self._fetch(consumer)
            except OffsetOutOfRangeError as error:
                await self._out_of_range(consumer, error)
                continue
            except NoOffsetForPartitionError:
                self._places.clear()  # fetched before we stood anywhere: stand again, then fetch
                continue
            self._pace.took(sum(map(len, fetched.values())))
            work = [self._partition(consumer, tp, records) for tp, records in fetched.items() if records]
            # Every partition ends its batch before an error is looked at: none is left half done behind our back.
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if outcome is not None:
                    raise outcome
            await self._look_around(consumer, fetched.keys())

    async def _fetch(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[Any]]:
        await self._pace.breathe()
        return cast(
            "dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=200, max_records=MOST_PER_BATCH * 4)
        )

    async def _look_around(self, consumer: AIOKafkaConsumer, moved: Iterable[TopicPartition]) -> None:
        """What is due now and then: go on where an operator said so, tell Kafka, notice a consumer that is stuck."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > RESUME_SECONDS:
            self._looked_at = now
            await self._resume_what_was_released(consumer)
        if self._places and now - self._told_at > TELL_SECONDS and (self._telling is None or self._telling.done()):
            self._told_at = now
            offsets = {tp: place.next_offset for tp, place in self._places.items()}
            self._telling = asyncio.create_task(_tell(consumer, offsets))  # nobody waits for it
        going = {tp: place.next_offset for tp, place in self._places.items() if not place.stopped_because}
        await self._watermark.look(consumer, going, moved)

    async def _resume_what_was_released(self, consumer: AIOKafkaConsumer) -> None:
        for tp in [tp for tp, place in self._places.items() if place.stopped_because]:
            place = await self.intake.place(self._names[tp.topic], tp.partition)
            if place.stopped_because is None:
                log.info("%s: partition %s goes on", self._group, tp)
                self._go_on(consumer, tp, place)

    async def _stands_where_the_database_says(self, consumer: AIOKafkaConsumer) -> bool:
        """Stand where we do not yet. False while the database does not say; that is no reason to leave the group."""
        assigned = consumer.assignment()
        self.forget(self._places.keys() - assigned)
        try:
            for tp in assigned - self._places.keys():
                await self.stand(consumer, tp)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("%s: waits for the database: %s", self._group, describe(error))
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        for tp in list(partitions):
            self._places.pop(tp, None)

    async def stand(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        """Begin with a partition that is new to us. The listener and the loop both come here: the first to stand is right."""
        place = await self.intake.place(self._names[tp.topic], tp.partition)
        if tp not in self._places:
            self._go_on(consumer, tp, place)

    def _go_on(self, consumer: AIOKafkaConsumer, tp: TopicPartition, place: Place) -> None:
        """A partition that was stopped before is tried again: what stopped it stops it again, if it is still so."""
        if tp in consumer.assignment():
            consumer.seek(tp, place.next_offset)
            consumer.resume(tp)
            self._places[tp] = replace(place, stopped_because=None)

    async def _partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> None:
        """Handle what was fetched of one partition, in slices. Where we do not stand, we stand anew and fetch again."""
        place = self._places.get(tp)
        if place is None:
            return
        if records[0].offset != place.next_offset:
            await self._doubt(consumer, tp, place.next_offset, records[0].offset)
            return
        for start in range(0, len(records), MOST_PER_BATCH):
            if not await self._slice(consumer, tp, records[start : start + MOST_PER_BATCH]):
                return

    async def _doubt(self, consumer: AIOKafkaConsumer, tp: TopicPartition, stands: int, fetched: int) -> None:
        """It may have been fetched before we stood here. When the same comes again, the log has lost what is between."""
        if fetched > stands and self._doubts.get(tp) == (stands, fetched):
            await self._stop_partition(consumer, tp, f"records {stands} to {fetched - 1} are gone from the log")
        else:
            self._doubts[tp] = (stands, fetched)
            self.forget([tp])

    async def _slice(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> bool:
        """Take one slice. False: the rest of what was fetched is not to be handled now."""
        try:
            await self._take(tp, records)
        except Fenced:
            self.forget([tp])
            return False
        except (SequenceJump, UnreadableEnvelope) as error:
            await self._stop_partition(consumer, tp, str(error))
            return False
        except Exception as error:
            # Whatever it is, it is of this partition: the others go on.
            await self._later(tp, error)
            return False
        return True

    async def _take(self, tp: TopicPartition, records: Sequence[Any]) -> None:
        """Take a slice; when an event in it waits or stops the partition, take those before it (halving finds it)."""
        place = self._places.get(tp)
        if place is None:
            raise Fenced(f"{tp} was taken from us")
        try:
            raws = [raw_record(self._names[tp.topic], record) for record in records]
            self._places[tp] = await self.intake.take(place, raws)
        except (NotYet, SequenceJump, UnreadableEnvelope):
            if len(records) == 1:
                raise
            half = len(records) // 2
            await self._take(tp, records[:half])
            await self._take(tp, records[half:])

    async def _later(self, tp: TopicPartition, error: Exception) -> None:
        """Try this partition again from where the database says: at once when another writer was faster, else soon."""
        if isinstance(error, NotYet):
            log.debug("%s: %s waits: %s", self._group, tp, error)
        elif isinstance(error, VersionConflict) or is_outage(error):
            log.warning("%s: %s waits: %s", self._group, tp, describe(error))
        else:
            log.error("%s: %s failed, it is tried again: %s at %s", self._group, tp, describe(error), origin(error))
        if not self._runs_again(tp, error):
            await asyncio.sleep(HOLD_SECONDS if isinstance(error, NotYet) else RETRY_SECONDS)
        self.forget([tp])

    def _runs_again(self, tp: TopicPartition, error: Exception) -> bool:
        """Whether a race was lost that is to be run again at once."""
        if not (isinstance(error, VersionConflict) or is_rollback(error)):
            return False
        place = self._places.get(tp)
        here = place.next_offset if place else 0
        last, times = self._races.get(tp, (here, 0))
        self._races[tp] = (here, times + 1 if last == here else 1)
        return self._races[tp][1] <= MOST_RACES

    async def _stop_partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, reason: str) -> None:
        """An alarm: this partition goes no further until an operator has acted; others go on."""
        log.error("%s: partition %s stopped: %s", self._group, tp, reason)
        if tp in consumer.assignment():
            consumer.pause(tp)
        place = self._places.get(tp) or await self.intake.place(self._names[tp.topic], tp.partition)
        place.stopped_because = reason
        self._places[tp] = place
        with suppress(Exception):
            await self.intake.stop(place, reason)

    async def _out_of_range(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> None:
        for tp, offset in dict(error.args[0] if error.args else {}).items():
            await self._stop_partition(consumer, tp, f"the log does not hold our offset {offset}")


async def _tell(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    with suppress(KafkaError):
        await consumer.commit(cast("Any", offsets))
