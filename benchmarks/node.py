"""A node as `liandong up` runs it: every service in this process, behind one uvicorn, with the small law book."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx

from benchmarks import small_book
from benchmarks.ground import Ground
from liandong.demo.client import Client, Officer
from liandong.home import listening
from liandong.node import SERVICES, Node
from liandong.serving import serve
from shared.clock import MovableClock
from shared.trust import OfficerRole

CREDIT_OFFICE = Officer("bench-keeper", small_book.CREDIT_OFFICE, (OfficerRole.CREDIT_OFFICE,))
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
            await _publish(client)
            yield Running(node, client)
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await node.stop()


async def _publish(client: Client) -> None:
    book = small_book.small_book()
    parts = {
        "departments": book.departments,
        "domains": book.domains,
        "memoranda": book.instruments,
        "measures": book.measures,
        "policies": book.policies,
    }
    for kind, items in parts.items():
        body = {"items": [item.model_dump(mode="json") for item in items]}
        await client.post(CREDIT_OFFICE, f"/catalogue/v1/{kind}", body, str(uuid4()))
