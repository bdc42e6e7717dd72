"""Operator routes of every service: queues and positions, parked events, failed timers, and (in a demo) the clock."""

from typing import Annotated, Any

from fastapi import Depends, Request, Response
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
from shared.web.core import CoreDep
from shared.web.operations_bodies import (
    ClockBody,
    DiscardBody,
    DiscardTimerBody,
    PartitionBody,
    ResumeBody,
    RetriedBody,
    RetryBody,
    StateBody,
    TimerBody,
    TimersBody,
)
from shared.web.paging import After, Limit, cut, link_next
from shared.web.routing import Router
from shared.web.writing import Answer, Write

router = Router(prefix="/v1/operations", tags=["operations"])


def _intake(request: Request) -> Intake:
    intake: Intake | None = request.app.state.intake
    if intake is None:
        raise reject("consumes_nothing")
    return intake


IntakeDep = Annotated[Intake, Depends(_intake)]
Operator = Annotated[Principal, Depends(require(OfficerRole.OPERATOR))]


@router.get("/state")
async def state(request: Request, who: Operator, core: CoreDep) -> StateBody:
    """The queues of this service and its positions in the topics."""
    now = core.clock.now()
    due = TIMERS.c.due_at <= now
    unacknowledged = func.sum(COUNTERS.c.next_sequence - 1 - COUNTERS.c.acknowledged)
    async with core.engine.connect() as connection:
        offsets = await connection.execute(select(OFFSETS).order_by(OFFSETS.c.topic, OFFSETS.c.partition))
        return StateBody(
            now=now,
            outbox=await connection.scalar(select(func.count()).select_from(OUTBOX)) or 0,
            unacknowledged=int(await connection.scalar(select(unacknowledged)) or 0),
            parked=await connection.scalar(select(func.count()).select_from(PARKED)) or 0,
            timers_due=await connection.scalar(
                select(func.count()).select_from(TIMERS).where(due, TIMERS.c.failed_because.is_(None))
            )
            or 0,
            timers_failed=await connection.scalar(
                select(func.count()).select_from(TIMERS).where(TIMERS.c.failed_because.is_not(None))
            )
            or 0,
            partitions=[_partition(row, request.app.state.consumer) for row in offsets],
        )


def _partition(row: Any, consumer: Consumer | None) -> PartitionBody:
    return PartitionBody(
        topic=row.topic,
        partition=row.partition,
        next_offset=row.next_offset,
        lag=consumer.lag(row.topic, row.partition) if consumer else None,
        stopped_because=row.stopped_because,
    )


@router.get("/parked")
async def parked(
    who: Operator,
    core: CoreDep,
    request: Request,
    response: Response,
    key: str | None = None,
    after: int = 0,
    limit: Limit = 100,
) -> list[parking.Parked]:
    """Parked events in the order of a retry. The `Link` header names the next page, if there is one."""
    async with core.engine.connect() as connection:
        rows = await parking.list_parked(connection, key=key, after=after, limit=limit + 1)
    page, following = cut(rows, limit, lambda row: row.parked_id)
    link_next(request, response, following)
    return list(page)


@router.post("/parked/retry", response_model=RetriedBody)
async def retry_parked(body: RetryBody, who: Operator, intake: IntakeDep, write: Write) -> Response:
    """Retry the parked events of a key in order, up to the first one that fails again."""

    async def action() -> Answer:
        retried = await parking.retry(intake, body.key, by=who.subject)
        return Answer(200, RetriedBody(handled=retried.handled, stopped_because=retried.stopped_because))

    return await write.at_least_once(who, action)


@router.post("/parked/discard", response_model=RetryBody)
async def discard_parked(body: DiscardBody, who: Operator, intake: IntakeDep, write: Write) -> Response:
    """Discard one parked event for good. The events behind it are handled when their key is retried."""

    async def action() -> Answer:
        return Answer(200, RetryBody(key=await parking.discard(intake, body.parked_id, body.reason, by=who.subject)))

    return await write.at_least_once(who, action)


@router.get("/timers")
async def timers(
    who: Operator, core: CoreDep, request: Request, response: Response, after: After = "", limit: Limit = 100
) -> list[failed_timers.FailedTimer]:
    """Failed timers with their reasons, in order of their ids. They do not fire again by themselves.

    The `Link` header names the next page, if there is one.
    """
    async with core.engine.connect() as connection:
        rows = await failed_timers.list_failed(connection, after=after, limit=limit + 1)
    page, following = cut(rows, limit, lambda row: row.timer_id)
    link_next(request, response, following)
    return list(page)


@router.post("/timers/retry", response_model=TimersBody)
async def retry_timers(body: TimerBody, who: Operator, core: CoreDep, write: Write) -> Response:
    """Retry one failed timer, or all of them, after the cause was corrected."""

    async def action() -> Answer:
        now = core.clock.now()
        retried = await failed_timers.retry_failed(core.store, now, body.timer_id, by=who.subject)
        return Answer(200, TimersBody(retried=retried))

    return await write.at_least_once(who, action)


@router.post("/timers/discard", response_model=DiscardTimerBody)
async def discard_timer(body: DiscardTimerBody, who: Operator, core: CoreDep, write: Write) -> Response:
    """Discard one failed timer for good: its command is never run."""

    async def action() -> Answer:
        now = core.clock.now()
        await failed_timers.discard_failed(core.store, now, body.timer_id, body.reason, by=who.subject)
        return Answer(200, body)

    return await write.at_least_once(who, action)


@router.post("/partitions/resume", response_model=ResumeBody)
async def resume_partition(body: ResumeBody, who: Operator, intake: IntakeDep, write: Write) -> Response:
    """Resume a stopped partition."""

    async def action() -> Answer:
        await _resume(intake, body, who.subject)
        return Answer(200, body)

    return await write.at_least_once(who, action)


async def _resume(intake: Intake, body: ResumeBody, by: str) -> None:
    partition = (intake, body.topic, body.partition)
    if body.pass_over is not None:
        await parking.skip_record(*partition, body.pass_over, body.reason, by=by)
    elif body.accept_loss is not None:
        await parking.accept_loss(*partition, body.accept_loss.source, body.accept_loss.up_to, body.reason, by=by)
    else:
        await parking.resume(*partition, by=by, reason=body.reason)


@router.put("/clock")
async def move_clock(body: ClockBody, who: Operator, core: CoreDep) -> ClockBody:
    """Move a movable clock forward. Only tests and the demo have one. The request is idempotent."""
    if not isinstance(core.clock, MovableClock):
        raise reject("clock_not_movable")
    if body.now.tzinfo is None:
        raise reject("time_without_zone", "now")
    try:
        core.clock.move_to(body.now)
    except ValueError:
        raise reject("clock_moves_forward_only", "now", now=core.clock.now()) from None
    await core.save_clock()
    return ClockBody(now=core.clock.now())
