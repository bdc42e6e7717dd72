"""The faults: each does its harm to the system, and returns when its cause is gone; recovery is the system's business.

What is drawn by chance is drawn from the generator that is given, so that a seed gives the same schedule.
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
_TELLING = ("catalogue", "initiator", "registry", "executor", "repair")
_CLOCK_SERVICES = tuple(name for name in SERVICES if name != "repair")


async def kill_process(system: System, chance: random.Random) -> str:
    """kill -9 of one process of a service; it is started again at once."""
    one = _any_instance(system, chance)
    one.kill()
    return one.service


async def freeze_process(system: System, chance: random.Random) -> str:
    """A process that stands still, sometimes for longer than its group waits for it, and then goes on as if nothing were."""
    one, seconds = _any_instance(system, chance), chance.choice((1.0, 3.0, 13.0))
    one.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        one.signal(signal.SIGCONT)
    return f"{one.service} for {seconds:.0f} s"


async def cut_connections(system: System, chance: random.Random) -> str:
    """All connections of a service to its database end."""
    service = chance.choice(SERVICES)
    name = f"{system.settings.database_prefix}{service}"
    await system.server(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    return service


async def cut_leader(system: System, chance: random.Random) -> str:
    """Only the connection that holds a relay's lock ends; its pool goes on (TRAPS: two relays number at once)."""
    service = chance.choice(SERVICES)
    name = f"{system.settings.database_prefix}{service}"
    await system.server(f"""
        SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND granted AND datname = '{name}'
          AND objid = hashtext('liandong relay')::bigint & x'ffffffff'::bigint
    """)
    return service


async def fill_disk(system: System, chance: random.Random) -> str:
    """For a while the database answers as one whose disk is full to whoever appends an event."""
    service, seconds = chance.choice(SERVICES), chance.uniform(0.5, 3.0)
    async with disk_full(system.engines[service]):
        await asyncio.sleep(seconds)
    return f"{service} for {seconds:.1f} s"


async def kill_database(system: System, chance: random.Random) -> str:
    """kill -9 of PostgreSQL: it recovers from its log."""
    await system.end_server("postgres", signal.SIGKILL)
    return "kill -9"


async def restart_database(system: System, chance: random.Random) -> str:
    """A fast shutdown of PostgreSQL: every transaction under way is rolled back."""
    await system.end_server("postgres", signal.SIGINT)
    return "restart"


async def kill_broker(system: System, chance: random.Random) -> str:
    await system.end_server("kafka", signal.SIGKILL)
    return "kill -9"


async def restart_broker(system: System, chance: random.Random) -> str:
    await system.end_server("kafka", signal.SIGTERM)
    return "restart"


async def step_clock(system: System, chance: random.Random, days: float | None = None) -> str:
    """All clocks go forward, repair's last: what it ends then is ended after the others are there."""
    stepped = timedelta(days=days) if days is not None else timedelta(hours=chance.randint(1, 48))
    told = await system.client.get(OPERATOR, "/repair/v1/operations/state")
    instant = datetime.fromisoformat(told["now"]) + stepped
    for service in (*_CLOCK_SERVICES, "repair"):
        try:
            await system.client.put(OPERATOR, f"/{service}/v1/operations/clock", {"now": instant.isoformat()})
        except RequestRefused as refused:
            if refused.code != "clock_moves_forward_only":
                raise
    return f"{stepped}"


async def repeat_records(system: System, chance: random.Random) -> str:
    """A producer that was thought dead sends again what was published long ago, under its old numbers."""
    service = chance.choice(_TELLING)
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
    """No fault: the read models of a service are made anew while it works."""
    name = chance.choice(SERVICES)
    service = build(name, system.settings)
    try:
        await service.rebuild(lambda _: None).run()
    finally:
        await service.core.engine.dispose()
    return name


def _any_instance(system: System, chance: random.Random) -> Instance:
    return chance.choice([one for name in SERVICES for one in system.instances[name]])


_FULL = """
    CREATE OR REPLACE FUNCTION soak_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; END $$;
"""


@asynccontextmanager
async def disk_full(engine: AsyncEngine) -> AsyncGenerator[None]:
    """Nothing can be appended to the events of this database while the block runs."""
    await _insist(engine, _FULL, _TRIGGER)
    try:
        yield
    finally:
        await _insist(engine, "DROP TRIGGER IF EXISTS soak_disk_full ON events")


_TRIGGER = """
    CREATE OR REPLACE TRIGGER soak_disk_full BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION soak_disk_full()
"""


async def _insist(engine: AsyncEngine, *statements: str) -> None:
    """Other faults may be under way: tried until it is done."""
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


Do = Callable[[System, random.Random], Awaitable[str]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how often it is drawn beside the others, and how many seconds lie between two of its class."""

    name: str
    do: Do
    weight: int
    apart: float = 0.0
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
"""Servers: the guard of the stack brings back no more than five in a minute."""
