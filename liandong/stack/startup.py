"""Bringing one server up: prepare its data, give it ports, and wait until it does its work."""

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
"""Generous: after a power cut the server first recovers, and a busy machine may be slow."""


class Server(Protocol):
    """What `Postgres` and `Kafka` have in common."""

    @property
    def name(self) -> str: ...
    @property
    def ports_needed(self) -> int: ...
    @property
    def log(self) -> Path: ...
    def prepare(self) -> None: ...
    def child(self, its_ports: list[int]) -> Child: ...
    async def answers(self, its_ports: list[int]) -> bool: ...


async def run(server: Server, pipe: GuardPipe, kept: list[int], say: Callable[[str], None]) -> None:
    """Return when the server answers. Between choosing a port and listening on it another program may be faster."""
    since = time.monotonic()
    await asyncio.to_thread(server.prepare)
    for attempt in range(1, _PORT_TRIES + 1):
        its_ports = _choose(server.ports_needed, kept)
        pipe.run(await asyncio.to_thread(server.child, its_ports))
        exit_code = await _until_it_answers(server, pipe, its_ports)
        if exit_code is None:
            say(f"{server.name} answers on 127.0.0.1:{its_ports[0]} after {time.monotonic() - since:.1f} s")
            return
        if attempt == _PORT_TRIES or all(ports.is_free(port) for port in its_ports):
            raise _ended(server, exit_code)


def _choose(count: int, kept: list[int]) -> list[int]:
    chosen: list[int] = []
    for position in range(count):
        before = kept[position] if position < len(kept) else None
        chosen.append(ports.choose(before, avoid=frozenset(chosen)))
    return chosen


async def _until_it_answers(server: Server, pipe: GuardPipe, its_ports: list[int]) -> int | None:
    """None when it answers; its exit code when it ended before."""
    until = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < until:
        service = pipe.known().services.get(server.name)
        # Until the guard has read our order, it tells about an earlier attempt, which had other ports.
        if service is not None and service.ports == its_ports:
            if service.exit_code is not None:
                return service.exit_code
            if service.process is not None and await server.answers(its_ports):
                return None
        await asyncio.sleep(0.1)
    raise StackError(
        f"{server.name} did not answer within {_LIMIT_SECONDS:.0f} seconds.",
        why=f"It runs, but is not ready; the end of {server.log}:\n{last_lines(server.log)}",
        remedy="Read the lines above; when the machine was busy, start again.",
        chinese=f"{server.name} 在 {_LIMIT_SECONDS:.0f} 秒内未就绪:请查看上面的日志;如机器繁忙,可稍后重试。",
    )


def _ended(server: Server, exit_code: int) -> StackError:
    return StackError(
        f"{server.name} ended while it started.",
        why=f"exit code {exit_code}; the end of {server.log}:\n{last_lines(server.log)}",
        remedy="Read the lines above; mostly it is a full disk, too little memory, or a damaged data folder.",
        chinese=f"{server.name} 启动失败(退出码 {exit_code}):请查看日志,常见原因是磁盘已满、内存不足或数据目录损坏。",
    )
