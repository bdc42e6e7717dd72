"""The services as operators run them: one process each, behind one address, with the small law book.

The processor time of each process is read from the operating system: it shows which process uses the shared cores.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from benchmarks import small_book
from benchmarks.sandbox import Sandbox
from liandong.demo.client import OPERATOR, Client, Officer
from liandong.law import enact, wait_until_read
from liandong.node import SERVICES
from liandong.soak.gateway import Gateway
from liandong.soak.instance import Instance
from liandong.stack import ports
from shared.trust import OfficerRole

LISTER = Officer("bench-lister", small_book.LISTER, (OfficerRole.LISTER,))
APPROVER = Officer("bench-approver", small_book.LISTER, (OfficerRole.APPROVER,))

_POOL = 8
_TIMEOUT_SECONDS = 300
_SERVERS = {"postgres": "postgres", "java": "kafka"}
"""Servers on this machine that the services use: program name to name in the results."""


def system(department: str) -> Officer:
    """The system of a department."""
    return Officer("bench-system", department, (OfficerRole.SYSTEM,))


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time and resident MiB, by name; for servers, of all their processes on this machine."""

    seconds: Mapping[str, float]
    resident: Mapping[str, float]

    def since(self, before: "Usage") -> dict[str, float]:
        return {name: spent - before.seconds.get(name, 0.0) for name, spent in self.seconds.items()}


@dataclass
class SeparateProcesses:
    """The processes, and a client."""

    instances: Mapping[str, Instance]
    client: Client

    async def move_clock(self, ahead: timedelta) -> None:
        """Move the clocks of all services forward."""
        instant = (datetime.now(UTC) + ahead).isoformat()
        for name in self.instances:
            await self.client.put(OPERATOR, f"/{name}/v1/operations/clock", {"now": instant})

    def usage(self) -> Usage:
        """Processor time and memory so far. The departments' client is this process."""
        pids = {one.pid: name for name, one in self.instances.items() if one.pid} | {os.getpid(): "departments"}
        seconds: dict[str, float] = {}
        resident: dict[str, float] = {}
        for process in psutil.process_iter(["pid", "name"]):
            name = pids.get(process.pid) or _SERVERS.get(process.info["name"], "")
            if not name:
                continue
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue
            seconds[name] = seconds.get(name, 0.0) + times.user + times.system
            if name != "postgres":  # its processes share most of their memory
                resident[name] = round(resident.get(name, 0.0) + memory.rss / 2**20, 1)
        return Usage(seconds, resident)


@asynccontextmanager
async def separate_processes(sandbox: Sandbox) -> AsyncGenerator[SeparateProcesses]:
    """Start all processes on prepared databases, with the small law book published; stop them at the end."""
    await sandbox.topics()
    for name in SERVICES:
        await sandbox.database(name)
    log = Path(os.environ.get("LIANDONG_BENCH_LOG", os.devnull))
    environment = sandbox.settings.model_copy(update={"pool_size": _POOL, "movable_clock": True}).environment()
    instances = {name: Instance(name, ports.choose(), environment, log) for name in SERVICES}
    http = httpx.AsyncClient(
        transport=Gateway({name: [one] for name, one in instances.items()}),
        base_url="http://gateway",
        timeout=_TIMEOUT_SECONDS,
    )
    try:
        for one in instances.values():
            one.start()
        await asyncio.gather(*(one.wait_until_ready() for one in instances.values()))
        client = Client(http, sandbox.issuer)
        await _publish_small_book(client)
        yield SeparateProcesses(instances, client)
    finally:
        await asyncio.gather(*(one.stop() for one in instances.values()))
        await http.aclose()


async def _publish_small_book(client: Client) -> None:
    """Publish the small law book, and wait until every service that uses it has read it."""
    version = await enact(client.http, client.issuer, small_book.small_book().content(), small_book.CREDIT_OFFICE)
    await wait_until_read(client.http, client.issuer.issue(None, [OfficerRole.OPERATOR], "bench"), version)
