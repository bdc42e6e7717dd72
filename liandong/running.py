"""Running a node until a signal ends it."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import uvloop

from liandong.home import Home, Say, listening, servers
from liandong.law import load_shipped
from liandong.node import SERVICES, Node, prepare
from liandong.serving import on_signals, serve
from shared.telemetry import traces, tracing_setup
from shared.telemetry.logs import Level, configure

T = TypeVar("T")


_NEW_OBJECTS = 50_000
"""A batch of five hundred events makes more objects than Python's usual 700, all of which live until it is committed: the
collector would look at each batch again and again and find nothing."""


def calm_collector() -> None:
    """Have the garbage collector look more seldom, and never at what was imported: that stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on uvloop."""
    calm_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    finally:
        traces.stop()


async def run_node(home: Home, port: int, say: Say, *, load: bool) -> int:
    """Everything on this machine: the servers, then the services, behind one address. The exit status."""
    stop = asyncio.Event()
    on_signals(stop)
    try:
        listener = listening(port)
    except OSError as error:
        say(f"端口 {port} 不可用 / port {port} is not free: {error.strerror}; choose another with --port, or 0")
        return 1
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with servers(home, say) as settings:
        await prepare(settings)
        node = Node(settings)
        await node.start()
        try:
            with home.announced(address):
                await serve(node.app, listener, until=stop, ready=lambda: _ready(home, address, say, load=load))
        finally:
            say("stopping the services / 正在停止各服务")
            await node.stop()
    return 0


async def _ready(home: Home, address: str, say: Say, *, load: bool) -> None:
    if load:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
            loaded = await load_shipped(http, home.issuer(), say)
        say(f"law book: version {loaded.version} / 法规与措施目录：第 {loaded.version} 版")
    say(f"ready / 已就绪: {address}")
    for name in SERVICES:
        say(f"  {address}/{name}/docs")
    say("Ctrl-C ends it / 按 Ctrl-C 停止")


def begin_telling(level: Level = Level.INFO) -> None:
    """Log lines to standard error, from this level on unless the environment says another; traces to a collector."""
    configure("liandong", level=level)
    tracing_setup.start()
