"""Operator actions on timers that could not fire: list them, retry them after the cause was fixed, discard one.

A failed timer is a row with a reason. It does not fire again by itself and is never deleted by itself. Each operator action is an
event with the operator's name and (for a discarded timer) a reason, in the service's own store.
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
    """A failed timer was released to fire again (重试)."""

    TYPE: ClassVar[str] = "engine.timer.retried.v1"
    timer_id: str
    failed_because: str


class TimerDiscarded(Event):
    """A failed timer was discarded (放弃): its command is never executed."""

    TYPE: ClassVar[str] = "engine.timer.discarded.v1"
    timer_id: str
    due_at: datetime
    payload: dict[str, Any]
    failed_because: str
    reason: str


TIMER_EVENTS = Vocabulary([TimerRetried, TimerDiscarded])
"""Part of every service's vocabulary."""


@dataclass(frozen=True, slots=True)
class FailedTimer:
    """A timer that failed, and why."""

    timer_id: str
    due_at: datetime
    payload: dict[str, Any]
    failed_because: str


async def list_failed(connection: AsyncConnection, *, after: str = "", limit: int = 100) -> list[FailedTimer]:
    """Failed timers in order of their ids."""
    query = select(TIMERS).where(_FAILED, TIMERS.c.timer_id > after).order_by(TIMERS.c.timer_id).limit(limit)
    return [_failed(row) for row in await connection.execute(query)]


async def retry_failed(store: EventStore, now: datetime, timer_id: str | None = None, *, by: str) -> int:
    """Release one failed timer, or all of them, to fire again; how many. Raises Rejected: `timer_not_failed`."""
    async with store.engine.begin() as connection:
        query = select(TIMERS).where(_FAILED).order_by(TIMERS.c.timer_id).with_for_update()
        if timer_id is not None:
            query = query.where(TIMERS.c.timer_id == timer_id)
        failed = [_failed(row) for row in await connection.execute(query)]
        if timer_id is not None and not failed:
            raise reject("timer_not_failed", timer_id=timer_id)
        release = update(TIMERS).where(TIMERS.c.timer_id.in_([timer.timer_id for timer in failed]))
        await connection.execute(release.values(failed_because=None))
        retried = {
            _name(timer): TimerRetried(timer_id=timer.timer_id, failed_because=timer.failed_because) for timer in failed
        }
        await operator_log.record(store, connection, now, retried, by=by)
    return len(failed)


async def discard_failed(store: EventStore, now: datetime, timer_id: str, reason: str, *, by: str) -> None:
    """Discard one failed timer for good. Raises Rejected: `timer_not_failed`."""
    async with store.engine.begin() as connection:
        discard = delete(TIMERS).where(_FAILED, TIMERS.c.timer_id == timer_id).returning(*TIMERS.c)
        row = (await connection.execute(discard)).one_or_none()
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
