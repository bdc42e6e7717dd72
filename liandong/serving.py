"""One uvicorn server around an application that starts and stops with it; signals end it cleanly."""

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
"""Requests in hand get so long to be answered; what comes later is refused, and whoever asks tries the next instance."""


async def serve(
    app: ASGIApp,
    listener: socket,
    *,
    until: asyncio.Event,
    ready: Callable[[], Awaitable[None]] | None = None,
    path: str = "",
) -> None:
    """Answer on this socket until the event is set; requests in hand are finished first.

    With a path, also below it: a gateway then passes on what it gets, and links in answers are right on both sides of it.
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
    """Signals are the program's business, not this server's."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def on_signals(event: asyncio.Event) -> None:
    """Ctrl-C and SIGTERM set the event; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        event.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
