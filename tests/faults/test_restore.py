"""After the restore of a backup: events published after it are lost, and new events are consumed exactly once."""

import asyncio
import uuid
from collections.abc import Awaitable
from typing import Protocol

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from liandong import restore
from liandong.node import SERVICES
from liandong.soak import verdict
from liandong.soak.load import Load
from liandong.soak.system import System
from shared.contracts.event import Topic
from shared.messaging.invariants import at_rest, unconsumed
from shared.messaging.restore import consumed_beyond_published, raise_epoch
from tests.engine.conftest import Databases, MakeSample
from tests.engine.log import Log, keys_of
from tests.engine.running import all_consumed, consuming, relaying
from tests.engine.sample import Sample
from tests.faults.conftest import UnderLoad

pytestmark = pytest.mark.fault


class Copy(Protocol):
    def __call__(self, service: Sample) -> Awaitable[str]: ...


@pytest.fixture
def copied(databases: Databases) -> Copy:
    """Copies the database of a stopped service; returns the URL of the copy."""

    async def copy(service: Sample) -> str:
        await service.engine.dispose()
        source, target = service.engine.url.database, f"t{uuid.uuid4().hex[:10]}_backup"
        databases.names.append(target)
        server = create_async_engine(databases.server, isolation_level="AUTOCOMMIT")
        async with server.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{target}" TEMPLATE "{source}"'))
        await server.dispose()
        return databases.url(target)

    return copy


async def test_events_of_a_service_restored_from_an_older_backup_are_consumed_only_under_a_new_epoch(
    sample: MakeSample, databases: Databases, log: Log, copied: Copy
) -> None:
    """Consumers have read 6 events, the service continues at 4: without a new epoch its next events would be skipped silently."""
    before, behind, anew = keys_of(0, 3)
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    async with relaying(publisher, log), consuming(subscriber, log):
        await publisher.publish(before, *"123")
        await all_consumed(publisher=publisher, subscriber=subscriber)
    backup = await copied(publisher)
    async with relaying(publisher, log), consuming(subscriber, log):
        await publisher.publish(before, *"456")
        await all_consumed(publisher=publisher, subscriber=subscriber)
    restored = await sample(same_as=publisher, url=backup)
    engines = {"publisher": restored.engine, "subscriber": subscriber.engine}
    async with relaying(restored, log), consuming(subscriber, log):
        await restored.publish(behind, *"12")
        await all_consumed(publisher=restored)
        await asyncio.sleep(1)
        assert await subscriber.consumed() == {before: [1, 2, 3, 4, 5, 6]}
    assert "up to 6, published is 5" in "\n".join(await unconsumed(engines))
    assert "up to 6, published is 5" in "\n".join(await consumed_beyond_published(engines))
    async with restored.engine.begin() as connection:
        assert await raise_epoch(connection) == 2
    async with relaying(restored, log), consuming(subscriber, log):
        await restored.publish(anew, *"12")
        await all_consumed(publisher=restored)
        while anew not in await subscriber.consumed():
            await asyncio.sleep(0.05)
    assert await subscriber.consumed() == {before: [1, 2, 3, 4, 5, 6], anew: [1, 2]}


async def test_all_databases_restored_to_one_point_continue_with_a_refilled_log(
    victim: System, load: Load, under_load: UnderLoad
) -> None:
    """The backup is taken in the middle of a round: outboxes are full, and the log has unread records."""
    with pytest.raises(restore.RestoreRefused, match="is running"):
        await restore.restore(victim.settings, print)
    async with under_load():
        await _stop_with_events_in_flight(victim)
        await _copy_all(victim, "{}", "backup_{}")
        await victim.start_services()
        await _next_round(victim)
    lost = await _count(victim, "initiator", "entries")
    await victim.stop_services()
    await _copy_all(victim, "backup_{}", "{}")
    assert 0 < await _count(victim, "initiator", "entries") < lost
    restored = await restore.restore(victim.settings, print)
    assert min(restored.records[topic] for topic in (Topic.LAWBOOK, Topic.LIST, Topic.RESPONSE)) > 0
    await victim.start_services()
    load.published = await _imported(victim)
    async with under_load():
        pass
    assert await verdict.folds(victim.engines, victim.settings) == []


async def _stop_with_events_in_flight(victim: System) -> None:
    """Kill all services in the middle of a round; repeat it if all published events had been read by then."""
    for _ in range(_TRIES):
        await _in_the_middle(victim)
        await victim.stop_services(at_once=True)
        if await at_rest(victim.engines):
            return
        await victim.start_services()
    raise AssertionError(f"all published events had been read in each of {_TRIES} attempts")


_TRIES = 10


async def _in_the_middle(victim: System) -> None:
    """Return when departments have the first tasks of a round, and most of it is still in flight."""
    before = now = await _count(victim, "executor", "tasks")
    while now <= before:
        before = now
        await asyncio.sleep(0.02)
        now = await _count(victim, "executor", "tasks")


async def _next_round(victim: System) -> None:
    before = await _count(victim, "initiator", "imports")
    while await _count(victim, "initiator", "imports") <= before:
        await asyncio.sleep(0.1)


async def _count(victim: System, service: str, table: str) -> int:
    async with victim.engines[service].connect() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0


async def _imported(victim: System) -> int:
    """The good rows of all files, after the imports that were half published in the backup are published."""
    query = "SELECT sum(published), count(*) FILTER (WHERE status IN ('checking', 'publishing')) FROM imports"
    while True:
        async with victim.engines["initiator"].connect() as connection:
            published, unfinished = (await connection.execute(text(query))).one()
        if not unfinished:
            return int(published)
        await asyncio.sleep(0.2)


async def _copy_all(victim: System, source: str, target: str) -> None:
    for engine in victim.engines.values():
        await engine.dispose()
    for name in SERVICES:
        database = f"{victim.settings.database_prefix}{name}"
        await victim.execute_on_server(f'DROP DATABASE IF EXISTS "{target.format(database)}" WITH (FORCE)')
        await victim.execute_on_server(
            f'CREATE DATABASE "{target.format(database)}" TEMPLATE "{source.format(database)}"'
        )
