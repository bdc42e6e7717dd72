"""Disaster recovery: restores databases from a backup, refills Kafka from them, and leaves services ready to start.

The procedure, for an operator (docs/operating.md has the commands):

1. Stop every service. Events published after the backup are lost, on Kafka too.
2. Restore the databases of all services: `from_backup` does it from a folder of `liandong backup`; a snapshot or a base
   backup of the server serves as well. If databases were dumped in another order while services ran, one may have consumed
   events that another has not published; that is detected here and refused.
3. `restore` recreates the topics (whatever Kafka held; a new, empty Kafka is fine), refills them with the published events of
   the databases under their old sequence numbers, starts a new epoch in every database, and sets all offsets to zero.
4. Migrate, if the backup is of an older version, and start the services. They read the log from its beginning, skip the
   events that they have, and consume the others.

The procedure can be interrupted and repeated at any time before the services are started. The same steps, from an idle system,
give the topics more partitions (`repartition`).
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

_CHUNK = 2_000
_DELETE_TIMEOUT_SECONDS = 60
_NO_DATABASE = "3D000"


class RestoreRefused(Exception):
    """The databases are not in a state from which the system may start. `reasons`: one sentence per problem."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class Restored:
    """The number of records per topic after the refill."""

    records: Mapping[str, int]


async def restore(settings: Settings, say: Say) -> Restored:
    """Step 3 of the procedure above. Raises RestoreRefused before any change."""
    async with _databases(settings) as engines:
        if found := await consumed_beyond_published(engines):
            raise RestoreRefused(*found)
        say("recreating the topics / 正在重建主题")
        await _recreate(settings)
        say("refilling them with the published events / 正在由已发布事件回填")
        records = await _refill(settings, list(engines.values()))
        for name, engine in engines.items():
            async with engine.begin() as connection:
                await mark_all_acknowledged(connection)
                await reset_offsets(connection)
                epoch = await raise_epoch(connection)
            say(f"{name}: epoch {epoch} / 第 {epoch} 期")
        return Restored(records)


async def from_backup(settings: Settings, folder: Path, say: Say) -> Restored:
    """Steps 2 and 3. Raises RestoreRefused before any change, and BackupFailed."""
    manifest = backup.read(folder)
    if refused := list(_differences(settings, manifest)):
        raise RestoreRefused(*refused)
    await _check_idle(settings)
    await backup.load(settings, folder, manifest, say)
    return await restore(settings, say)


def _differences(settings: Settings, manifest: backup.Manifest) -> Iterable[str]:
    if manifest.database_prefix != settings.database_prefix:
        yield f"the backup is of databases {manifest.database_prefix}…, the settings say {settings.database_prefix}…"
    if manifest.partitions != settings.partitions:
        yield f"the backup is of {manifest.partitions} partitions, the settings say {settings.partitions}"
    if manifest.identity != backup.fingerprint(settings):
        yield "the identity secrets are not those of the backup: put the old ones back first"


async def repartition(settings: Settings, say: Say) -> Restored:
    """Recreate the topics with the number of partitions in the settings, which may not be lower. Raises RestoreRefused.

    Every event must be published and consumed before: in the new epoch a key may move to another partition, and none of its
    earlier events may be in flight on the old one.
    """
    async with _databases(settings) as engines:
        if in_flight := await at_rest(engines):
            raise RestoreRefused("work is still in flight: start the services and let them finish", *in_flight)
        highest = [await _highest_partition(engine) for engine in engines.values()]
    if max(highest) >= settings.partitions:
        raise RestoreRefused(f"{max(highest) + 1} partitions are in use: there can be more, never fewer")
    return await restore(settings, say)


async def _highest_partition(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(text("SELECT coalesce(max(partition), 0) FROM counters")) or 0


async def _check_idle(settings: Settings) -> None:
    """Existing databases must not be in use; missing ones have no user. Raises RestoreRefused."""
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
    """The databases of all services. The relay's lock of each is held as long as the block, so that no service can run."""
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in SERVICES:
            engines[name] = engine = connect(settings.database(name), pool_size=2)
            after.push_async_callback(engine.dispose)
            lock = await after.enter_async_context(engine.connect())
            await _lock(lock, name)
        yield engines


async def _lock(connection: AsyncConnection, service: str) -> None:
    """Take the relay's lock; it is held until the connection closes. Raises RestoreRefused."""
    if not await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext('liandong relay'))")):
        raise RestoreRefused(f"{service} is running: stop every service first")


async def _recreate(settings: Settings) -> None:
    """Delete the topics if they exist, wait until they are deleted, and create them empty."""
    admin = AIOKafkaAdminClient(**connection_arguments(settings.broker))
    await admin.start()
    names = {settings.topics.name(topic) for topic in Topic}
    try:
        if existing := names & set(await admin.list_topics()):
            await admin.delete_topics(sorted(existing))
        async with asyncio.timeout(_DELETE_TIMEOUT_SECONDS):
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
    """Send all records of a partition in order, one batch after another; returns their number."""
    name, sent = settings.topics.name(topic), 0
    chunk: list[Sequenced] = []

    async def send() -> None:
        for batch, _ in batches(producer, chunk):
            await cast("Awaitable[object]", await producer.send_batch(batch, name, partition=partition))

    async for row in merged_log(engines, topic.value, partition):
        chunk.append(as_published(row))
        sent += 1
        if len(chunk) == _CHUNK:
            await send()
            chunk.clear()
    await send()
    return sent
