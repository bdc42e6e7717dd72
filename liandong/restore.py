"""After a loss: databases from a backup, a log that agrees with them, and services that can start.

The procedure, for an operator (docs/operating.md has the commands):

1. Stop every service. What was published after the backup is lost with it, on Kafka too.
2. Restore the databases of all services: `from_backup` does it from what `liandong backup` made; a snapshot or a base backup of
   the server is as good. Of databases that were dumped in another order at work, one may have heard what another has not told;
   that is found here, and refused.
3. `restore` recreates the topics (whatever Kafka held, also when it is a new one), refills them from what the databases
   have published, under the old numbers, gives every database a new epoch, and sets all offsets to zero.
4. Migrate, if the backup is of an older version, and start the services. They read the log from its beginning, skip what
   they have, and hear what they had not.

It may be broken off and done again at any time before the services are started. The same steps, from databases at rest, give
the topics more partitions (`repartition`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from liandong import backup
from liandong.node import SERVICES
from shared.contracts.event import Topic
from shared.database import connect, sql_state
from shared.messaging.broker import connection_arguments
from shared.messaging.invariants import at_rest
from shared.messaging.producer import batches, idempotent_producer
from shared.messaging.restore import (
    as_published,
    consumed_beyond_published,
    mark_all_acknowledged,
    merged_log,
    raise_epoch,
    reset_offsets,
)
from shared.messaging.sequencing import Sequenced
from shared.runtime.settings import Settings

Say = Callable[[str], None]

_AT_ONCE = 2_000
_GONE_WITHIN_SECONDS = 60
_NO_DATABASE = "3D000"


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
    """Step 3 of the procedure above. Raises RestoreRefused, and then has changed nothing."""
    async with _databases(settings) as engines:
        if found := await consumed_beyond_published(engines):
            raise RestoreRefused(*found)
        say("recreating the topics / 正在重建主题")
        await _recreate(settings)
        say("refilling them from what was published / 正在由已发布事件回填")
        records = await _refill(settings, list(engines.values()))
        for name, engine in engines.items():
            async with engine.begin() as connection:
                await mark_all_acknowledged(connection)
                await reset_offsets(connection)
                epoch = await raise_epoch(connection)
            say(f"{name}: epoch {epoch} / 第 {epoch} 期")
        return Restored(records)


async def from_backup(settings: Settings, folder: Path, say: Say) -> Restored:
    """Steps 2 and 3. Raises RestoreRefused before anything was changed, and BackupFailed."""
    manifest = backup.read(folder)
    if refused := list(_unlike(settings, manifest)):
        raise RestoreRefused(*refused)
    await _nobody_at_work(settings)
    await backup.load(settings, folder, manifest, say)
    return await restore(settings, say)


def _unlike(settings: Settings, manifest: backup.Manifest) -> Iterable[str]:
    if manifest.database_prefix != settings.database_prefix:
        yield f"the backup is of databases {manifest.database_prefix}…, the settings say {settings.database_prefix}…"
    if manifest.partitions != settings.partitions:
        yield f"the backup is of {manifest.partitions} partitions, the settings say {settings.partitions}"
    if manifest.identity != backup.fingerprint(settings):
        yield "the secrets of identity are not those of the backup: put the old ones back first"


async def repartition(settings: Settings, say: Say) -> Restored:
    """Give the topics as many partitions as the settings say, at least as many as they have. Raises RestoreRefused.

    All must have been told and heard: from the new epoch on a key may stand on another partition, and nothing of its past
    may still be under way on the old one.
    """
    async with _databases(settings) as engines:
        if under_way := await at_rest(engines):
            raise RestoreRefused("something is under way: start the services, let them finish", *under_way)
        highest = [await _highest_partition(engine) for engine in engines.values()]
    if max(highest) >= settings.partitions:
        raise RestoreRefused(f"there are {max(highest) + 1} partitions in use: they can become more, never fewer")
    return await restore(settings, say)


async def _highest_partition(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(text("SELECT coalesce(max(partition), 0) FROM counters")) or 0


async def _nobody_at_work(settings: Settings) -> None:
    """Databases that are there are not in use. Those that are lost are nobody's."""
    for name in SERVICES:
        engine = connect(settings.database(name), pool_size=1)
        try:
            async with engine.connect() as connection:
                await _lock(connection, name)
        except DBAPIError as error:
            if sql_state(error) != _NO_DATABASE:
                raise
        finally:
            await engine.dispose()


@asynccontextmanager
async def _databases(settings: Settings) -> AsyncGenerator[dict[str, AsyncEngine]]:
    """The databases of all services, each with its relay's lock: nobody can be at work there meanwhile."""
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in SERVICES:
            engines[name] = engine = connect(settings.database(name), pool_size=2)
            after.push_async_callback(engine.dispose)
            lock = await after.enter_async_context(engine.connect())
            await _lock(lock, name)
        yield engines


async def _lock(connection: AsyncConnection, service: str) -> None:
    """The relay's lock, as long as the connection lives."""
    if not await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('liandong relay'))")):
        raise RestoreRefused(f"{service} is running: stop every service first")


async def _recreate(settings: Settings) -> None:
    """Delete the topics if they are there, wait until they are gone, and create them empty."""
    admin = AIOKafkaAdminClient(**connection_arguments(settings.broker))
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
    await settings.topics.ensure(settings.broker)


async def _refill(settings: Settings, engines: list[AsyncEngine]) -> dict[str, int]:
    producer = idempotent_producer(settings.broker, "restore")
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
    chunk: list[Sequenced] = []

    async def send() -> None:
        for batch, _ in batches(producer, chunk):
            await cast("Awaitable[object]", await producer.send_batch(batch, name, partition=partition))

    async for row in merged_log(engines, topic.value, partition):
        chunk.append(as_published(row))
        sent += 1
        if len(chunk) == _AT_ONCE:
            await send()
            chunk.clear()
    await send()
    return sent
