"""What an operator does about events that could not be handled, and about partitions that stand still.

Invariants: a parked key is released only by its last row going away, first row first; whoever retries holds the lock of the key
for the transaction, and the consumer takes it before it adds to a key that it found parked (intake.py), so that the one never
sees the other half done. What an operator did is an event, with a reason and a name, in the service's own store.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import orjson
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.contracts.vocabulary import Vocabulary
from shared.eventstore import VersionConflict, operator_log
from shared.eventstore.schema import OFFSETS, PARKED
from shared.messaging.intake import Fenced, Intake, describe, is_deterministic, lock_parked
from shared.messaging.message import stored_record
from shared.messaging.reaction import NotYet
from shared.rejection import reject

_AT_ONCE = 200
"""Rows of one key that are retried in one transaction."""

_TRIES = 5


class ParkedRetried(Event):
    """Parked events of a key were handled after all (重试)."""

    TYPE: ClassVar[str] = "engine.parked.retried.v1"
    key: str
    event_ids: tuple[str, ...]


class ParkedDiscarded(Event):
    """A parked event was given up (放弃): this service will never react to it."""

    TYPE: ClassVar[str] = "engine.parked.discarded.v1"
    key: str
    topic: str
    partition: int
    record_offset: int
    event_id: str
    type: str
    failed_because: str
    reason: str


class PartitionResumed(Event):
    """A partition that stood still was let go on. `passed_over`: the offset of a record that was given up for it."""

    TYPE: ClassVar[str] = "engine.partition.resumed.v1"
    topic: str
    partition: int
    next_offset: int
    stopped_because: str
    passed_over: int | None = None
    lost_source: str | None = None
    lost_up_to: int | None = None
    reason: str = ""


OPERATED = Vocabulary([ParkedRetried, ParkedDiscarded, PartitionResumed])
"""Every service's own: part of its vocabulary."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits. `is_culprit`: it failed itself, `reason` says how; others wait behind one of their key."""

    parked_id: int
    key: str
    topic: str
    partition: int
    record_offset: int
    type: str
    reason: str
    is_culprit: bool
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """How a retry went: how many events were handled, and why it went no further (None: nothing of the key is left)."""

    handled: int
    stopped_because: str | None


async def list_parked(
    connection: AsyncConnection, *, key: str | None = None, after: int = 0, limit: int = 100
) -> list[Parked]:
    """What is parked, in the order in which it will be tried again; of one key, or of all."""
    query = select(PARKED).where(PARKED.c.parked_id > after).order_by(PARKED.c.parked_id).limit(limit)
    if key is not None:
        query = query.where(PARKED.c.key == key)
    return [_parked(row) for row in await connection.execute(query)]


def _parked(row: Any) -> Parked:
    return Parked(
        row.parked_id,
        row.key,
        row.topic,
        row.partition,
        row.record_offset,
        orjson.loads(row.headers)["ce_type"],
        row.reason,
        row.is_culprit,
        row.parked_at,
    )


async def retry(intake: Intake, key: str, *, by: str) -> Retried:
    """Handle what is parked under a key, in order, each event under a savepoint; stop at the first that fails again.

    What was handled before it stays handled. Raises an outage; then the key waits as before. `by` names the operator.
    """
    handled = 0
    while True:
        some = await _retry_some(intake, key, by)
        handled += some.handled
        if some.stopped_because is not None or not some.handled:
            return Retried(handled, some.stopped_because)


async def _retry_some(intake: Intake, key: str, by: str) -> Retried:
    for _ in range(_TRIES - 1):
        try:
            return await _retry_once(intake, key, by)
        except VersionConflict:
            continue  # a command was faster: decide again on the state as it is now
    return await _retry_once(intake, key, by)


async def _retry_once(intake: Intake, key: str, by: str) -> Retried:
    async with intake.store.engine.begin() as connection:
        await lock_parked(connection, [key])
        query = select(PARKED).where(PARKED.c.key == key).order_by(PARKED.c.parked_id).limit(_AT_ONCE)
        done: list[Any] = []
        stopped_because: str | None = None
        for row in (await connection.execute(query)).all():
            stopped_because = await _handle(intake, connection, row)
            if stopped_because is not None:
                break
            done.append(row)
        if done:
            await connection.execute(delete(PARKED).where(PARKED.c.parked_id.in_([row.parked_id for row in done])))
            event_ids = tuple(orjson.loads(row.headers)["ce_id"] for row in done)
            await _record(intake, connection, key, ParkedRetried(key=key, event_ids=event_ids), by)
    intake.store.committed()
    return Retried(len(done), stopped_because)


async def _handle(intake: Intake, connection: AsyncConnection, row: Any) -> str | None:
    """Handle one parked event; why it has to wait on, if it has."""
    try:
        async with connection.begin_nested():
            await intake.apply(connection, [stored_record(row).read(intake.vocabulary)])
    except NotYet as error:
        return describe(error)
    except Exception as error:
        if not is_deterministic(error):
            raise
        reason = describe(error)
        failed = update(PARKED).where(PARKED.c.parked_id == row.parked_id).values(reason=reason, is_culprit=True)
        await connection.execute(failed)
        return reason
    return None


async def discard(intake: Intake, parked_id: int, reason: str, *, by: str) -> str:
    """Give one parked event up, for good; its key. Those behind it wait on until they are retried.

    The record itself stays on its topic and in the store of whoever published it. Raises Rejected: `parked_unknown`.
    """
    async with intake.store.engine.begin() as connection:
        key = await connection.scalar(select(PARKED.c.key).where(PARKED.c.parked_id == parked_id))
        if key is None:
            raise reject("parked_unknown", parked_id=parked_id)
        await lock_parked(connection, [key])
        gone = await connection.execute(delete(PARKED).where(PARKED.c.parked_id == parked_id).returning(*PARKED.c))
        row = gone.one_or_none()
        if row is None:
            raise reject("parked_unknown", parked_id=parked_id)
        headers = orjson.loads(row.headers)
        discarded = ParkedDiscarded(
            key=row.key,
            topic=row.topic,
            partition=row.partition,
            record_offset=row.record_offset,
            event_id=headers["ce_id"],
            type=headers["ce_type"],
            failed_because=row.reason,
            reason=reason,
        )
        await _record(intake, connection, row.key, discarded, by)
    return row.key


async def resume(intake: Intake, topic: str, partition: int, *, by: str, reason: str = "") -> None:
    """Let a stopped partition try again, after the cause was mended. The consumer that has it notices within a second or two.

    Raises Rejected: `partition_not_stopped`.
    """
    await _let_go_on(intake, topic, partition, by, reason)


async def pass_over(intake: Intake, topic: str, partition: int, offset: int, reason: str, *, by: str) -> None:
    """Give up the record at which a partition stands (one that is no event, or has no key), and go on behind it.

    When it had a number, the next record of its source is a jump: accept that loss too (`accept_loss`).
    Raises Rejected: `partition_not_stopped`; Fenced when the partition does not stand at `offset`.
    """
    await _let_go_on(intake, topic, partition, by, reason, passed_over=offset)


async def accept_loss(
    intake: Intake, topic: str, partition: int, source: str, up_to: int, reason: str, *, by: str
) -> None:
    """Accept that a source's events up to this sequence will never arrive, and go on with the next.

    First try to have them published again: a source keeps what it numbered. Raises Rejected: `partition_not_stopped`.
    """
    await _let_go_on(intake, topic, partition, by, reason, lost=(source, up_to))


async def _let_go_on(
    intake: Intake,
    topic: str,
    partition: int,
    by: str,
    reason: str,
    *,
    passed_over: int | None = None,
    lost: tuple[str, int] | None = None,
) -> None:
    async with intake.store.engine.begin() as connection:
        here = (OFFSETS.c.topic == topic) & (OFFSETS.c.partition == partition)
        row = (await connection.execute(select(OFFSETS).where(here).with_for_update())).one_or_none()
        if row is None or row.stopped_because is None:
            raise reject("partition_not_stopped", topic=topic, partition=partition)
        if passed_over is not None and passed_over != row.next_offset:
            raise Fenced(f"{topic}/{partition} stands at {row.next_offset}, not at {passed_over}")
        next_offset = row.next_offset if passed_over is None else row.next_offset + 1
        sequences: dict[str, int] = orjson.loads(row.sequences)
        if lost is not None:
            source, up_to = lost
            sequences[source] = max(sequences.get(source, 0), up_to)
        moved = {"next_offset": next_offset, "sequences": orjson.dumps(sequences).decode(), "stopped_because": None}
        await connection.execute(update(OFFSETS).where(here).values(**moved))
        resumed = PartitionResumed(
            topic=topic,
            partition=partition,
            next_offset=next_offset,
            stopped_because=row.stopped_because,
            passed_over=passed_over,
            lost_source=lost[0] if lost else None,
            lost_up_to=lost[1] if lost else None,
            reason=reason,
        )
        await _record(intake, connection, f"{topic}/{partition}", resumed, by)


async def _record(intake: Intake, connection: AsyncConnection, name: str, event: Event, by: str) -> None:
    await operator_log.record(intake.store, connection, intake.clock.now(), {name: event}, by=by)
