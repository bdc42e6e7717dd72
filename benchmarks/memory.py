"""Resident memory of every process of a bench: this one, its children, PostgreSQL and Kafka.

The servers are the processes that listen on their ports on this machine, with their children; on another machine they cannot be
measured. PostgreSQL's processes share most of their memory, so their proportional shares (PSS) are summed: shared memory counts
once.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import psutil
from sqlalchemy.engine import make_url

from benchmarks.sandbox import Servers

_INTERVAL_SECONDS = 2.0
"""Between two samples. A sample takes some milliseconds, in another thread."""
PARENT, CHILDREN, POSTGRESQL, KAFKA = "bench", "children", "postgresql", "kafka"


@dataclass
class Watch:
    """Peaks in MiB, by process."""

    servers: dict[str, psutil.Process]
    peaks: dict[str, float] = field(default_factory=dict[str, float])

    def sample(self) -> None:
        this = psutil.Process()
        self._record(PARENT, [this])
        others = {process.pid for server in self.servers.values() for process in _family(server)}
        self._record(CHILDREN, (child for child in this.children(recursive=True) if child.pid not in others))
        for name, server in self.servers.items():
            self._record(name, _family(server), shared=name == POSTGRESQL)

    def _record(self, name: str, processes: Iterable[psutil.Process], *, shared: bool = False) -> None:
        total = sum(_mib(process, shared=shared) for process in processes)
        if total:
            self.peaks[name] = round(max(total, self.peaks.get(name, 0.0)), 1)


def _family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _mib(process: psutil.Process, *, shared: bool) -> float:
    with suppress(psutil.Error):
        if shared and hasattr(full := process.memory_full_info(), "pss"):
            return full.pss / 2**20
        return process.memory_info().rss / 2**20
    return 0.0


def listeners(on: Servers) -> dict[str, psutil.Process]:
    """The processes that listen on the servers' ports, if the operating system shows them."""
    ports = {make_url(on.database_url).port: POSTGRESQL, int(on.kafka.rpartition(":")[2]): KAFKA}
    found: dict[str, psutil.Process] = {}
    with suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            listens_on = cast("tuple[str, int]", one.laddr)[1] if one.status == psutil.CONN_LISTEN else None
            if one.pid and (name := ports.get(listens_on)):
                found[name] = psutil.Process(one.pid)
    return found


@asynccontextmanager
async def watched(on: Servers) -> AsyncGenerator[Watch]:
    """Takes samples while the block runs, and one at its end."""
    watch = Watch(await asyncio.to_thread(listeners, on))
    sampling = asyncio.create_task(_sample_repeatedly(watch))
    try:
        yield watch
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        await asyncio.to_thread(watch.sample)


async def _sample_repeatedly(watch: Watch) -> None:
    while True:
        await asyncio.to_thread(watch.sample)
        await asyncio.sleep(_INTERVAL_SECONDS)


def resident_mib() -> float:
    """Resident memory of this process."""
    return round(psutil.Process(os.getpid()).memory_info().rss / 2**20, 1)
