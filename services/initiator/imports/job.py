"""The work on imports: a file is checked row by row, and, when it was approved, published row by row.

Invariants: a batch of rows is one transaction, which also moves `next_line`, and finds it where the batch before left it, or
is void. So a worker may die at any point, and two may work on one import without knowing: no row is counted, rejected or
published twice, and none is left out. An advisory lock keeps a second worker away, only to spare it the work.
An entry's id follows from import and line, and its stream must be new.
"""

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from services.initiator.imports.work import FileWork, refuse
from services.initiator.settings import ImportSettings
from services.initiator.views import imports
from services.initiator.views.imports import Superseded
from shared.polling import PollingWorker
from shared.rejection import Fault
from shared.runtime.core import Core

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
REST_SECONDS = 5.0
"""How long an import is left alone after the work on it failed."""
SWEEP_SECONDS = 600.0
BROKEN_OFF_AFTER = timedelta(hours=1)


class ImportWorkers(PollingWorker):
    """The workers of one instance of the service."""

    def __init__(self, core: Core, settings: ImportSettings) -> None:
        super().__init__("imports", idle_seconds=POLL_SECONDS, workers=settings.workers)
        self._core = core
        self._settings = settings
        self._resting: dict[str, float] = {}
        self._swept_at = -SWEEP_SECONDS

    async def poll(self) -> bool:
        """One step of one import, then what is due of the housekeeping."""
        worked = await self._step()
        await self._sweep()
        return worked

    async def _step(self) -> bool:
        """Work on the oldest import that nobody else works on, until its step is done. False when there is none."""
        async with self._core.engine.connect() as connection:
            waiting = await imports.in_hand(connection)
        for import_id in waiting:
            if self._resting.get(import_id, 0.0) > time.monotonic():
                continue
            async with _alone_with(self._core.engine, import_id) as alone:
                if alone:
                    await self._carry_on(import_id)
                    return True
        return False

    async def _carry_on(self, import_id: str) -> None:
        try:
            await FileWork(self._core, import_id, self._settings.batch_rows).work()
        except Superseded:
            log.info("import %s was carried on or withdrawn elsewhere", import_id)
        except Exception:
            self._resting[import_id] = time.monotonic() + REST_SECONDS
            raise

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = time.monotonic()
        async with self._core.engine.begin() as connection:
            await imports.drop_orphans(connection, BROKEN_OFF_AFTER)
            days = self._settings.keep_unapproved_days
            instant = self._core.clock.now() - timedelta(days=days)
            forgotten = await imports.unapproved_since(connection, instant)
        for import_id in forgotten:
            await refuse(self._core, import_id, [Fault("import_expired", None, {"days": days})])


@asynccontextmanager
async def _alone_with(engine: AsyncEngine, import_id: str) -> AsyncGenerator[bool]:
    """Whether this worker has the import to itself. The lock is the connection's: it ends with the process."""
    key = func.hashtextextended(f"import {import_id}", 0)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        alone = bool(await connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield alone
        finally:
            if alone:
                try:
                    await connection.scalar(select(func.pg_advisory_unlock(key)))
                except BaseException:
                    # A connection that may still hold the lock must not go back into the pool.
                    await connection.invalidate()
                    raise
