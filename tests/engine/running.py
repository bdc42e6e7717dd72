"""Relays and consumers that run during a block, and waiting until everything is published and consumed."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiokafka import AIOKafkaProducer
from sqlalchemy import func, select

from shared.eventstore.schema import OFFSETS
from shared.messaging.consumer import Consumer
from shared.messaging.invariants import at_rest
from shared.messaging.relay import Relay
from shared.messaging.stall_detector import StallDetector
from tests.engine.log import Log
from tests.engine.sample import Sample
from tests.harness import eventually


@asynccontextmanager
async def relaying(
    service: Sample, log: Log, make_producer: Callable[[], AIOKafkaProducer] | None = None
) -> AsyncGenerator[Relay]:
    relay = Relay(service.name, service.engine, log.topics, log.kafka, make_producer)
    service.store.on_commit.append(relay.wake)
    relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
        service.store.on_commit.remove(relay.wake)


@asynccontextmanager
async def consuming(service: Sample, log: Log, stall_detector: StallDetector | None = None) -> AsyncGenerator[Consumer]:
    """A consumer with at least one stored offset: `all_consumed` does not wait for a service without offsets."""
    group = f"{log.topics.prefix}{service.name}"
    consumer = Consumer(service.intake, log.topics, log.kafka, group, stall_detector)
    consumer.start()
    try:
        await eventually(partial(_has_offsets, service))
        yield consumer
    finally:
        await consumer.stop()


async def _has_offsets(service: Sample) -> bool:
    async with service.engine.connect() as connection:
        return bool(await connection.scalar(select(func.count()).select_from(OFFSETS)))


async def all_consumed(**services: Sample) -> None:
    """Return when these services have published and consumed everything; the AssertionError lists what is missing."""
    engines = {name: service.engine for name, service in services.items()}

    async def nothing_waits() -> bool:
        waiting[:] = await at_rest(engines)
        return not waiting

    waiting: list[str] = []
    try:
        await eventually(nothing_waits, every=0.1)
    except AssertionError:
        raise AssertionError("not everything was published and consumed:\n" + "\n".join(waiting)) from None
