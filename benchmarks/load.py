"""A load client with little overhead: HTTP/1.1 over plain streams, with prepared requests and persistent connections."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CONNECTIONS = 16


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    fields = {"Host": "127.0.0.1", **headers}
    if body:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Load:
    """Sends requests to one port on a number of concurrent connections."""

    port: int
    took_ms: list[float] = field(default_factory=list[float])

    async def __call__(self, requests: list[bytes], status: int) -> float:
        """Send all; returns requests per second. Raises RuntimeError when a response has another status."""
        source = iter(requests)
        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._connection(source, b"HTTP/1.1 %d " % status))
        return len(requests) / (time.perf_counter() - start)

    async def _connection(self, source: Iterator[bytes], expected: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for sent in source:
                began = time.perf_counter()
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                self.took_ms.append((time.perf_counter() - began) * 1000)
                if not head.startswith(expected):
                    raise RuntimeError(f"{head.splitlines()[0]!r}: {body[:500]!r}")
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError(f"a response without Content-Length: {head!r}")
