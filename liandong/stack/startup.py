"""Starts one server: prepares its data, chooses ports, and waits until it is ready."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from liandong.stack import ports
from liandong.stack.children import Child
from liandong.stack.errors import StackError, last_lines
from liandong.stack.guard_pipe import GuardPipe

_PORT_TRIES = 3
_LIMIT_SECONDS = 300.0
"""Generous: after a power failure the server recovers first, and a busy machine is slow."""


class Server(Protocol):
    """The interface of `Postgres` and `Kafka`."""

    @property
    def name(self) -> str: ...
    @property
    def ports_needed(self) -> int: ...
    @property
    def log(self) -> Path: ...
    def prepare(self) -> None: ...
    def child(self, ports: list[int]) -> Child: ...
    async def is_ready(self, ports: list[int]) -> bool: ...


async def run(server: Server, pipe: GuardPipe, kept: list[int], say: Callable[[str], None]) -> None:
    """Return when the server is ready. Raises StackError.

    The start is repeated with other ports, because another program may take a port after it was chosen.
    """
    since = time.monotonic()
    await asyncio.to_thread(server.prepare)
    for attempt in range(1, _PORT_TRIES + 1):
        chosen = _choose(server.ports_needed, kept)
        pipe.run(await asyncio.to_thread(server.child, chosen))
        exit_code = await _until_ready(server, pipe, chosen)
        if exit_code is None:
            say(f"{server.name} answers on 127.0.0.1:{chosen[0]} after {time.monotonic() - since:.1f} s")
            return
        if attempt == _PORT_TRIES or all(ports.is_free(port) for port in chosen):
            raise _ended(server, exit_code)


def _choose(count: int, kept: list[int]) -> list[int]:
    chosen: list[int] = []
    for position in range(count):
        before = kept[position] if position < len(kept) else None
        chosen.append(ports.choose(before, avoid=frozenset(chosen)))
    return chosen


async def _until_ready(server: Server, pipe: GuardPipe, chosen: list[int]) -> int | None:
    """None when it is ready; its exit code when it ended before."""
    until = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < until:
        service = pipe.state().services.get(server.name)
        # Until the guard has read the order, its state describes an earlier attempt, which had other ports.
        if service is not None and service.ports == chosen:
            if service.exit_code is not None:
                return service.exit_code
            if service.process is not None and await server.is_ready(chosen):
                return None
        await asyncio.sleep(0.1)
    raise StackError(
        f"{server.name} did not answer within {_LIMIT_SECONDS:.0f} seconds.",
        why=f"It runs, but is not ready; the end of {server.log}:\n{last_lines(server.log)}",
        remedy="Read the lines above; if the machine was busy, start again.",
        chinese=f"{server.name} 在 {_LIMIT_SECONDS:.0f} 秒内未就绪:请查看上面的日志;如机器繁忙,可稍后重试。",
    )


def _ended(server: Server, exit_code: int) -> StackError:
    return StackError(
        f"{server.name} ended while it started.",
        why=f"exit code {exit_code}; the end of {server.log}:\n{last_lines(server.log)}",
        remedy="Read the lines above; common causes are a full disk, too little memory, or a damaged data folder.",
        chinese=f"{server.name} 启动失败(退出码 {exit_code}):请查看日志,常见原因是磁盘已满、内存不足或数据目录损坏。",
    )
