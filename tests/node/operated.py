"""A node as operators run it: started, used, stopped, and managed with commands."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from liandong.demo.client import Client
from liandong.node import SERVICES
from liandong.soak.idle import under_load
from liandong.soak.load import Load, load_of
from shared.database import connect
from tests.harness import eventually
from tests.node.sandbox import Ended, Sandbox

Within = Callable[[Load], Coroutine[Any, Any, None]]


@dataclass
class OperatedNode:
    """A node that can be started, used and stopped."""

    here: Sandbox
    more: dict[str, str] = field(default_factory=dict[str, str])
    first: int = 0

    async def run_load(self, meanwhile: Within | None = None) -> None:
        """Start, run one round of the load, wait until idle, verify, and stop."""
        async with self.running() as address:
            async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
                load = await load_of(Client(http, self.here.home.issuer()), first=self.first)
                engines = {name: connect(self.here.database(name), pool_size=2) for name in SERVICES}
                async with under_load(load, engines):
                    if meanwhile is not None:
                        await meanwhile(load)
                for engine in engines.values():
                    await engine.dispose()
            self.first = load.first
            verified = await self.run("verify")
            assert (verified.status, verified.out) == (0, ""), verified.err

    @asynccontextmanager
    async def running(self, *options: str) -> AsyncGenerator[str]:
        """The node runs as long as the block; yields its address."""
        process = await self.here.begin("up", "--port", "0", "--folder", str(self.here.folder), *options, **self.more)
        try:
            address = await eventually(lambda: process.returncode is not None or self._ready(), seconds=90)
            assert isinstance(address, str), "the node has ended"
            yield address
        finally:
            if process.returncode is None:
                process.terminate()
            ended = await self.here.ended(process)
            assert ended.status == 0, ended.err

    def _ready(self) -> str | None:
        log = (self.here.folder / "err").read_text(encoding="utf-8")
        return self.here.address() if "ready" in log else None

    async def run(self, command: str, *arguments: str, **more: str) -> Ended:
        """Run a command while the node may be running, with separate output files."""
        apart = Sandbox(self.here.addresses, self.here.prefix, self.here.folder / "commands")
        apart.folder.mkdir(exist_ok=True)
        return await apart.run(command, *arguments, "--folder", str(self.here.folder), **{**self.more, **more})

    async def entries(self) -> int:
        return await self.here.count("initiator", "SELECT count(*) FROM entries")
