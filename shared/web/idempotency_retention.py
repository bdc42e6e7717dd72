"""Deletes stored answers of idempotent writes after their retention period.

A request that is repeated later than that is a new request. The number of days is a promise to callers (runtime/settings.py). The
age is measured by the database's time, which no movable clock changes. Rows are deleted in small batches, each in its own
transaction, and rows that another instance is deleting are skipped: no request waits for it.
"""

import asyncio
import logging

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.polling import PollingWorker

log = logging.getLogger(__name__)

BATCH = 1000
PAUSE_SECONDS = 0.1
POLL_SECONDS = 3600.0
FIRST_DELAY_SECONDS = 60.0
"""A starting service has more urgent work."""


class ExpiredAnswers(PollingWorker):
    """Deletes the stored answers of one service that are older than `days`, until it is stopped."""

    def __init__(self, service: str, engine: AsyncEngine, days: int) -> None:
        super().__init__(f"expired answers {service}", idle_seconds=POLL_SECONDS, first_delay=FIRST_DELAY_SECONDS)
        self._service = service
        self._engine = engine
        self._days = days

    async def poll(self) -> bool:
        """Delete all that has expired now. What expires meanwhile can wait for the next poll."""
        deleted = await self.delete_expired()
        if deleted:
            log.info("%s: %d expired answers deleted", self._service, deleted)
        return False

    async def delete_expired(self) -> int:
        """Delete all that has expired now. Returns the number of deleted answers."""
        deleted = 0
        while count := await self._delete_batch():
            deleted += count
            if count < BATCH:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return deleted

    async def _delete_batch(self) -> int:
        async with self._engine.begin() as connection:
            return (await connection.execute(_DELETE, {"days": self._days, "most": BATCH})).rowcount


_DELETE = text("""
    DELETE FROM idempotency WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency WHERE answered_at < now() - make_interval(days => :days)
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
""")
