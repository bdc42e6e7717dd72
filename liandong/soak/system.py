"""The system that is hurt: a stack of its own in a folder, every service as processes that are started again when they end."""

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
_SERVER_BACK_SECONDS = 90.0


class ServerNeverCameBack(Exception):
    """The stack's guard did not bring a server back that was killed."""


@dataclass
class System:
    """All of it, and how to reach each part."""

    folder: Path
    settings: Settings
    issuer: DevelopmentIssuer
    instances: Mapping[str, list[Instance]]
    engines: dict[str, AsyncEngine]
    client: Client
    log: Path
    _environment: Mapping[str, str] = field(repr=False)

    def add(self, service: str) -> Instance:
        """One more instance of a service; it is not started."""
        made = Instance(service, ports.choose(), self._environment, self.log)
        self.instances[service].append(made)
        return made

    async def start_services(self) -> None:
        """Start what does not run, and return when all answer."""
        everyone = [one for instances in self.instances.values() for one in instances]
        for one in everyone:
            if not one.lives:
                one.start()
        await asyncio.gather(*(one.answers() for one in everyone))

    async def stop_services(self, *, at_once: bool = False) -> None:
        """End all processes, cleanly or with kill -9, and do not start them again."""
        everyone = [one for instances in self.instances.values() for one in instances]
        await asyncio.gather(*(one.hold_down(at_once=at_once) for one in everyone))

    async def end_server(self, name: str, number: signal.Signals) -> None:
        """Send a signal to `postgres` or `kafka`, and return when its guard has brought it back and it answers."""
        before = state.load(self.folder).services[name].process
        if before is None:
            return  # it is down already
        os.kill(before.pid, number)
        until = time.monotonic() + _SERVER_BACK_SECONDS
        while time.monotonic() < until:
            now = state.load(self.folder).services[name].process
            if now not in (None, before) and await self._answers(name):
                return
            await asyncio.sleep(0.2)
        raise ServerNeverCameBack(name)

    async def _answers(self, name: str) -> bool:
        # The modules import the optional packages of the local stack.
        from liandong.stack.kafka import Kafka  # noqa: PLC0415
        from liandong.stack.postgres import Postgres  # noqa: PLC0415

        server = Postgres(self.folder) if name == Postgres.name else Kafka(self.folder, lambda _: None)
        return await server.answers(state.load(self.folder).ports_of(name))

    async def server(self, statement: str) -> None:
        """A statement on the server itself, outside of transactions."""
        engine = connect(self.settings.database_url, pool_size=1)
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text(statement))
        finally:
            await engine.dispose()


@asynccontextmanager
async def system(folder: Path, say: Say, *, prefix: str = "liandong_") -> AsyncGenerator[System]:
    """A stack in this folder, databases and topics, and the services, started and with a law book; all ended at the end."""
    async with AsyncExitStack() as after:
        local = await stack.start(folder, say)
        after.push_async_callback(stack.stop, local)
        made = await _made(Home(local.folder), local.database_url, local.kafka, prefix)
        after.push_async_callback(_forget, made)
        say("preparing topics and databases / 正在准备主题与数据库")
        await prepare(made.settings)
        after.push_async_callback(made.stop_services)
        say("starting one process a service / 正在逐个启动服务")
        await made.start_services()
        await load_demo_book(made.client.http, made.issuer, lambda _: None)
        yield made


async def _made(home: Home, database_url: str, kafka: str, prefix: str) -> System:
    home.settings(database_url, kafka)  # makes the secrets of identity when there are none
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


async def _forget(made: System) -> None:
    await made.client.http.aclose()
    for engine in made.engines.values():
        await engine.dispose()
