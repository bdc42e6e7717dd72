"""What an operator does about timers that could not fire: see why, let them fire again after the cause was mended, give one up.

A failed timer is a row with a reason; it fires no more by itself, and is never forgotten. What an operator did is an event,
with a name and (of what was given up) a reason, in the service's own store.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import orjson
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.contracts.vocabulary import Vocabulary
from shared.eventstore import EventStore, operator_log
from shared.eventstore.schema import TIMERS
from shared.rejection import reject

_FAILED = TIMERS.c.failed_because.is_not(None)


class TimerRetried(Event):
    """A failed timer was let fire again (重试)."""

    TYPE: ClassVar[str] = "engine.timer.retried.v1"
    timer_id: str
    failed_because: str


class TimerDiscarded(Event):
    """A failed timer was given up (放弃): what it was to do is never done."""

    TYPE: ClassVar[str] = "engine.timer.discarded.v1"
    timer_id: str
    due_at: datetime
    payload: dict[str, Any]
    failed_because: str
    reason: str


TIMED = Vocabulary([TimerRetried, TimerDiscarded])
"""Every service's own: part of its vocabulary."""


@dataclass(frozen=True, slots=True)
class FailedTimer:
    """A timer that fires no more, and why."""

    timer_id: str
    due_at: datetime
    payload: dict[str, Any]
    failed_because: str


async def list_failed(connection: AsyncConnection, *, after: str = "", limit: int = 100) -> list[FailedTimer]:
    """Failed timers in order of their ids."""
    query = select(TIMERS).where(_FAILED, TIMERS.c.timer_id > after).order_by(TIMERS.c.timer_id).limit(limit)
    return [_failed(row) for row in await connection.execute(query)]


async def retry_failed(store: EventStore, now: datetime, timer_id: str | None = None, *, by: str) -> int:
    """Let one failed timer, or all of them, fire again; how many. Raises Rejected: `timer_not_failed`."""
    async with store.engine.begin() as connection:
        query = select(TIMERS).where(_FAILED).order_by(TIMERS.c.timer_id).with_for_update()
        if timer_id is not None:
            query = query.where(TIMERS.c.timer_id == timer_id)
        failed = [_failed(row) for row in await connection.execute(query)]
        if timer_id is not None and not failed:
            raise reject("timer_not_failed", timer_id=timer_id)
        again = update(TIMERS).where(TIMERS.c.timer_id.in_([timer.timer_id for timer in failed]))
        await connection.execute(again.values(failed_because=None))
        retried = {_name(one): TimerRetried(timer_id=one.timer_id, failed_because=one.failed_because) for one in failed}
        await operator_log.record(store, connection, now, retried, by=by)
    return len(failed)


async def discard_failed(store: EventStore, now: datetime, timer_id: str, reason: str, *, by: str) -> None:
    """Give one failed timer up, for good. Raises Rejected: `timer_not_failed`."""
    async with store.engine.begin() as connection:
        gone = delete(TIMERS).where(_FAILED, TIMERS.c.timer_id == timer_id).returning(*TIMERS.c)
        row = (await connection.execute(gone)).one_or_none()
        if row is None:
            raise reject("timer_not_failed", timer_id=timer_id)
        timer = _failed(row)
        discarded = TimerDiscarded(
            timer_id=timer.timer_id,
            due_at=timer.due_at,
            payload=timer.payload,
            failed_because=timer.failed_because,
            reason=reason,
        )
        await operator_log.record(store, connection, now, {_name(timer): discarded}, by=by)


def _failed(row: Any) -> FailedTimer:
    return FailedTimer(row.timer_id, row.due_at, orjson.loads(row.payload), row.failed_because)


def _name(timer: FailedTimer) -> str:
    return f"timer:{timer.timer_id}"
