"""Polling background workers: look for work, do it, wait, and look again until the service stops.

A poll that fails is logged and repeated after the idle time: an outage ends no worker, and no error is hidden.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import suppress

log = logging.getLogger(__name__)


class PollingWorker(ABC):
    """Polls from `start` to `stop`. `name` appears in its log lines and task names."""

    def __init__(self, name: str, *, idle_seconds: float, first_delay: float = 0.0, workers: int = 1) -> None:
        """`idle_seconds`: the wait after a poll that found no work. `first_delay`: seconds before the first poll.

        `workers`: how many poll concurrently.
        """
        self._name = name
        self._idle_seconds = idle_seconds
        self._first_delay = first_delay
        self._workers = workers
        self._tasks: list[asyncio.Task[None]] = []

    @abstractmethod
    async def poll(self) -> bool:
        """Do some of the work there is. True when there may be more: the next poll follows at once."""

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(), name=self._name) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Cancel the work in progress: its transaction is rolled back, and the next worker repeats it from the start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        await asyncio.sleep(self._first_delay)
        while True:
            try:
                more = await self.poll()
            except Exception as error:
                log.warning("%s: a poll failed and is repeated: %s", self._name, type(error).__name__, exc_info=True)
                more = False
            await asyncio.sleep(0 if more else self._idle_seconds)
