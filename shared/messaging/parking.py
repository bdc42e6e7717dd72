"""Operator actions on parked events (dead-lettered per key) and on stopped partitions.

Invariants: a parked key is released only when its last row is deleted, and rows are retried in order. A retry holds the lock of
the key for its transaction, and the consumer takes that lock before it adds to a key that it found parked (intake.py), so
neither sees a half-done state of the other. Each operator action is an event with name and reason in the service's own store.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event, SubjectKey
from shared.contracts.vocabulary import Vocabulary
from shared.database import one_of
from shared.eventstore import VersionConflict, operator_log
from shared.eventstore.schema import OFFSETS, PARKED
from shared.identity import key_to_show
from shared.messaging.failures import Fenced, describe, is_deterministic
from shared.messaging.intake import Intake, lock_parked
from shared.messaging.message import stored_record
from shared.messaging.reaction import NotYet
from shared.rejection import reject

RETRY_CHUNK = 200
"""Rows of one key that are retried in one transaction."""

_ATTEMPTS = 5


class ParkedRetried(Event):
    """Parked events of a key were retried and handled (重试)."""

    TYPE: ClassVar[str] = "engine.parked.retried.v1"
    key: str
    event_ids: tuple[str, ...]


class ParkedDiscarded(Event):
    """A parked event was discarded (放弃): this service will never react to it."""

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
    """A stopped partition was resumed. `passed_over`: the offset of a record that was skipped for it."""

    TYPE: ClassVar[str] = "engine.partition.resumed.v1"
    topic: str
    partition: int
    next_offset: int
    stopped_because: str
    passed_over: int | None = None
    lost_source: str | None = None
    lost_up_to: int | None = None
    reason: str = ""


OPERATOR_EVENTS = Vocabulary([ParkedRetried, ParkedDiscarded, PartitionResumed])
"""Part of every service's vocabulary."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked event. `is_culprit`: this event itself failed, for `reason`; otherwise it waits behind an event of its key.

    `key`: for events of a natural person, the handle of the key (`shown_key`).
    """

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
    """Result of a retry: how many events were handled, and why it stopped (None: no event of the key is left)."""

    handled: int
    stopped_because: str | None


async def list_parked(
    connection: AsyncConnection, *, key: str | None = None, after: int = 0, limit: int = 100
) -> list[Parked]:
    """Parked events of one key, or of all, in the order in which they will be retried."""
    query = select(PARKED).where(PARKED.c.parked_id > after).order_by(PARKED.c.parked_id).limit(limit)
    if key is not None:
        query = query.where(PARKED.c.key == await _key_of(connection, key))
    rows = (await connection.execute(query)).all()
    shown = await _shown_keys(connection, {row.key for row in rows})
    return [_parked(row, shown[row.key]) for row in rows]


_HANDLE = "parked:"


async def shown_key(connection: AsyncConnection, key: str) -> str:
    """The key as operators see it. That of a natural person is shown as `parked:<id>` of its first parked event (row 25)."""
    return (await _shown_keys(connection, {key}))[key]


async def _shown_keys(connection: AsyncConnection, keys: Collection[str]) -> dict[str, str]:
    """Key → the key as operators see it. One statement, whatever the number of keys; none without keys of natural persons."""
    shown = {key: key for key in keys if key_to_show(SubjectKey(key)) is not None}
    persons = [key for key in keys if key not in shown]
    if persons:
        first = select(PARKED.c.key, func.min(PARKED.c.parked_id).label("first")).where(one_of(PARKED.c.key, persons))
        found = {row.key: row.first for row in await connection.execute(first.group_by(PARKED.c.key))}
        shown |= {key: f"{_HANDLE}{found.get(key, 0)}" for key in persons}
    return shown


async def _key_of(connection: AsyncConnection, shown: str) -> str:
    """The key that an operator names. A handle of an event that is not parked any more names no key."""
    number = shown.removeprefix(_HANDLE)
    if number == shown or not (number.isascii() and number.isdigit() and int(number) < 2**63):
        return shown
    return await connection.scalar(select(PARKED.c.key).where(PARKED.c.parked_id == int(number))) or shown


def _parked(row: Any, key: str) -> Parked:
    return Parked(
        row.parked_id,
        key,
        row.topic,
        row.partition,
        row.record_offset,
        orjson.loads(row.headers)["ce_type"],
        row.reason,
        row.is_culprit,
        row.parked_at,
    )


async def retry(intake: Intake, key: str, *, by: str) -> Retried:
    """Handle the parked events of a key, in order, each under a savepoint; stop at the first one that fails again.

    Events handled before it stay handled. Raises an outage; then the key stays parked as before. `by` names the operator.
    `key`: as it is shown (`shown_key`).
    """
    handled = 0
    async with intake.store.engine.connect() as connection:
        key = await _key_of(connection, key)
    while True:
        chunk = await _retry_chunk(intake, key, by)
        handled += chunk.handled
        if chunk.stopped_because is not None or not chunk.handled:
            return Retried(handled, chunk.stopped_because)


async def _retry_chunk(intake: Intake, key: str, by: str) -> Retried:
    for _ in range(_ATTEMPTS - 1):
        try:
            return await _retry_once(intake, key, by)
        except VersionConflict:
            continue  # a command was faster: decide again on the current state
    return await _retry_once(intake, key, by)


async def _retry_once(intake: Intake, key: str, by: str) -> Retried:
    async with intake.store.engine.begin() as connection:
        await lock_parked(connection, [key])
        query = select(PARKED).where(PARKED.c.key == key).order_by(PARKED.c.parked_id).limit(RETRY_CHUNK)
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
    """Handle one parked event; why it stays parked, or None when it was handled."""
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
    """Discard one parked event for good; its key, as it is shown. The events behind it stay parked until they are retried.

    The record itself stays on its topic and in its publisher's store. Raises Rejected: `parked_unknown`.
    """
    async with intake.store.engine.begin() as connection:
        key = await connection.scalar(select(PARKED.c.key).where(PARKED.c.parked_id == parked_id))
        if key is None:
            raise reject("parked_unknown", parked_id=parked_id)
        await lock_parked(connection, [key])
        deleted = await connection.execute(delete(PARKED).where(PARKED.c.parked_id == parked_id).returning(*PARKED.c))
        row = deleted.one_or_none()
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
        return await shown_key(connection, row.key)


async def resume(intake: Intake, topic: str, partition: int, *, by: str, reason: str = "") -> None:
    """Resume a stopped partition after the cause was fixed. Its consumer notices within two seconds.

    Raises Rejected: `partition_not_stopped`.
    """
    await _restart(intake, topic, partition, by, reason)


async def skip_record(intake: Intake, topic: str, partition: int, offset: int, reason: str, *, by: str) -> None:
    """Skip the record at which a partition is stopped (one that is not an event, or has no key), and continue after it.

    If the record had a sequence, the next record of its source is a jump: accept that loss too (`accept_loss`).
    Raises Rejected: `partition_not_stopped`; Fenced when the partition is not at `offset`.
    """
    await _restart(intake, topic, partition, by, reason, passed_over=offset)


async def accept_loss(
    intake: Intake, topic: str, partition: int, source: str, up_to: int, reason: str, *, by: str
) -> None:
    """Accept that a source's events up to this sequence will never arrive, and continue with the next one.

    First try to have them published again: a source keeps every event that has a sequence.
    Raises Rejected: `partition_not_stopped`.
    """
    await _restart(intake, topic, partition, by, reason, lost=(source, up_to))


async def _restart(
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
            raise Fenced(f"{topic}/{partition} is at offset {row.next_offset}, not at {passed_over}")
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
