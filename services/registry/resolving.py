"""Resolves the entries in force again when the law changes: when the book does, or a day comes on which something in it
begins or ends.

It goes through the subjects by key, in batches. A batch is one transaction: it locks the subjects as a reaction does, decides,
appends, and moves the cursor. So nothing is concluded twice, whatever dies and however many instances there are, and a
subject's conclusions stand in their order. What a later law may change is said in domain/resolution.py: 从旧兼从轻.
"""

import time
from datetime import date

from services.registry.domain.deciding import ResolveAgain
from services.registry.domain.law import law_on
from services.registry.handlers import FILES
from services.registry.views import resolving, subjects
from shared.calendar.working_days import today
from shared.eventstore import Metadata, Session
from shared.polling import PollingWorker
from shared.runtime.core import Core

POLL_SECONDS = 1.0
KNOWN_SECONDS = 2 * POLL_SECONDS
BATCH = 200
"""Subjects. A batch holds their locks for some hundred milliseconds."""


class ResolveAgainJob(PollingWorker):
    """Keeps the files in step with the law, until it is stopped."""

    def __init__(self, core: Core, batch: int = BATCH) -> None:
        super().__init__("resolving again", idle_seconds=POLL_SECONDS)
        self._core = core
        self._batch = batch
        self._done: tuple[int, date] | None = None
        self._seen: tuple[tuple[int, date] | None, float] = (None, 0.0)

    async def poll(self) -> bool:
        """One batch, or the beginning of a run. False when the files are in step, or another instance is at it."""
        core = self._core
        book = await core.lawbook.current()
        law = law_on(book, today(core.clock.now()))
        if not book.version or self._done == law.key:
            return False
        async with core.engine.begin() as connection:
            run = await resolving.claim(connection)
            if run is None:
                if await resolving.is_done(connection, *law.key):
                    self._done = law.key
                    return False
                if not self._known_everywhere(law.key):
                    return False
                return await resolving.begin(connection, *law.key, core.clock.now())
            keys = await resolving.subjects_in_force(connection, run.after, self._batch)
            if not keys:
                await resolving.finish(connection, run, core.clock.now())
                return True
            touched = set(keys) | await resolving.people_of(connection, keys)
            await subjects.lock(connection, touched)
            session = Session(core.store, core.clock.now(), Metadata(actor=f"service:{core.name}"), connection)
            await session.load(FILES, touched)
            changed = sum(bool(session.do_loaded(FILES, key, ResolveAgain(book))) for key in sorted(touched))
            change = session.change()
            await core.store.write(connection, [change])
            await resolving.advance(connection, run, keys[-1], len(keys), changed)
        core.store.committed([change])
        return True

    def _known_everywhere(self, key: tuple[int, date]) -> bool:
        """Whether every instance goes by this law: each looks at the book once a poll. Until then one could still conclude
        by the law before, behind the back of the run."""
        if self._seen[0] != key:
            self._seen = (key, time.monotonic())
        return time.monotonic() - self._seen[1] >= KNOWN_SECONDS
