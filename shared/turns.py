"""Work that comes round beside a service: look, do what there is, rest, look again, until the service stops.

A turn that fails is told and, after a rest, taken again: an outage ends no loop, and no error is passed over in silence.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from contextlib import suppress

log = logging.getLogger(__name__)


class Turns(ABC):
    """Takes turns from `start` to `stop`. `name` is what its log lines and tasks are called by."""

    def __init__(self, name: str, *, rest: float, first_rest: float = 0.0, workers: int = 1) -> None:
        """`rest`: seconds after a turn that found nothing to do; `first_rest`: seconds before the first turn.

        `workers`: how many take turns at the same time.
        """
        self._name = name
        self._rest = rest
        self._first_rest = first_rest
        self._workers = workers
        self._working: list[asyncio.Task[None]] = []

    @abstractmethod
    async def turn(self) -> bool:
        """Do some of what there is to do. True when there may be more: the next turn comes at once."""

    def start(self) -> None:
        self._working = [asyncio.create_task(self._run(), name=self._name) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Drop what is in hand: its transaction is rolled back, and whoever comes next begins where it began."""
        for task in self._working:
            task.cancel()
        for task in self._working:
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        await asyncio.sleep(self._first_rest)
        while True:
            try:
                goes_on = await self.turn()
            except Exception as error:
                log.warning("%s: a turn failed, it is taken again: %s", self._name, type(error).__name__, exc_info=True)
                goes_on = False
            await asyncio.sleep(0 if goes_on else self._rest)
