"""Runs a node until a signal stops it."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import uvloop

from liandong.home import Home, Say, listening, servers
from liandong.law import load_shipped
from liandong.node import SERVICES, Node, prepare
from liandong.node_file import announced
from liandong.serving import on_signals, serve
from shared.telemetry import traces, tracing_setup
from shared.telemetry.logs import Level, configure

T = TypeVar("T")


_NEW_OBJECTS = 50_000
"""Threshold of the garbage collector's youngest generation (Python's default is 700). A batch of 500 events makes many more
objects, and all of them live until the commit: with the default the collector would scan each batch many times in vain."""


def tune_garbage_collector() -> None:
    """Make the garbage collector run less often, and never scan imported modules: they stay alive anyway."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop; traces are flushed at the end."""
    tune_garbage_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    finally:
        traces.stop()


async def run_node(home: Home, port: int, say: Say, *, load: bool) -> int:
    """Run everything on this machine: the servers, then the services behind one address. Returns the exit status."""
    stop = asyncio.Event()
    on_signals(stop)
    try:
        listener = listening(port)
    except OSError as error:
        say(
            f"端口 {port} 不可用 / port {port} is not free: {error.strerror}; choose another with --port (0: any free port)"
        )
        return 1
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with servers(home, say) as settings:
        await prepare(settings)
        node = Node(settings)
        await node.start()
        try:
            with announced(home.folder, address):
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
    say("press Ctrl-C to stop / 按 Ctrl-C 停止")


def start_telemetry(level: Level = Level.INFO) -> None:
    """Log to standard error from this level on (the environment can set another); send traces if a collector is set."""
    configure("liandong", level=level)
    tracing_setup.start()
