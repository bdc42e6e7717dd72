"""After all databases were restored from backup: a log that agrees with them, and services that can start.

The procedure, for an operator:

1. Stop every service. What was published after the backup is lost with it, on Kafka too.
2. Restore the databases of all services to one point: a snapshot or a base backup of the server, or dumps taken while the
   services stood still. Of databases that were dumped one after another at work, one may have heard what another has not
   told; that is found here, and refused.
3. `liandong restore`: recreates the topics (whatever Kafka held, also when it is a new one), refills them from what the
   databases have published, under the old numbers, gives every database a new epoch, and sets all offsets to zero.
4. Start the services. They read the log from its beginning, skip what they have, and hear what they had not.

It may be broken off and done again at any time before the services are started.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.node import SERVICES
from shared.contracts.event import Topic
from shared.database import connect
from shared.messaging.relay import Numbered, batches, idempotent_producer
from shared.messaging.restore import all_acknowledged, beyond, log_of, numbered_of, raise_epoch, stand_at_zero
from shared.settings import Settings

Say = Callable[[str], None]

_AT_ONCE = 2_000
_GONE_WITHIN_SECONDS = 60


class RestoreRefused(Exception):
    """The databases cannot be put to work as they are. `reasons` says why."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class Restored:
    """How many records each topic holds again."""

    records: Mapping[str, int]


async def restore(settings: Settings, say: Say) -> Restored:
    """Steps 3 of the procedure above. Raises RestoreRefused, and then has changed nothing."""
    async with _databases(settings) as engines:
        if found := await beyond(engines):
            raise RestoreRefused(*found)
        say("recreating the topics / 正在重建主题")
        await _recreate(settings)
        say("refilling them from what was published / 正在由已发布事件回填")
        records = await _refill(settings, list(engines.values()))
        for name, engine in engines.items():
            async with engine.begin() as connection:
                await all_acknowledged(connection)
                await stand_at_zero(connection)
                epoch = await raise_epoch(connection)
            say(f"{name}: epoch {epoch} / 第 {epoch} 期")
        return Restored(records)


@asynccontextmanager
async def _databases(settings: Settings) -> AsyncGenerator[dict[str, AsyncEngine]]:
    """The databases of all services, each with its relay's lock: nobody can be at work there meanwhile."""
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in SERVICES:
            engines[name] = engine = connect(settings.database(name), pool_size=2)
            after.push_async_callback(engine.dispose)
            lock = await after.enter_async_context(engine.connect())
            if not await lock.scalar(text("SELECT pg_try_advisory_lock(hashtext('liandong relay'))")):
                raise RestoreRefused(f"{name} is running: stop every service first")
        yield engines


async def _recreate(settings: Settings) -> None:
    """Delete the topics if they are there, wait until they are gone, and create them empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    names = {settings.topics.name(topic) for topic in Topic}
    try:
        if there := names & set(await admin.list_topics()):
            await admin.delete_topics(sorted(there))
        async with asyncio.timeout(_GONE_WITHIN_SECONDS):
            while names & set(await admin.list_topics()):
                await asyncio.sleep(0.2)
    finally:
        await admin.close()
    await settings.topics.ensure(settings.kafka)


async def _refill(settings: Settings, engines: list[AsyncEngine]) -> dict[str, int]:
    producer = idempotent_producer(settings.kafka, "restore")
    await producer.start()
    try:
        records: dict[str, int] = {}
        for topic in Topic:
            sent = [
                _refill_partition(settings, producer, engines, topic, n) for n in range(settings.topics.count(topic))
            ]
            records[topic.value] = sum(await asyncio.gather(*sent))
        return records
    finally:
        await producer.stop()


async def _refill_partition(
    settings: Settings, producer: AIOKafkaProducer, engines: list[AsyncEngine], topic: Topic, partition: int
) -> int:
    """In order, one batch after another: how many records."""
    name, sent = settings.topics.name(topic), 0
    chunk: list[Numbered] = []

    async def send() -> None:
        for batch, _ in batches(producer, chunk):
            await cast("Awaitable[object]", await producer.send_batch(batch, name, partition=partition))

    async for row in log_of(engines, topic.value, partition):
        chunk.append(numbered_of(row))
        sent += 1
        if len(chunk) == _AT_ONCE:
            await send()
            chunk.clear()
    await send()
    return sent
