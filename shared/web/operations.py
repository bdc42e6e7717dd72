"""What operators see and do in every service: where its consumers stand, what is parked, and (in a demo) the clock."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from shared.calendar.clock import MovableClock
from shared.eventstore.schema import COUNTERS, OFFSETS, OUTBOX, PARKED, TIMERS
from shared.messaging import parking
from shared.messaging.consumer import Consumer
from shared.messaging.intake import Intake
from shared.rejection import reject
from shared.timers import failed as failed_timers
from shared.trust import OfficerRole, Principal
from shared.web.access import require
from shared.web.core import TheCore
from shared.web.writing import Answer, Write

router = APIRouter(prefix="/v1/operations", tags=["operations"])


def _intake(request: Request) -> Intake:
    intake: Intake | None = request.app.state.intake
    if intake is None:
        raise reject("consumes_nothing")
    return intake


TheIntake = Annotated[Intake, Depends(_intake)]
Operator = Annotated[Principal, Depends(require(OfficerRole.OPERATOR))]


class PartitionAnswer(BaseModel):
    """Where the service stands in one partition of a topic."""

    topic: str
    partition: int
    next_offset: int
    lag: int | None = Field(description="Records behind the end of the log; None when this instance does not read it")
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


class RetryBody(BaseModel):
    """Which key to handle again."""

    key: str = Field(min_length=1)


class RetriedAnswer(BaseModel):
    handled: int
    stopped_because: str | None = Field(description="None: nothing of the key is left")


class TimerBody(BaseModel):
    """Which failed timer is to fire again; all of them when none is named."""

    timer_id: str | None = Field(default=None, min_length=1)


class TimersAnswer(BaseModel):
    retried: int = Field(description="Failed timers that fire again within a second or two")


class DiscardTimerBody(BaseModel):
    """Which failed timer to give up, and why: the reason is kept as an event of its own."""

    timer_id: str = Field(min_length=1)
    reason: str = Field(min_length=1, max_length=1000)


class DiscardBody(BaseModel):
    """Which event to give up, and why: the reason is kept as an event of its own."""

    parked_id: int
    reason: str = Field(min_length=1, max_length=1000)


class Loss(BaseModel):
    """Events of a source, up to this sequence, that will never arrive."""

    source: str
    up_to: int


class ResumeBody(BaseModel):
    """Which partition is to go on, and at what price: none, a record that is given up, or a loss that is accepted."""

    topic: str
    partition: int
    reason: str = Field(min_length=1, max_length=1000)
    pass_over: int | None = Field(default=None, description="The offset of the record that is given up")
    accept_loss: Loss | None = None


class ClockBody(BaseModel):
    now: datetime


@router.get("/state")
async def state(request: Request, core: TheCore, who: Operator) -> StateAnswer:
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
            partitions=[_partition(row, request.app.state.consumer) for row in places],
        )


def _partition(row: Any, consumer: Consumer | None) -> PartitionAnswer:
    return PartitionAnswer(
        topic=row.topic,
        partition=row.partition,
        next_offset=row.next_offset,
        lag=consumer.lag(row.topic, row.partition) if consumer else None,
        stopped_because=row.stopped_because,
    )


@router.get("/parked")
async def parked(
    core: TheCore,
    who: Operator,
    key: str | None = None,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[parking.Parked]:
    """What is parked, in the order in which it will be tried again."""
    async with core.engine.connect() as connection:
        return await parking.list_parked(connection, key=key, after=after, limit=limit)


@router.post("/parked/retry", response_model=RetriedAnswer)
async def retry_parked(body: RetryBody, intake: TheIntake, who: Operator, write: Write) -> Response:
    """Handle what is parked under a key, in order, up to the first that fails again."""

    async def act() -> Answer:
        retried = await parking.retry(intake, body.key, by=who.subject)
        return Answer(200, RetriedAnswer(handled=retried.handled, stopped_because=retried.stopped_because))

    return await write.repeatable(who, act)


@router.post("/parked/discard", response_model=RetryBody)
async def discard_parked(body: DiscardBody, intake: TheIntake, who: Operator, write: Write) -> Response:
    """Give one parked event up for good; what waits behind it is tried when its key is retried."""

    async def act() -> Answer:
        return Answer(200, RetryBody(key=await parking.discard(intake, body.parked_id, body.reason, by=who.subject)))

    return await write.repeatable(who, act)


@router.get("/timers")
async def timers(
    core: TheCore, who: Operator, after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[failed_timers.FailedTimer]:
    """Timers that could not fire, with the reason, in order of their ids. They fire no more by themselves."""
    async with core.engine.connect() as connection:
        return await failed_timers.list_failed(connection, after=after, limit=limit)


@router.post("/timers/retry", response_model=TimersAnswer)
async def retry_timers(body: TimerBody, core: TheCore, who: Operator, write: Write) -> Response:
    """Let a failed timer, or all of them, fire again, after the cause was mended."""

    async def act() -> Answer:
        now = core.clock.now()
        retried = await failed_timers.retry_failed(core.store, now, body.timer_id, by=who.subject)
        return Answer(200, TimersAnswer(retried=retried))

    return await write.repeatable(who, act)


@router.post("/timers/discard", response_model=DiscardTimerBody)
async def discard_timer(body: DiscardTimerBody, core: TheCore, who: Operator, write: Write) -> Response:
    """Give one failed timer up for good: what it was to do is never done."""

    async def act() -> Answer:
        now = core.clock.now()
        await failed_timers.discard_failed(core.store, now, body.timer_id, body.reason, by=who.subject)
        return Answer(200, body)

    return await write.repeatable(who, act)


@router.post("/partitions/resume", response_model=ResumeBody)
async def resume_partition(body: ResumeBody, intake: TheIntake, who: Operator, write: Write) -> Response:
    """Let a stopped partition go on."""

    async def act() -> Answer:
        await _resume(intake, body, who.subject)
        return Answer(200, body)

    return await write.repeatable(who, act)


async def _resume(intake: Intake, body: ResumeBody, by: str) -> None:
    here = (intake, body.topic, body.partition)
    if body.pass_over is not None:
        await parking.skip_record(*here, body.pass_over, body.reason, by=by)
    elif body.accept_loss is not None:
        await parking.accept_loss(*here, body.accept_loss.source, body.accept_loss.up_to, body.reason, by=by)
    else:
        await parking.resume(*here, by=by, reason=body.reason)


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
