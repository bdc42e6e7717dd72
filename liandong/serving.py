"""Runs one uvicorn server until an event is set; signals set the event, so the server stops cleanly."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from socket import socket

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

DRAIN_SECONDS = 5
"""Time for current requests to finish at a stop. New requests are refused; the caller tries the next instance."""


async def serve(
    app: ASGIApp,
    listener: socket,
    *,
    until: asyncio.Event,
    ready: Callable[[], Awaitable[None]] | None = None,
    path: str = "",
) -> None:
    """Serve on this socket until the event is set, then finish the current requests.

    With `path`, the application is also mounted below it: a gateway can pass paths on unchanged, and links in responses are
    right both behind the gateway and without it.
    """
    routed = Starlette(routes=[Mount(path, app), Mount("/", app)]) if path else app
    config = uvicorn.Config(
        routed, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_SECONDS
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        if ready and not serving.done():
            await ready()
        stop = asyncio.create_task(until.wait())
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """A server that leaves signal handling to the program (see `on_signals`)."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def on_signals(event: asyncio.Event) -> None:
    """SIGINT (Ctrl-C) and SIGTERM set the event; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def set_event(number: signal.Signals) -> None:
        event.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, set_event, number)
