"""Coalesced commits: commands that arrive together are committed in one transaction.

A commit costs one disk flush, for one command as for a hundred. When a coalesced commit fails, each of its commands is retried
alone, so a stale command fails only itself. A command is atomic either way.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from shared.database import is_outage, is_rollback
from shared.eventstore.changes import Change, Recorded, VersionConflict
from shared.eventstore.store import EventStore
from shared.telemetry import traces


@dataclass(slots=True)
class _Waiting:
    change: Change
    done: asyncio.Future[list[Recorded]]


class Committer:
    """Writes the changes of concurrent commands, all waiting ones in one transaction."""

    def __init__(self, store: EventStore, *, max_batch: int = 256, writers: int = 2) -> None:
        """`max_batch`: commands in one transaction. `writers`: transactions at the same time."""
        self._store = store
        self._max_batch = max_batch
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._writers = writers
        self._writing = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(), name="committer") for _ in range(self._writers)]

    async def stop(self) -> None:
        """Write what waits, then stop; later commands are refused."""
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

        A deadlock raises VersionConflict as well: another writer was faster. While stopping: ConnectionAbortedError.
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
            batch = self._next_batch()
            if not batch:
                self._wake.clear()
                continue
            self._writing += 1
            try:
                await self._write(batch)
            finally:
                self._writing -= 1

    def _next_batch(self) -> list[_Waiting]:
        """The next commands, at most one for each stream: a second command on a stream waits for a later batch."""
        batch: list[_Waiting] = []
        streams: set[str] = set()
        later: list[_Waiting] = []
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._waiting.popleft()
            own = {append.stream for append in waiting.change.appends}
            if own & streams:
                later.append(waiting)
            else:
                streams |= own
                batch.append(waiting)
        self._waiting.extendleft(reversed(later))
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            recorded = await self._transaction([waiting.change for waiting in batch])
        except Exception as error:
            await self._write_alone(batch, error)
        else:
            _distribute(batch, recorded)

    async def _write_alone(self, batch: list[_Waiting], error: Exception) -> None:
        """After a failed batch: retry each command alone, unless the database does not answer at all."""
        if len(batch) == 1:
            _fail(batch[0], VersionConflict(str(error)) if is_rollback(error) else error)
        elif is_outage(error) and not isinstance(error, DBAPIError):
            for waiting in batch:
                _fail(waiting, error)
        else:
            for waiting in batch:
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


def _distribute(batch: list[_Waiting], recorded: list[Recorded]) -> None:
    """Give each command its own events; `recorded` is in the order of the commands."""
    start = 0
    for waiting in batch:
        count = sum(len(append.events) for append in waiting.change.appends)
        if not waiting.done.done():
            waiting.done.set_result(recorded[start : start + count])
        start += count
