"""Reads all records of the topics from Kafka."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.event import Topic
from shared.messaging.broker import Address, connection_arguments
from shared.messaging.message import RawRecord, parse_record
from shared.messaging.topics import Topics


@asynccontextmanager
async def _reader(broker: Address) -> AsyncGenerator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**connection_arguments(broker), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def records(broker: Address, topics: Topics) -> dict[tuple[str, int], list[RawRecord]]:
    """All records by topic (its name in the contracts) and partition, in the order of the log. Raises UnreadableEnvelope."""
    partitions = {TopicPartition(topics.name(topic), n): topic for topic in Topic for n in range(topics.count(topic))}
    found: dict[tuple[str, int], list[RawRecord]] = {
        (topic.value, tp.partition): [] for tp, topic in partitions.items()
    }
    async with _reader(broker) as consumer:
        consumer.assign(list(partitions))
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(list(partitions)))
        waiting = {tp for tp, end in ends.items() if end > 0}
        while waiting:
            fetched = cast("dict[TopicPartition, Sequence[Any]]", await consumer.getmany(timeout_ms=500))
            for tp, batch in fetched.items():
                topic = partitions[tp].value
                found[topic, tp.partition] += [parse_record(topic, record) for record in batch]
                if batch and batch[-1].offset >= ends[tp] - 1:
                    waiting.discard(tp)
    return found
