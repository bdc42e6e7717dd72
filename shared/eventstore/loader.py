"""Loads that are asked for together are answered by one query.

Commands that arrive together each need their stream: one round trip serves them all. A load is answered by a query that began
after it was asked for, so that it sees all that was committed by then.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from shared.contracts.event import Event

History = dict[str, list[tuple[int, Event]]]
"""Stream → versions and events, in order."""


class Read(Protocol):
    async def __call__(self, streams: Sequence[str], /) -> History: ...


class Loader:
    """Groups loads. `read` asks the database; one query at a time is under way, and the next takes all that waits."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._waiting: list[tuple[Sequence[str], asyncio.Future[History]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def load(self, streams: Sequence[str]) -> History:
        """The history of these streams and maybe of others; a stream that does not exist is not in it."""
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

    async def _answer(self, together: list[tuple[Sequence[str], asyncio.Future[History]]]) -> None:
        try:
            found = await self._read(list({stream for streams, _ in together for stream in streams}))
        except Exception as error:
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for _, answer in together:
                if not answer.done():
                    answer.set_result(found)
