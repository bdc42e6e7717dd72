"""Coalescing: commands that arrive together are committed together.

A commit costs a flush of the disk whether it carries one command or a hundred. When a coalesced commit fails, each of its
commands is redone alone, so that one stale command fails for itself only. A command is atomic either way.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from shared.database import is_outage, is_rollback
from shared.eventstore.store import Change, EventStore, Recorded, VersionConflict
from shared.telemetry import traces


@dataclass(slots=True)
class _Waiting:
    change: Change
    done: asyncio.Future[list[Recorded]]


class Committer:
    """Writes changes of concurrent commands, as many a transaction as are waiting."""

    def __init__(self, store: EventStore, *, most: int = 256, writers: int = 2) -> None:
        self._store = store
        self._most = most
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._writers = writers
        self._writing = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(), name="committer") for _ in range(self._writers)]

    async def stop(self) -> None:
        """Write what waits, then end; what comes later is refused."""
        self._stopped = True
        while self._waiting or self._writing:
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def commit(self, change: Change) -> list[Recorded]:
        """Return when the change is durable. Raises what EventStore.write raises, or the database's error.

        A deadlock is a VersionConflict too: another writer was first.
        """
        if self._stopped:
            raise ConnectionAbortedError("the service is stopping")
        waiting = _Waiting(change, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.done

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            together = self._take()
            if not together:
                self._wake.clear()
                continue
            self._writing += 1
            try:
                await self._write(together)
            finally:
                self._writing -= 1

    def _take(self) -> list[_Waiting]:
        """The next commands, one a stream: of two that append to one stream the later waits for its own turn."""
        together: list[_Waiting] = []
        streams: set[str] = set()
        later: list[_Waiting] = []
        while self._waiting and len(together) < self._most:
            waiting = self._waiting.popleft()
            own = {append.stream for append in waiting.change.appends}
            if own & streams:
                later.append(waiting)
            else:
                streams |= own
                together.append(waiting)
        self._waiting.extendleft(reversed(later))
        return together

    async def _write(self, together: list[_Waiting]) -> None:
        try:
            recorded = await self._transaction([waiting.change for waiting in together])
        except Exception as error:
            await self._write_alone(together, error)
        else:
            _share(together, recorded)

    async def _write_alone(self, together: list[_Waiting], error: Exception) -> None:
        """Whatever failed, it failed for one of them; only where no database answers there is nothing to be redone."""
        if len(together) == 1:
            _fail(together[0], VersionConflict(str(error)) if is_rollback(error) else error)
        elif is_outage(error) and not isinstance(error, DBAPIError):
            for waiting in together:
                _fail(waiting, error)
        else:
            for waiting in together:
                await self._write([waiting])

    async def _transaction(self, changes: list[Change]) -> list[Recorded]:
        with traces.batch("commit", lambda: _traceparents(changes), commands=len(changes)):
            async with self._store.engine.begin() as connection:
                recorded = await self._store.write(connection, changes)
        self._store.committed(changes)
        return recorded


def _traceparents(changes: Iterable[Change]) -> Iterable[str]:
    return (new.metadata.traceparent for change in changes for append in change.appends for new in append.events)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)


def _share(together: list[_Waiting], recorded: list[Recorded]) -> None:
    """Hand each command the events that are its own; they stand in the order of the commands."""
    start = 0
    for waiting in together:
        count = sum(len(append.events) for append in waiting.change.appends)
        if not waiting.done.done():
            waiting.done.set_result(recorded[start : start + count])
        start += count
