"""Adaptive batching: under load, wait a moment before the next batch, so that it is larger.

A batch costs much the same whether it holds five events or five hundred (docs/decisions/0005). A single event is never delayed:
`linger` waits only if the last second brought many events and the last batch was small.
"""

import asyncio
import time

BUSY_EVENTS_PER_SECOND = 1_500
LINGER_SECONDS = 0.04
_LARGE_BATCH = 400
"""Events. After a batch of this size, waiting for a larger one gains nothing."""


class Linger:
    """Measures the recent load of one place that takes batches."""

    def __init__(self, busy: int = BUSY_EVENTS_PER_SECOND, seconds: float = LINGER_SECONDS) -> None:
        """`busy`: events in a second from which on it waits. `seconds`: how long it waits."""
        self._busy = busy
        self._seconds = seconds
        self._second = 0.0
        self._current = self._previous = 0
        self._last_batch = 0

    def record_batch(self, size: int) -> None:
        """Note the number of events in a batch."""
        self._advance()
        self._current += size
        self._last_batch = size

    async def linger(self) -> None:
        """Wait if the load is high and the last batch was small."""
        self._advance()
        if max(self._current, self._previous) >= self._busy and self._last_batch < _LARGE_BATCH:
            await asyncio.sleep(self._seconds)

    def _advance(self) -> None:
        second = time.monotonic() // 1
        if second != self._second:
            self._previous = self._current if second == self._second + 1 else 0
            self._current, self._second = 0, second
