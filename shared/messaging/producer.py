"""The Kafka producer, and record batches in order."""

from collections.abc import Iterator, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.messaging.broker import Address, connection_arguments
from shared.messaging.sequencing import Sequenced

BATCH_BYTES = 512 * 1024


def idempotent_producer(broker: Address, client_id: str) -> AIOKafkaProducer:
    """A producer whose own retries cannot duplicate or reorder: idempotent, acknowledged by all replicas."""
    return AIOKafkaProducer(
        **connection_arguments(broker),
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * 1024 * 1024,
        request_timeout_ms=20_000,
    )


def batches(producer: AIOKafkaProducer, events: Sequence[Sequenced]) -> Iterator[tuple[BatchBuilder, int]]:
    """Record batches in order, each with the sequence of its last event. A batch accepts its first event whatever its size."""
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
