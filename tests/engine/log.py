"""Kafka for tests: reading all records of a topic, and writing records that our relay would never write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.envelope import Envelope
from shared.contracts.event import Topic
from shared.eventstore.partitions import partition_of
from shared.ids import new_event_id
from shared.messaging.message import RawRecord, parse_record
from shared.messaging.producer import idempotent_producer
from shared.messaging.topics import Topics
from tests.engine.sample import PARTITIONS, Letter, letter

SOURCE = "test/source/1"


def envelope(key: str, sequence: int, *, kind: str = Letter.TYPE, source: str = SOURCE) -> Envelope:
    return Envelope(new_event_id(), source, sequence, kind, "2026-01-05T00:00:00+00:00", key, "test")


def raw(
    key: str,
    number: int,
    text: str = "",
    *,
    at: int,
    kind: str = Letter.TYPE,
    source: str = SOURCE,
    topic: str = Topic.LIST,
    partition: int = 0,
) -> RawRecord:
    """Letter `number` of a key, as the record at offset `at` with sequence `at + 1`, as a consumer passes it to the intake."""
    body = letter(key, number, text).model_dump_json().encode()
    heading = envelope(key, at + 1, kind=kind, source=source)
    return RawRecord(topic, partition, at, key, heading, tuple(heading.headers()), body)


def raws(*letters: tuple[str, int] | tuple[str, int, str]) -> list[RawRecord]:
    """Letters in the order given, from offset 0 on."""
    return [raw(given[0], given[1], given[2] if len(given) == 3 else "", at=at) for at, given in enumerate(letters)]


def gaps(records: Sequence[RawRecord]) -> list[str]:
    """Where a consumer that skips duplicates would find a jump in a source's sequence."""
    last: dict[tuple[int, str], int] = {}
    found: list[str] = []
    for record in records:
        place, sequence = (record.partition, record.envelope.source), record.envelope.sequence
        if sequence > last.get(place, 0) + 1:
            found.append(f"partition {record.partition}: {last.get(place, 0)} to {sequence}")
        last[place] = max(last.get(place, 0), sequence)
    return found


@dataclass
class Log:
    """The topics of one test."""

    kafka: str
    topics: Topics
    _producers: list[AIOKafkaProducer] = field(default_factory=list[AIOKafkaProducer])

    async def records(self, topic: Topic = Topic.LIST) -> list[RawRecord]:
        """All current records of a topic, partition by partition, in order."""
        partitions = [TopicPartition(self.topics.name(topic), n) for n in range(self.topics.count(topic))]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
            found: dict[TopicPartition, list[RawRecord]] = {tp: [] for tp in partitions}
            while any(len(found[tp]) < end for tp, end in ends.items()):
                fetched = cast("dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=500))
                for tp, records in fetched.items():
                    found[tp] += [parse_record(topic, record) for record in records]
            return [record for tp in partitions for record in found[tp]]
        finally:
            await consumer.stop()

    async def count(self, topic: Topic = Topic.LIST) -> int:
        return len(await self.records(topic))

    async def put(self, key: str, number: int, sequence: int, text: str = "") -> None:
        """Write a letter to the list topic, as a relay would."""
        body = letter(key, number, text).model_dump_json().encode()
        partition = partition_of(key, PARTITIONS)
        await self.put_record(partition, key.encode(), body, envelope(key, sequence).headers())

    async def put_record(self, partition: int, key: bytes, body: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Write any record to a partition of the list topic."""
        producer = await self._producer()
        name = self.topics.name(Topic.LIST)
        await producer.send_and_wait(name, body, key, partition, headers=cast("Any", headers))

    async def _producer(self) -> AIOKafkaProducer:
        if not self._producers:
            self._producers.append(idempotent_producer(self.kafka, "test"))
            await self._producers[0].start()
        return self._producers[0]

    async def close(self) -> None:
        for producer in self._producers:
            await producer.stop()


def keys_of(partition: int, count: int) -> list[str]:
    """Keys of one partition."""
    found: list[str] = []
    index = 0
    while len(found) < count:
        if partition_of(f"key{index}", PARTITIONS) == partition:
            found.append(f"key{index}")
        index += 1
    return found
