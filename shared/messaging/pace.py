"""When much is coming, waiting a moment moves more: a batch costs much the same whether it holds five events or five hundred.

A lone event is never held up. Only when the last second brought many does whoever asks wait a little before it takes the next.
"""

import asyncio
import time

MANY_A_SECOND = 1_500
MOMENT_SECONDS = 0.04
_LARGE_ENOUGH = 400
"""A batch of so many is not worth waiting for a larger one."""


class Pace:
    """How much came lately, in one place that takes batches."""

    def __init__(self, many: int = MANY_A_SECOND, moment: float = MOMENT_SECONDS) -> None:
        self._many = many
        self._moment = moment
        self._second = 0.0
        self._now = self._before = 0
        self._last = 0

    def took(self, count: int) -> None:
        """Note the size of a batch."""
        self._turn()
        self._now += count
        self._last = count

    async def breathe(self) -> None:
        """Wait a moment, if much is coming and the last batch was small."""
        self._turn()
        if max(self._now, self._before) >= self._many and self._last < _LARGE_ENOUGH:
            await asyncio.sleep(self._moment)

    def _turn(self) -> None:
        second = time.monotonic() // 1
        if second != self._second:
            self._before = self._now if second == self._second + 1 else 0
            self._now, self._second = 0, second
