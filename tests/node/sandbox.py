"""A sandbox for `liandong` as a separate process: a folder, and databases and topics that no other test uses."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.home import Home
from liandong.node import SERVICES, Node
from shared.messaging import invariants
from shared.runtime.settings import Settings
from tests.harness import drop_database, eventually
from tests.stacks import Addresses

LIANDONG = Path(sys.executable).with_name("liandong")


@dataclass(frozen=True)
class Ended:
    """The exit status of a process, and its output."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Sandbox:
    addresses: Addresses
    prefix: str
    folder: Path

    @property
    def home(self) -> Home:
        return Home(self.folder)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """The environment of a process; `LIANDONG_…` variables of the test process are not passed on."""
        settings = Settings.model_construct(  # the normal constructor would read the environment
            database_url=self.addresses.database_url,
            database_prefix=self.prefix,
            kafka=self.addresses.kafka,
            topic_prefix=self.prefix,
            partitions=3,
        )
        return settings.environment() | more

    def secrets(self) -> dict[str, str]:
        """Variables for a single service: the paths of keys and secrets in this folder."""
        return {
            "LIANDONG_IDENTITY_FILE": str(self.folder / "identity.json"),
            "LIANDONG_JWKS_FILE": str(self.home.issuer().jwks_file),
        }

    async def begin(self, *arguments: str, **more: str) -> asyncio.subprocess.Process:
        """Start `liandong` with these arguments, without a terminal; `more` are additional environment variables."""
        outputs = [(self.folder / name).open("wb") for name in ("out", "err")]
        try:
            return await asyncio.create_subprocess_exec(
                LIANDONG,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=outputs[0],
                stderr=outputs[1],
                env=self.environment(more),
            )
        finally:
            for output in outputs:
                output.close()

    async def ended(self, process: asyncio.subprocess.Process) -> Ended:
        """Wait for the end of the process."""
        status = await process.wait()
        return Ended(status, *[(self.folder / name).read_text(encoding="utf-8") for name in ("out", "err")])

    async def run(self, *arguments: str, **more: str) -> Ended:
        return await self.ended(await self.begin(*arguments, **more))

    def address(self) -> str | None:
        """The address of the node of this folder; None when none runs."""
        if not self.home.node_file.exists():
            return None
        node: dict[str, Any] = json.loads(self.home.node_file.read_text())
        return node["address"]

    def database(self, service: str) -> str:
        """The URL of a service's database."""
        return self.settings().database(service)

    async def rows(self, service: str, query: str) -> list[Any]:
        """Query the database of a service."""
        engine = create_async_engine(self.database(service))
        try:
            async with engine.begin() as connection:
                return list(await connection.execute(text(query)))
        finally:
            await engine.dispose()

    async def count(self, service: str, query: str) -> int:
        """A number from the database of a service; 0 while the database does not exist."""
        try:
            return int((await self.rows(service, query))[0][0])
        except SQLAlchemyError:
            return 0

    async def run_until_idle(self) -> None:
        """Run the services until every published event is consumed and all invariants hold."""
        node = Node(self.settings())
        await node.start()
        engines = {name: service.core.engine for name, service in node.services.items()}
        try:
            broken = ["not checked"]

            async def at_rest() -> bool:
                broken[:] = await invariants.at_rest(engines)
                return not broken

            try:
                await eventually(at_rest, seconds=60, every=0.5)
            except AssertionError:
                raise AssertionError("\n".join(broken)) from None
        finally:
            await node.stop()

    def settings(self) -> Settings:
        with _environment(self.environment({})):
            return self.home.settings(self.addresses.database_url, self.addresses.kafka)


@contextmanager
def _environment(wanted: dict[str, str]) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wanted.items():
            patch.setenv(name, value)
        yield


@asynccontextmanager
async def sandbox(addresses: Addresses, folder: Path) -> AsyncGenerator[Sandbox]:
    """The databases of the sandbox are dropped at the end; processes must be stopped by the test."""
    prefix = f"n{uuid.uuid4().hex[:10]}_"
    try:
        yield Sandbox(addresses, prefix, folder)
    finally:
        for service in SERVICES:
            await drop_database(addresses.database_url, f"{prefix}{service}")
