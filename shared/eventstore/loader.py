"""Concurrent loads are combined into one query.

Commands that arrive together each need their stream: one round trip serves them all. A load is always served by a query that
started after the load was requested, so the query sees everything committed before.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.eventstore.states import History


class Read(Protocol):
    async def __call__(self, streams: Mapping[str, int], /) -> History: ...


class Loader:
    """Combines loads. `read` queries the database; one query runs at a time, and the next one serves all waiting loads."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._waiting: list[tuple[Mapping[str, int], asyncio.Future[History]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def load(self, streams: Mapping[str, int]) -> History:
        """The events of these streams from the given versions on, and maybe more; streams that do not exist are absent."""
        result: asyncio.Future[History] = asyncio.get_running_loop().create_future()
        self._waiting.append((streams, result))
        if self._reading is None:
            self._reading = asyncio.create_task(self._run(), name="loader")
        return await result

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._serve(batch)
        finally:
            self._reading = None

    async def _serve(self, batch: Sequence[tuple[Mapping[str, int], asyncio.Future[History]]]) -> None:
        wanted: dict[str, int] = {}
        for streams, _ in batch:
            for stream, version in streams.items():
                wanted[stream] = min(version, wanted.get(stream, version))
        try:
            history = await self._read(wanted)
        except Exception as error:
            for _, result in batch:
                if not result.done():
                    result.set_exception(error)
        else:
            for _, result in batch:
                if not result.done():
                    result.set_result(history)
