"""Answers are remembered for as long as a caller may reasonably send a request again, and then forgotten.

A request that is sent again later than that is a new request: the days are a promise to callers (settings.py). Age is by the
database's time, of which nobody moves the clock. Rows go in small batches, each a transaction of its own, past rows that
another instance is deleting: no request waits for it.
"""

import asyncio
import logging

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.polling import PollingWorker

log = logging.getLogger(__name__)

BATCH = 1000
PAUSE_SECONDS = 0.1
LOOK_EVERY_SECONDS = 3600.0
FIRST_LOOK_SECONDS = 60.0
"""Not at once: a service that starts has more urgent things to do."""


class OldAnswers(PollingWorker):
    """Deletes the remembered answers of one service that are older than so many days, until it is stopped."""

    def __init__(self, service: str, engine: AsyncEngine, days: int) -> None:
        super().__init__(f"old answers {service}", idle_seconds=LOOK_EVERY_SECONDS, first_delay=FIRST_LOOK_SECONDS)
        self._service = service
        self._engine = engine
        self._days = days

    async def poll(self) -> bool:
        """Forget all that is too old now, at leisure: what comes of age meanwhile has time until the next look."""
        forgotten = await self.forget()
        if forgotten:
            log.info("%s: %d old answers forgotten", self._service, forgotten)
        return False

    async def forget(self) -> int:
        """Delete all that is too old now; how many answers there were."""
        forgotten = 0
        while some := await self._batch():
            forgotten += some
            if some < BATCH:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return forgotten

    async def _batch(self) -> int:
        async with self._engine.begin() as connection:
            return (await connection.execute(_FORGET, {"days": self._days, "most": BATCH})).rowcount


_FORGET = text("""
    DELETE FROM idempotency WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency WHERE answered_at < now() - make_interval(days => :days)
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
""")
