"""A TCP proxy between a service and its database: a test can cut it, silence it, or let it lose one response."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url


class Proxy:
    """Forwards bytes in both directions."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._silenced: set[asyncio.StreamWriter] = set()
        self._lose_response_to: bytes | None = None
        self.lost = asyncio.Event()

    def lose_response_to(self, request: bytes) -> None:
        """The next request with these bytes reaches the server; instead of the response the client gets a closed connection."""
        self._lose_response_to = request

    def cut(self) -> None:
        """Abort all current connections; new ones may be opened."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def silence(self) -> None:
        """Drop all bytes on the current connections without closing them, as a firewall that has lost its state."""
        self._silenced |= self._writers

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._server)
        self._writers |= {writer, server_writer}
        losing = asyncio.Event()
        requests = asyncio.create_task(self._forward_requests(reader, server_writer, losing))
        responses = asyncio.create_task(self._forward_responses(server_reader, writer, losing))
        await asyncio.wait({requests, responses}, return_when=asyncio.FIRST_COMPLETED)
        requests.cancel()
        responses.cancel()
        for end in (writer, server_writer):
            self._writers.discard(end)
            end.close()

    async def _forward_requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._lose_response_to and self._lose_response_to in data:
                    self._lose_response_to = None
                    losing.set()
                if server in self._silenced:
                    continue
                server.write(data)
                await server.drain()

    async def _forward_responses(
        self, server: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await server.read(65536):
                if losing.is_set():
                    self.lost.set()
                    return
                if writer in self._silenced:
                    continue
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxied(url: str) -> AsyncGenerator[tuple[Proxy, str]]:
    """A proxy to the database of this URL, and the URL that goes through the proxy."""
    target = make_url(url)
    proxy = Proxy(target.host or "127.0.0.1", target.port or 5432)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, target.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        proxy.cut()
        server.close()
