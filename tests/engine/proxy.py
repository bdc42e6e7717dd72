"""A wire between a service and its database that a test can cut, or on which it loses one answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class Wire:
    """Passes bytes on, both ways."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._swallowing: set[asyncio.StreamWriter] = set()
        self._lose_answer_to: bytes | None = None
        self.lost = asyncio.Event()

    def lose_answer_to(self, request: bytes) -> None:
        """The next request with these bytes reaches the server, which answers; then the connection is gone."""
        self._lose_answer_to = request

    def cut(self) -> None:
        """Cut all connections as they are; new ones may be made."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def swallow(self) -> None:
        """What goes over the connections of now arrives nowhere, and nobody is told: a firewall has forgotten them."""
        self._swallowing |= self._writers

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._there)
        self._writers |= {writer, there_writer}
        losing = asyncio.Event()
        asking = asyncio.create_task(self._ask(reader, there_writer, losing))
        answering = asyncio.create_task(self._answer(there_reader, writer, losing))
        await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        answering.cancel()
        for end in (writer, there_writer):
            self._writers.discard(end)
            end.close()

    async def _ask(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._lose_answer_to and self._lose_answer_to in data:
                    self._lose_answer_to = None
                    losing.set()
                if there in self._swallowing:
                    continue
                there.write(data)
                await there.drain()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await there.read(65536):
                if losing.is_set():
                    self.lost.set()
                    return
                if writer in self._swallowing:
                    continue
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def wired(url: str) -> AsyncGenerator[tuple[Wire, str]]:
    """A wire to the database of this URL, and the URL by which to reach it over the wire."""
    there = make_url(url)
    wire = Wire(there.host or "127.0.0.1", there.port or 5432)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield wire, there.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        wire.cut()
        server.close()
