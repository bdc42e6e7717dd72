"""Timers: what is due by the service's clock is fired as a command, in the transaction that removes it.

Rows are locked with SKIP LOCKED, so that instances share the work and none fires twice. A command that is refused because what
the timer was for has come about already ends the timer; any other fault keeps it, with the reason, and it fires no more until
an operator has looked (failed_timers.py). An outage is tried again.
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
from shared.messaging.intake import describe, is_deterministic, origin
from shared.polling import PollingWorker
from shared.rejection import Rejected

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_AT_ONCE = 200

Fire = Callable[[Session, Sequence[Timer]], Awaitable[None]]
"""What due timers do: commands in the session that is given, for all of them. Deterministic errors are found singly."""


class Timers(PollingWorker):
    """Drains one service's timers. `over`: the codes of a refusal by which a timer's command says that all is done already."""

    def __init__(
        self, service: str, store: EventStore, clock: Clock, fire: Fire, over: Collection[str] = frozenset()
    ) -> None:
        super().__init__(f"timers {service}", idle_seconds=POLL_SECONDS)
        self._service = service
        self._store = store
        self._clock = clock
        self._fire = fire
        self._over = over

    async def poll(self) -> bool:
        """Fire a batch; when there was one, another may be due."""
        return await self.drain() > 0

    async def drain(self) -> int:
        """Fire what is due, at most a batch of it; how many fired. A batch that cannot be fired together is fired singly."""
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
            .limit(_AT_ONCE)
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
            if self._is_over(error):
                log.info("%s: timer %s had nothing more to do: %s", self._service, timer.timer_id, describe(error))
                return
            told = (self._service, timer.timer_id, describe(error), origin(error))
            log.error("%s: timer %s failed: %s at %s", *told)
            await self._keep_failed(connection, timer, describe(error))

    def _is_over(self, error: Exception) -> bool:
        return isinstance(error, Rejected) and all(fault.code in self._over for fault in error.faults)

    async def _keep_failed(self, connection: AsyncConnection, timer: Timer, reason: str) -> None:
        payload = orjson.dumps(timer.payload).decode()
        values = {"timer_id": timer.timer_id, "due_at": timer.due_at, "payload": payload, "failed_because": reason}
        await connection.execute(TIMERS.insert().values(values))


_REMOVE = delete(TIMERS).where(among(TIMERS.c.timer_id, "timers"))


def _timer(row: Any) -> Timer:
    return Timer(row.timer_id, row.due_at, orjson.loads(row.payload))
