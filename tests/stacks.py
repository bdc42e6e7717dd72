"""PostgreSQL and Kafka for tests: servers that the environment names, containers, or the local stack.

* `LIANDONG_TEST_DATABASE_URL` and `LIANDONG_TEST_KAFKA`: running servers; tests create their own databases and
  topics there. The URL is a superuser's, `postgresql+asyncpg://...`; Kafka is `host:port`.
* `TEST_STACK=containers`: the images of docker-compose.yml, started by testcontainers, removed at the end.
* otherwise: the local stack in the given folder, stopped at the end.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from liandong.stack import start, stop


@dataclass(frozen=True)
class Addresses:
    """`database_url` is a superuser's, for SQLAlchemy with asyncpg; `kafka` is a bootstrap server, host:port."""

    database_url: str
    kafka: str


@asynccontextmanager
async def provided(folder: Path) -> AsyncGenerator[Addresses]:
    """A PostgreSQL and a Kafka for as long as the block runs."""
    database_url, kafka = os.environ.get("LIANDONG_TEST_DATABASE_URL"), os.environ.get("LIANDONG_TEST_KAFKA")
    kind = os.environ.get("TEST_STACK", "local")
    if database_url and kafka:
        yield Addresses(database_url, kafka)
    elif database_url or kafka:
        raise RuntimeError("LIANDONG_TEST_DATABASE_URL and LIANDONG_TEST_KAFKA go together: set both, or neither.")
    elif kind == "containers":
        from tests.containers import containers  # needs a Docker client, so it is imported only here

        with containers() as (database_url, kafka):
            yield Addresses(database_url, kafka)
    elif kind == "local":
        stack = await start(folder, print)
        try:
            yield Addresses(stack.database_url, stack.kafka)
        finally:
            await stop(stack)
    else:
        raise RuntimeError(f"TEST_STACK is {kind!r}; it may be 'local' or 'containers'.")
