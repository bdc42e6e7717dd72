"""The environment of a bench: real servers, with its own databases and topics, which are removed at the end."""

import os
import tempfile
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from liandong import stack
from shared.database.migration import create_database, migrate
from shared.identity import make_secrets
from shared.runtime.settings import Settings
from shared.trust.issuer import DevelopmentIssuer

PARTITIONS = 6


@dataclass(frozen=True, slots=True)
class Servers:
    """`kafka_version` is known only for the embedded broker."""

    database_url: str
    kafka: str
    kafka_version: str


@asynccontextmanager
async def servers(say: Callable[[str], None]) -> AsyncGenerator[Servers]:
    """The servers that the environment names (LIANDONG_TEST_DATABASE_URL, LIANDONG_TEST_KAFKA), or embedded ones."""
    database_url, kafka = os.environ.get("LIANDONG_TEST_DATABASE_URL"), os.environ.get("LIANDONG_TEST_KAFKA")
    if database_url and kafka:
        yield Servers(database_url, kafka, "as the environment names it")
        return
    from liandong.stack.jars import listed  # noqa: PLC0415 - its packages are in an optional group

    version = next((jar.version for jar in listed() if jar.artifact.startswith("kafka_")), "")
    with tempfile.TemporaryDirectory(prefix="liandong-bench-") as folder:
        local = await stack.start(Path(folder), say)
        try:
            yield Servers(local.database_url, local.kafka, version)
        finally:
            await stack.stop(local)


@dataclass
class Sandbox:
    """Databases and topics of one bench."""

    servers: Servers
    settings: Settings
    issuer: DevelopmentIssuer
    _exits: AsyncExitStack

    def dsn(self, service: str) -> str:
        """The URL of a service's database, for asyncpg."""
        return dsn(self.settings.database(service))

    async def database(self, service: str) -> str:
        """Create the database of a service, with its tables; returns the URL for SQLAlchemy."""
        url = self.settings.database(service)
        await self._made(url)
        await migrate(service, url)
        return url

    async def empty_database(self, name: str) -> str:
        """Create a database without tables; returns the URL for SQLAlchemy."""
        url = self.settings.database(name)
        await self._made(url)
        return url

    async def _made(self, url: str) -> None:
        await create_database(url)
        self._exits.push_async_callback(_drop_database, self.servers.database_url, make_url(url).database or "")

    async def topics(self) -> None:
        """Create the topics of the system."""
        await self.settings.topics.ensure(self.settings.kafka)

    async def topic(self, name: str, partitions: int = PARTITIONS) -> str:
        """Create an additional topic; returns its name on the broker."""
        full = f"{self.settings.topic_prefix}{name}"
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name=full, num_partitions=partitions, replication_factor=1)])
        finally:
            await admin.close()
        return full


def dsn(url: str) -> str:
    """A URL of SQLAlchemy in the form for asyncpg."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def sandbox(on: Servers, **settings: Any) -> AsyncGenerator[Sandbox]:
    """Settings of a separate node on these servers; its databases and topics are dropped at the end."""
    prefix = f"bench{uuid.uuid4().hex[:8]}_"
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="liandong-bench-")))
        issuer = DevelopmentIssuer(folder)
        identity = folder / "identity.json"
        identity.write_text(make_secrets().to_json(), encoding="utf-8")
        given: dict[str, Any] = {
            "database_url": on.database_url,
            "database_prefix": prefix,
            "kafka": on.kafka,
            "topic_prefix": prefix,
            "partitions": PARTITIONS,
            "jwks_file": issuer.jwks_file,
            "identity_file": identity,
        }
        exits.push_async_callback(_delete_topics, on.kafka, prefix)
        yield Sandbox(on, Settings(**{**given, **settings}), issuer, exits)


async def _delete_topics(kafka: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if mine := [name for name in await admin.list_topics() if name.startswith(prefix)]:
            await admin.delete_topics(mine)
    finally:
        await admin.close()


async def _drop_database(server: str, name: str) -> None:
    engine = create_async_engine(make_url(server).set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    finally:
        await engine.dispose()


async def connection(url_or_dsn: str) -> "asyncpg.Connection[Any]":
    """A bare connection; statements are prepared once, as in the system."""
    return await asyncpg.connect(dsn(url_or_dsn) if "+asyncpg" in url_or_dsn else url_or_dsn)
