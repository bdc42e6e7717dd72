"""Timers: a timer that is due by the service's clock fires as a command, in the transaction that deletes it.

Rows are locked with SKIP LOCKED, so instances share the work and no timer fires twice. If the command is refused only with
`done_codes` (its purpose is already achieved), the timer ends. Any other fault keeps the timer with the reason, and it does not
fire again until an operator acts (shared/timers/failed.py). After an outage it is retried.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.calendar.clock import Clock
from shared.database import among
from shared.eventstore import EventStore, Metadata, Session, Timer, VersionConflict
from shared.eventstore.schema import TIMERS
from shared.messaging.failures import describe, is_deterministic, origin
from shared.polling import PollingWorker
from shared.rejection import Rejected

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_BATCH = 200

Fire = Callable[[Session, Sequence[Timer]], Awaitable[None]]
"""Executes the commands of due timers in the given session. If it fails deterministically, each timer is fired alone."""


class Timers(PollingWorker):
    """Fires one service's timers. `done_codes`: fault codes that mean that the timer's purpose is already achieved."""

    def __init__(
        self, service: str, store: EventStore, clock: Clock, fire: Fire, done_codes: Collection[str] = frozenset()
    ) -> None:
        super().__init__(f"timers {service}", idle_seconds=POLL_SECONDS)
        self._service = service
        self._store = store
        self._clock = clock
        self._fire = fire
        self._done_codes = done_codes

    async def poll(self) -> bool:
        """Fire a batch. True when it was not empty: more timers may be due."""
        return await self.drain() > 0

    async def drain(self) -> int:
        """Fire at most one batch of due timers; how many fired. A batch that fails deterministically is fired one by one."""
        try:
            return await self._drain_once(alone=False)
        except VersionConflict:
            return 0
        except Exception as error:
            if not is_deterministic(error):
                raise
            return await self._drain_once(alone=True)

    async def _drain_once(self, *, alone: bool) -> int:
        async with self._store.engine.begin() as connection:
            due = await self._due(connection)
            if not due:
                return 0
            await connection.execute(_REMOVE, {"timers": [timer.timer_id for timer in due]})
            if alone:
                for timer in due:
                    await self._fire_alone(connection, timer)
            else:
                await self._fire_all(connection, due)
        self._store.committed()
        return len(due)

    async def _due(self, connection: AsyncConnection) -> list[Timer]:
        query = (
            select(TIMERS)
            .where(TIMERS.c.due_at <= self._clock.now(), TIMERS.c.failed_because.is_(None))
            .order_by(TIMERS.c.due_at, TIMERS.c.timer_id)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        return [_timer(row) for row in await connection.execute(query)]

    async def _fire_all(self, connection: AsyncConnection, due: list[Timer]) -> None:
        cause = Metadata(actor=f"timer:{self._service}")
        session = Session(self._store, self._clock.now(), cause, connection)
        await self._fire(session, due)
        await self._store.write(connection, [session.change()])

    async def _fire_alone(self, connection: AsyncConnection, timer: Timer) -> None:
        try:
            async with connection.begin_nested():
                await self._fire_all(connection, [timer])
        except Exception as error:
            if not is_deterministic(error):
                raise
            if self._is_done(error):
                log.info("%s: timer %s has nothing left to do: %s", self._service, timer.timer_id, describe(error))
                return
            facts = (self._service, timer.timer_id, describe(error), origin(error))
            log.error("%s: timer %s failed: %s at %s", *facts)
            await self._keep_failed(connection, timer, describe(error))

    def _is_done(self, error: Exception) -> bool:
        return isinstance(error, Rejected) and all(fault.code in self._done_codes for fault in error.faults)

    async def _keep_failed(self, connection: AsyncConnection, timer: Timer, reason: str) -> None:
        payload = orjson.dumps(timer.payload).decode()
        values = {"timer_id": timer.timer_id, "due_at": timer.due_at, "payload": payload, "failed_because": reason}
        await connection.execute(TIMERS.insert().values(values))


_REMOVE = delete(TIMERS).where(among(TIMERS.c.timer_id, "timers"))


def _timer(row: Any) -> Timer:
    return Timer(row.timer_id, row.due_at, orjson.loads(row.payload))
