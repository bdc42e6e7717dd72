"""Resolves the entries in force again when the law changes: when the book does, or a day comes on which something in it begins
or ends.

It goes through the subjects by key, in batches. A batch is one transaction: it locks the subjects as a reaction does, decides,
appends, and moves the cursor. So nothing is decided twice, whatever fails and however many instances run, and the decisions
about a subject are in order. What a later law may change: domain/milder.py (从旧兼从轻).
"""

import time
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.commands import ResolveAgain
from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.law import law_on
from services.registry.stores import runs, subject_locks
from services.registry.views import in_force
from shared.calendar.working_days import today
from shared.eventstore import Metadata, Session
from shared.polling import PollingWorker
from shared.runtime.core import Core

POLL_SECONDS = 1.0
LAW_KNOWN_AFTER_SECONDS = 2 * POLL_SECONDS
BATCH = 200
"""Subjects. A batch holds their locks for a few hundred milliseconds."""


class ResolveAgainWorker(PollingWorker):
    def __init__(self, core: Core, batch: int = BATCH) -> None:
        """`batch`: subjects in one transaction."""
        super().__init__("resolving again", idle_seconds=POLL_SECONDS)
        self._core = core
        self._batch = batch
        self._done: tuple[int, date] | None = None
        self._seen: tuple[tuple[int, date] | None, float] = (None, 0.0)

    async def poll(self) -> bool:
        """One batch, or the beginning of a run. False when all files are up to date, or another instance has the run."""
        core = self._core
        book = await core.lawbook.current()
        law = law_on(book, today(core.clock.now()))
        if not book.version or self._done == law.key:
            return False
        async with core.engine.begin() as connection:
            run = await runs.claim(connection)
            if run is None:
                return await self._begin(connection, law.key)
            keys = await in_force.subjects(connection, run.after, self._batch)
            if not keys:
                await runs.finish(connection, run, core.clock.now())
                return True
            touched = set(keys) | await in_force.people_of(connection, keys)
            await subject_locks.lock(connection, touched)
            session = Session(core.store, core.clock.now(), Metadata(actor=f"service:{core.name}"), connection)
            await session.load(SUBJECT_FILE, touched)
            changed = sum(bool(session.do_loaded(SUBJECT_FILE, key, ResolveAgain(book))) for key in sorted(touched))
            change = session.change()
            await core.store.write(connection, [change])
            await runs.advance(connection, run, keys[-1], len(keys), changed)
        core.store.committed([change])
        return True

    async def _begin(self, connection: AsyncConnection, key: tuple[int, date]) -> bool:
        """Begin a run by this law, unless one is finished. Whether there is a run."""
        if await runs.is_done(connection, *key):
            self._done = key
            return False
        if not self._known_everywhere(key):
            return False
        return await runs.begin(connection, *key, self._core.clock.now())

    def _known_everywhere(self, key: tuple[int, date]) -> bool:
        """Whether every instance uses this law: each reads the book once a poll.

        Before that, another instance could still decide by the previous law about a subject that the run has passed.
        """
        if self._seen[0] != key:
            self._seen = (key, time.monotonic())
        return time.monotonic() - self._seen[1] >= LAW_KNOWN_AFTER_SECONDS
