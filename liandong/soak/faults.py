"""The faults. Each disturbs the system and returns when the disturbance has ended; the system must recover on its own.

Random choices use the generator that is passed in, so that a seed always gives the same schedule.
"""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.demo.client import OPERATOR, RequestRefused
from liandong.node import SERVICES, build
from liandong.soak.instance import Instance
from liandong.soak.system import System
from shared.database import is_outage
from shared.messaging.producer import batches, idempotent_producer
from shared.messaging.restore import as_published, published_rows

_DUPLICATES = 50
_PUBLISHERS = ("catalogue", "initiator", "registry", "executor", "repair")
_CLOCK_SERVICES = tuple(name for name in SERVICES if name != "repair")


async def kill_process(system: System, chance: random.Random) -> str:
    """kill -9 of one process of a service; it is restarted at once."""
    instance = _any_instance(system, chance)
    instance.kill()
    return instance.service


async def freeze_process(system: System, chance: random.Random) -> str:
    """Freeze a process (SIGSTOP), sometimes for longer than the session timeout of its consumer group, then resume it."""
    instance, seconds = _any_instance(system, chance), chance.choice((1.0, 3.0, 13.0))
    instance.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        instance.signal(signal.SIGCONT)
    return f"{instance.service} for {seconds:.0f} s"


async def cut_connections(system: System, chance: random.Random) -> str:
    """Terminate all connections of a service to its database."""
    service = chance.choice(SERVICES)
    name = f"{system.settings.database_prefix}{service}"
    await system.execute_on_server(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    return service


async def cut_leader(system: System, chance: random.Random) -> str:
    """Terminate only the connection that holds a relay's lock; the pool stays connected.

    Two relays must not assign sequence numbers at the same time.
    """
    service = chance.choice(SERVICES)
    name = f"{system.settings.database_prefix}{service}"
    await system.execute_on_server(f"""
        SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND granted AND datname = '{name}'
          AND objid = hashtext('liandong relay')::bigint & x'ffffffff'::bigint
    """)
    return service


async def fill_disk(system: System, chance: random.Random) -> str:
    """For a few seconds every append to a database fails with the error of a full disk."""
    service, seconds = chance.choice(SERVICES), chance.uniform(0.5, 3.0)
    async with disk_full(system.engines[service]):
        await asyncio.sleep(seconds)
    return f"{service} for {seconds:.1f} s"


async def kill_database(system: System, chance: random.Random) -> str:
    """kill -9 of PostgreSQL: it recovers from its write-ahead log."""
    await system.end_server("postgres", signal.SIGKILL)
    return "kill -9"


async def restart_database(system: System, chance: random.Random) -> str:
    """A fast shutdown of PostgreSQL: every open transaction is rolled back."""
    await system.end_server("postgres", signal.SIGINT)
    return "restart"


async def kill_broker(system: System, chance: random.Random) -> str:
    await system.end_server("kafka", signal.SIGKILL)
    return "kill -9"


async def restart_broker(system: System, chance: random.Random) -> str:
    await system.end_server("kafka", signal.SIGTERM)
    return "restart"


async def step_clock(system: System, chance: random.Random, days: float | None = None) -> str:
    """Move all clocks forward, repair's last, so that an entry that repair ends then ends in the others' past or present."""
    stepped = timedelta(days=days) if days is not None else timedelta(hours=chance.randint(1, 48))
    state = await system.client.get(OPERATOR, "/repair/v1/operations/state")
    instant = datetime.fromisoformat(state["now"]) + stepped
    for service in (*_CLOCK_SERVICES, "repair"):
        try:
            await system.client.put(OPERATOR, f"/{service}/v1/operations/clock", {"now": instant.isoformat()})
        except RequestRefused as refused:
            if refused.code != "clock_moves_forward_only":
                raise
    return f"{stepped}"


async def repeat_records(system: System, chance: random.Random) -> str:
    """Send old records again under their old sequence numbers, as a producer does that was believed dead."""
    service = chance.choice(_PUBLISHERS)
    async with system.engines[service].connect() as connection:
        rows = await published_rows(connection, "ORDER BY random() LIMIT :most", {"most": _DUPLICATES})
    producer = idempotent_producer(system.settings.kafka, "soak")
    await producer.start()
    try:
        for row in rows:
            await _send(producer, system, row.topic, row.partition, row)
    finally:
        await producer.stop()
    return f"{len(rows)} of {service}"


async def _send(producer: AIOKafkaProducer, system: System, topic: str, partition: int, row: object) -> None:
    for batch, _ in batches(producer, [as_published(row)]):
        name = system.settings.topics.name(topic)
        await cast("Awaitable[object]", await producer.send_batch(batch, name, partition=partition))


async def rebuild(system: System, chance: random.Random) -> str:
    """Not a fault: rebuild the read models of a service while it runs."""
    name = chance.choice(SERVICES)
    service = build(name, system.settings)
    try:
        await service.rebuild(lambda _: None).run()
    finally:
        await service.core.engine.dispose()
    return name


def _any_instance(system: System, chance: random.Random) -> Instance:
    return chance.choice([instance for name in SERVICES for instance in system.instances[name]])


_FULL = """
    CREATE OR REPLACE FUNCTION soak_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; END $$;
"""


@asynccontextmanager
async def disk_full(engine: AsyncEngine) -> AsyncGenerator[None]:
    """While the block runs, every insert into the table `events` of this database fails."""
    await _execute(engine, _FULL, _TRIGGER)
    try:
        yield
    finally:
        await _execute(engine, "DROP TRIGGER IF EXISTS soak_disk_full ON events")


_TRIGGER = """
    CREATE OR REPLACE TRIGGER soak_disk_full BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION soak_disk_full()
"""


async def _execute(engine: AsyncEngine, *statements: str) -> None:
    """Repeated until it succeeds, because other faults may be active."""
    while True:
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SET LOCAL lock_timeout = '2s'"))
                for statement in statements:
                    await connection.execute(text(statement))
        except (DBAPIError, OSError) as error:
            if not is_outage(error):
                raise
            await asyncio.sleep(0.2)
        else:
            return


Inject = Callable[[System, random.Random], Awaitable[str]]
"""Injects a fault and returns a description of it."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its weight in the random choice, and the minimum of seconds between two faults of its class."""

    name: str
    inject: Inject
    weight: int
    min_interval: float = 0.0
    of_class: str = ""


KINDS: Sequence[Kind] = (
    Kind("kill -9 of a service", kill_process, 5, 5.0, "process"),
    Kind("freeze of a service", freeze_process, 3, 4.0),
    Kind("connections cut", cut_connections, 5),
    Kind("relay's lock cut", cut_leader, 4),
    Kind("disk full", fill_disk, 5),
    Kind("records repeated", repeat_records, 4),
    Kind("clock stepped", step_clock, 2, 10.0),
    Kind("PostgreSQL killed", kill_database, 2, 20.0, "server"),
    Kind("PostgreSQL restarted", restart_database, 2, 20.0, "server"),
    Kind("broker killed", kill_broker, 2, 20.0, "server"),
    Kind("broker restarted", restart_broker, 2, 20.0, "server"),
    Kind("live rebuild", rebuild, 1, 30.0),
)
"""Servers have a minimum interval because the guard of the stack restarts at most five per minute."""
