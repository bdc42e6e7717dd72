"""Loads that are asked for together are answered by one query.

Commands that arrive together each need their stream: one round trip serves them all. A load is answered by a query that began
after it was asked for, so that it sees all that was committed by then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.eventstore.states import History


class Read(Protocol):
    async def __call__(self, streams: Mapping[str, int], /) -> History: ...


class Loader:
    """Groups loads. `read` asks the database; one query at a time is under way, and the next takes all that waits."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._waiting: list[tuple[Mapping[str, int], asyncio.Future[History]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def load(self, streams: Mapping[str, int]) -> History:
        """The history of these streams from the versions given on, and maybe more; a stream that does not exist is not in it."""
        answer: asyncio.Future[History] = asyncio.get_running_loop().create_future()
        self._waiting.append((streams, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._run(), name="loader")
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._answer(together)
        finally:
            self._reading = None

    async def _answer(self, together: Sequence[tuple[Mapping[str, int], asyncio.Future[History]]]) -> None:
        wanted: dict[str, int] = {}
        for streams, _ in together:
            for stream, version in streams.items():
                wanted[stream] = min(version, wanted.get(stream, version))
        try:
            found = await self._read(wanted)
        except Exception as error:
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for _, answer in together:
                if not answer.done():
                    answer.set_result(found)
