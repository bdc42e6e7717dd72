"""What operators see and do in every service: where its consumers stand, what is parked, and (in a demo) the clock."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import func, select

from shared.clock import MovableClock
from shared.eventstore.schema import COUNTERS, OFFSETS, OUTBOX, PARKED, TIMERS
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.access import require
from shared.web.core import TheCore

router = APIRouter(prefix="/v1/operations", tags=["operations"])

Operator = Annotated[Principal, Depends(require(OfficerRole.OPERATOR))]


class PartitionAnswer(BaseModel):
    """Where the service stands in one partition of a topic."""

    topic: str
    partition: int
    next_offset: int
    stopped_because: str | None


class StateAnswer(BaseModel):
    """What waits in a service: all noughts when it is at rest."""

    now: datetime
    outbox: int
    unacknowledged: int
    parked: int
    timers_due: int
    timers_failed: int
    partitions: list[PartitionAnswer]


class ParkedAnswer(BaseModel):
    """An event that could not be handled, or waits behind one of its key."""

    parked_id: int
    key: str
    topic: str
    partition: int
    record_offset: int
    reason: str
    is_culprit: bool
    parked_at: datetime


class ClockBody(BaseModel):
    now: datetime


@router.get("/state")
async def state(core: TheCore, who: Operator) -> StateAnswer:
    """What waits in this service."""
    now = core.clock.now()
    due = TIMERS.c.due_at <= now
    numbered = func.sum(COUNTERS.c.next_sequence - 1 - COUNTERS.c.acknowledged)
    async with core.engine.connect() as connection:
        places = await connection.execute(select(OFFSETS).order_by(OFFSETS.c.topic, OFFSETS.c.partition))
        return StateAnswer(
            now=now,
            outbox=await connection.scalar(select(func.count()).select_from(OUTBOX)) or 0,
            unacknowledged=int(await connection.scalar(select(numbered)) or 0),
            parked=await connection.scalar(select(func.count()).select_from(PARKED)) or 0,
            timers_due=await connection.scalar(
                select(func.count()).select_from(TIMERS).where(due, TIMERS.c.failed_because.is_(None))
            )
            or 0,
            timers_failed=await connection.scalar(
                select(func.count()).select_from(TIMERS).where(TIMERS.c.failed_because.is_not(None))
            )
            or 0,
            partitions=[_partition(row) for row in places],
        )


def _partition(row: Any) -> PartitionAnswer:
    return PartitionAnswer(
        topic=row.topic, partition=row.partition, next_offset=row.next_offset, stopped_because=row.stopped_because
    )


@router.get("/parked")
async def parked(core: TheCore, who: Operator, after: int = 0, limit: int = 100) -> list[ParkedAnswer]:
    """What is parked, in the order in which it will be tried again."""
    columns = [PARKED.c[name] for name in ParkedAnswer.model_fields]
    query = select(*columns).where(PARKED.c.parked_id > after).order_by(PARKED.c.parked_id).limit(min(limit, 1000))
    async with core.engine.connect() as connection:
        return [ParkedAnswer.model_validate(row._asdict()) for row in await connection.execute(query)]


@router.put("/clock")
async def move_clock(body: ClockBody, core: TheCore, who: Operator) -> ClockBody:
    """Move a movable clock forward: in tests and the demo only; elsewhere there is none. Moving twice changes nothing."""
    if not isinstance(core.clock, MovableClock):
        raise reject("clock_not_movable")
    if body.now.tzinfo is None:
        raise reject("time_without_zone", "now")
    try:
        core.clock.move_to(body.now)
    except ValueError:
        raise reject("clock_moves_forward_only", "now", now=core.clock.now()) from None
    await core.keep_clock()
    return ClockBody(now=core.clock.now())
