"""One address for many processes: the first segment of a path names the service; its instances are used in rotation."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import httpx


class Backend(Protocol):
    """A process that serves HTTP as one service."""

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        ...

    @property
    def is_alive(self) -> bool: ...


class Gateway(httpx.AsyncBaseTransport):
    """Forwards each request to a running instance; when none runs, the connection fails, as with any gateway."""

    def __init__(self, instances: Mapping[str, Sequence[Backend]]) -> None:
        self._instances = instances
        self._counts: dict[str, Iterator[int]] = {name: itertools.count() for name in instances}
        self._transport = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _, service, rest = request.url.raw_path.decode().split("/", 2)
        chosen = httpx.URL(self._choose(service))
        request.url = request.url.copy_with(
            scheme=chosen.scheme, host=chosen.host, port=chosen.port, raw_path=f"/{rest}".encode()
        )
        return await self._transport.handle_async_request(request)

    def _choose(self, service: str) -> str:
        instances = [one for one in self._instances[service] if one.is_alive] or self._instances[service]
        return instances[next(self._counts[service]) % len(instances)].address

    async def aclose(self) -> None:
        await self._transport.aclose()
