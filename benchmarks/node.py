"""A node as `liandong up` runs it: every service in this process, behind one uvicorn, with the small law book."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from benchmarks import small_book
from benchmarks.ground import Ground
from liandong.demo.client import Client, Officer
from liandong.home import listening
from liandong.law import enact, read_everywhere
from liandong.node import SERVICES, Node
from liandong.serving import serve
from shared.clock import MovableClock
from shared.trust import OfficerRole

LISTER = Officer("bench-lister", small_book.LISTER, (OfficerRole.LISTER,))
APPROVER = Officer("bench-approver", small_book.LISTER, (OfficerRole.APPROVER,))


def system(department: str) -> Officer:
    return Officer("bench-system", department, (OfficerRole.SYSTEM,))


@dataclass
class Running:
    """The services, and a client of theirs."""

    node: Node
    client: Client

    async def move_clock(self, ahead: timedelta) -> None:
        """Move the clocks of all services forward."""
        for service in self.node.services.values():
            clock = service.core.clock
            assert isinstance(clock, MovableClock)
            clock.move_to(clock.now() + ahead)
            await service.core.keep_clock()


@asynccontextmanager
async def running(ground: Ground) -> AsyncGenerator[Running]:
    """From prepared databases to a law book that the catalogue has taken."""
    await ground.topics()
    for name in SERVICES:
        await ground.database(name)
    node = Node(ground.settings)
    await node.start()
    listener, stop = listening(0), asyncio.Event()
    serving = asyncio.create_task(serve(node.app, listener, until=stop))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=300, trust_env=False) as http:
            client = Client(http, ground.issuer)
            await publish_small_book(client)
            yield Running(node, client)
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await node.stop()


async def publish_small_book(client: Client) -> None:
    """Hand the small law book to the catalogue, and wait until everyone who judges by it has read it."""
    version = await enact(client.http, client.issuer, small_book.small_book().content(), small_book.CREDIT_OFFICE)
    await read_everywhere(client.http, client.issuer.issue(None, [OfficerRole.OPERATOR], "bench"), version)
