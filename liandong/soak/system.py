"""The tested system: a private stack in a folder, and every service as processes that are restarted when they end."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong import stack
from liandong.demo.client import Client
from liandong.home import Home
from liandong.law import load_demo_book
from liandong.node import SERVICES, prepare
from liandong.soak.gateway import Gateway
from liandong.soak.instance import Instance
from liandong.stack import ports, state
from shared.database import connect
from shared.runtime.settings import Settings
from shared.trust.issuer import DevelopmentIssuer

Say = Callable[[str], None]

PARTITIONS = 3
_POOL = 4
_CONNECTIONS = 24
_TIMEOUT_SECONDS = 60
_RESTART_TIMEOUT_SECONDS = 90.0


class ServerNotRestarted(Exception):
    """The stack's guard did not restart a killed server within the timeout."""


@dataclass
class System:
    """The running system and access to each part of it."""

    folder: Path
    settings: Settings
    issuer: DevelopmentIssuer
    instances: Mapping[str, list[Instance]]
    engines: dict[str, AsyncEngine]
    client: Client
    log: Path
    _environment: Mapping[str, str] = field(repr=False)

    def add(self, service: str) -> Instance:
        """Add an instance of a service, without starting it."""
        instance = Instance(service, ports.choose(), self._environment, self.log)
        self.instances[service].append(instance)
        return instance

    async def start_services(self) -> None:
        """Start all instances that do not run, and return when all are ready."""
        everyone = [one for instances in self.instances.values() for one in instances]
        for instance in everyone:
            if not instance.is_alive:
                instance.start()
        await asyncio.gather(*(instance.wait_until_ready() for instance in everyone))

    async def stop_services(self, *, at_once: bool = False) -> None:
        """Stop all instances without a restart: cleanly, or with kill -9."""
        everyone = [one for instances in self.instances.values() for one in instances]
        await asyncio.gather(*(instance.stop(at_once=at_once) for instance in everyone))

    async def end_server(self, name: str, number: signal.Signals) -> None:
        """Send a signal to `postgres` or `kafka`, and return when the guard has restarted it and it is ready."""
        before = state.load(self.folder).services[name].process
        if before is None:
            return  # it is already down
        os.kill(before.pid, number)
        until = time.monotonic() + _RESTART_TIMEOUT_SECONDS
        while time.monotonic() < until:
            now = state.load(self.folder).services[name].process
            if now not in (None, before) and await self._is_ready(name):
                return
            await asyncio.sleep(0.2)
        raise ServerNotRestarted(name)

    async def _is_ready(self, name: str) -> bool:
        # Imported here because these modules need the optional packages of the local stack.
        from liandong.stack.kafka import Kafka  # noqa: PLC0415
        from liandong.stack.postgres import Postgres  # noqa: PLC0415

        server = Postgres(self.folder) if name == Postgres.name else Kafka(self.folder, lambda _: None)
        return await server.is_ready(state.load(self.folder).ports_of(name))

    async def execute_on_server(self, statement: str) -> None:
        """Execute a statement as superuser in the server's default database, outside of a transaction."""
        engine = connect(self.settings.database_url, pool_size=1)
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text(statement))
        finally:
            await engine.dispose()


@asynccontextmanager
async def system(folder: Path, say: Say, *, prefix: str = "liandong_") -> AsyncGenerator[System]:
    """A stack in this folder with databases, topics, running services and the shipped law book; all stopped at the end."""
    async with AsyncExitStack() as after:
        local = await stack.start(folder, say)
        after.push_async_callback(stack.stop, local)
        created = await _create(Home(local.folder), local.database_url, local.kafka, prefix)
        after.push_async_callback(_close, created)
        say("preparing topics and databases / 正在准备主题与数据库")
        await prepare(created.settings)
        after.push_async_callback(created.stop_services)
        say("starting one process per service / 正在逐个启动服务")
        await created.start_services()
        await load_demo_book(created.client.http, created.issuer, lambda _: None)
        yield created


async def _create(home: Home, database_url: str, kafka: str, prefix: str) -> System:
    home.settings(database_url, kafka)  # creates the identity secrets if they are missing
    settings = Settings(
        database_url=database_url,
        database_prefix=prefix,
        kafka=kafka,
        partitions=PARTITIONS,
        pool_size=_POOL,
        jwks_file=home.issuer().jwks_file,
        identity_file=home.folder / "identity.json",
        movable_clock=True,
    )
    environment = settings.environment()
    log = home.folder / "services.log"
    instances = {name: [Instance(name, ports.choose(), environment, log)] for name in SERVICES}
    http = httpx.AsyncClient(
        transport=Gateway(instances),
        base_url="http://gateway",
        timeout=_TIMEOUT_SECONDS,
        limits=httpx.Limits(max_connections=_CONNECTIONS),
    )
    engines = {name: connect(settings.database(name), pool_size=2) for name in SERVICES}
    issuer = home.issuer()
    return System(home.folder, settings, issuer, instances, engines, Client(http, issuer), log, environment)


async def _close(created: System) -> None:
    await created.client.http.aclose()
    for engine in created.engines.values():
        await engine.dispose()
