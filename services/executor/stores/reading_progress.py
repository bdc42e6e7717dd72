"""How far the executor has consumed the registry's topic: a check states the age of its knowledge.

Written in the transaction that consumes a batch, like the offsets of the engine. It cannot be folded from events of the executor.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, DateTime, Integer, Table, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor.schema import METADATA
from shared.contracts.event import SubjectKey, Topic
from shared.database import insert_rows
from shared.eventstore.schema import OFFSETS, PARKED

READINGS = Table(
    "readings",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("as_of", DateTime(timezone=True), nullable=False),
)
"""One row for each partition of the registry's topic: partitions are consumed side by side and must not block one another."""


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """What the executor has consumed, seen from one subject.

    `as_of`: the time of the last event consumed from any partition; None when nothing was consumed.
    `complete`: no event of the subject is parked, and the partition of the subject is not stopped.
    """

    as_of: datetime | None
    complete: bool


async def record(connection: AsyncConnection, partition: int, as_of: datetime) -> None:
    """Record the time of the last event consumed from this partition."""
    await insert_rows(connection, READINGS, [{"partition": partition, "as_of": as_of}], conflict=("partition",))


async def for_subject(connection: AsyncConnection, subject: SubjectKey, partition: int) -> ReadingProgress:
    """The progress for a subject. `partition`: the partition of its events."""
    parked = exists().where(PARKED.c.key == subject)
    stopped = exists().where(
        OFFSETS.c.topic == Topic.RESPONSE.value,
        OFFSETS.c.partition == partition,
        OFFSETS.c.stopped_because.is_not(None),
    )
    newest = select(func.max(READINGS.c.as_of)).scalar_subquery()
    row = (await connection.execute(select(newest.label("as_of"), (~parked & ~stopped).label("complete")))).one()
    return ReadingProgress(row.as_of, row.complete)
