"""The workers of imports: a file is checked row by row, and after its approval published row by row.

Invariants. A batch of rows is one transaction. It also moves `next_line`, and it is rolled back when `next_line` is not where the
previous batch left it. So a worker may die at any point, and two workers may work on one import without coordination: no row
is counted, rejected or published twice, and none is left out. The advisory lock only saves a second worker useless work.
The id of an entry is derived from import and line, and its stream must be new. An import on which the work fails, or is killed,
several times without progress is refused (decision 0026).
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.initiator.jobs.step import give_up, refuse_file, run_step
from services.initiator.settings import ImportSettings
from services.initiator.stores import import_work
from services.initiator.stores.import_work import Superseded
from services.initiator.views import imports
from shared.database import is_outage
from shared.polling import PollingWorker
from shared.rejection import Fault
from shared.runtime.core import Core

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
RETRY_SECONDS = 5.0
"""The wait before an import is tried again after the work on it failed."""
WATCH_SECONDS = 1.0
"""How often a worker looks whether its import was withdrawn."""
CLEANUP_SECONDS = 600.0
"""The interval of the clean-up."""
ORPHANED_AFTER = timedelta(hours=1)


class ImportWorkers(PollingWorker):
    """The workers of one instance of the service."""

    def __init__(self, core: Core, settings: ImportSettings) -> None:
        super().__init__("imports", idle_seconds=POLL_SECONDS, workers=settings.workers)
        self._core = core
        self._settings = settings
        self._retry_at: dict[str, float] = {}
        self._cleaned_at = -CLEANUP_SECONDS

    async def poll(self) -> bool:
        """Run a step of one import, then the clean-up if it is due."""
        worked = await self._step()
        await self._clean_up()
        return worked

    async def _step(self) -> bool:
        """Run the step of the oldest import that no other worker holds. False when there is none."""
        async with self._core.engine.connect() as connection:
            pending = await import_work.pending(connection)
        for import_id in pending:
            if self._retry_at.get(import_id, 0.0) > time.monotonic():
                continue
            async with _advisory_lock(self._core.engine, import_id) as locked:
                if locked:
                    await self._work_on(import_id)
                    return True
        return False

    async def _work_on(self, import_id: str) -> None:
        """Run the due step. A try is counted before it and taken back when the import is not to blame: stop, outage."""
        try:
            tries = await self._count_try(import_id)
            if tries > self._settings.tries:
                log.error("import %s is refused: the work on it failed %s times", import_id, self._settings.tries)
                await give_up(self._core, import_id, self._settings.tries)
            else:
                await self._run_step(import_id)
        except Superseded:
            log.info("import %s was continued by another worker or withdrawn", import_id)
        except asyncio.CancelledError:
            await self._take_back(import_id)
            raise
        except Exception as error:
            self._retry_at[import_id] = time.monotonic() + RETRY_SECONDS
            if is_outage(error):
                await self._take_back(import_id)
            raise

    async def _run_step(self, import_id: str) -> None:
        """Run the step until it ends, or until the import is withdrawn: then its worker is free at once."""
        step = asyncio.create_task(run_step(self._core, import_id, self._settings.batch_rows))
        gone = asyncio.create_task(self._withdrawn(import_id))
        try:
            await asyncio.wait((step, gone), return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                await asyncio.wait((step,), timeout=WATCH_SECONDS)
            if not step.done():
                raise Superseded(import_id)
            step.result()
        finally:
            step.cancel()
            gone.cancel()
            await asyncio.gather(step, gone, return_exceptions=True)

    async def _withdrawn(self, import_id: str) -> None:
        """Return when the work on the import is over. An outage does not end the watch: the step finds out by itself."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(OSError, SQLAlchemyError):
                async with self._core.engine.connect() as connection:
                    if await import_work.read_work(connection, import_id) is None:
                        return

    async def _count_try(self, import_id: str) -> int:
        async with self._core.engine.begin() as connection:
            tries = await import_work.count_try(connection, import_id)
        if tries is None:
            raise Superseded(import_id)
        return tries

    async def _take_back(self, import_id: str) -> None:
        with suppress(OSError, SQLAlchemyError):
            async with self._core.engine.begin() as connection:
                await import_work.count_try(connection, import_id, -1)

    async def _clean_up(self) -> None:
        """Delete the pieces of broken uploads, and refuse imports that were not approved in time."""
        if time.monotonic() - self._cleaned_at < CLEANUP_SECONDS:
            return
        self._cleaned_at = time.monotonic()
        async with self._core.engine.begin() as connection:
            await import_work.drop_orphans(connection, ORPHANED_AFTER)
            days = self._settings.keep_unapproved_days
            instant = self._core.clock.now() - timedelta(days=days)
            expired = await imports.unapproved_since(connection, instant)
        for import_id in expired:
            await refuse_file(self._core, import_id, [Fault("import_expired", None, {"days": days})])


@asynccontextmanager
async def _advisory_lock(engine: AsyncEngine, import_id: str) -> AsyncGenerator[bool]:
    """Try to lock an import; yields whether it was free. The lock belongs to the connection, so it ends with the process."""
    key = func.hashtextextended(f"import {import_id}", 0)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        locked = bool(await connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield locked
        finally:
            if locked:
                try:
                    await connection.scalar(select(func.pg_advisory_unlock(key)))
                except BaseException:
                    # A connection that may still hold the lock must not go back into the pool.
                    await connection.invalidate()
                    raise
