"""Relays and consumers that run for the length of a block, and the moment at which all is at rest."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiokafka import AIOKafkaProducer
from sqlalchemy import func, select

from shared.eventstore.schema import OFFSETS
from shared.messaging.consumer import Consumer
from shared.messaging.invariants import at_rest
from shared.messaging.relay import Relay
from shared.messaging.watermark import Watermark
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
async def consuming(service: Sample, log: Log, watermark: Watermark | None = None) -> AsyncGenerator[Consumer]:
    """A consumer that stands somewhere: whoever has never stood has nothing to hear, and `rest` would not wait for it."""
    group = f"{log.topics.prefix}{service.name}"
    consumer = Consumer(service.intake, log.topics, log.kafka, group, watermark)
    consumer.start()
    try:
        await eventually(partial(_stands, service))
        yield consumer
    finally:
        await consumer.stop()


async def _stands(service: Sample) -> bool:
    async with service.engine.connect() as connection:
        return bool(await connection.scalar(select(func.count()).select_from(OFFSETS)))


async def rest(**services: Sample) -> None:
    """Return when everything told is published, and heard by all; the AssertionError says what is not."""
    engines = {name: service.engine for name, service in services.items()}

    async def nothing_waits() -> bool:
        waiting[:] = await at_rest(engines)
        return not waiting

    waiting: list[str] = []
    try:
        await eventually(nothing_waits, every=0.1)
    except AssertionError:
        raise AssertionError("never came to rest:\n" + "\n".join(waiting)) from None
