"""How far the executor has read: what a check can say about the age of its knowledge.

Written with what is consumed, not from the executor's own events: it says what was read, like the engine's offsets.
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
"""One row a partition of the registry's topic: partitions are read side by side and must not wait for one another."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`as_of`: when the last event that was read was recorded. Not `complete`: of this subject something waits unread."""

    as_of: datetime | None
    complete: bool


async def read_up_to(connection: AsyncConnection, partition: int, as_of: datetime) -> None:
    await insert_rows(connection, READINGS, [{"partition": partition, "as_of": as_of}], conflict=("partition",))


async def about(connection: AsyncConnection, subject: SubjectKey, partition: int) -> Knowledge:
    """What the executor can know of a subject, whose events come on this partition."""
    parked = exists().where(PARKED.c.key == subject)
    stopped = exists().where(
        OFFSETS.c.topic == Topic.RESPONSE.value,
        OFFSETS.c.partition == partition,
        OFFSETS.c.stopped_because.is_not(None),
    )
    newest = select(func.max(READINGS.c.as_of)).scalar_subquery()
    row = (await connection.execute(select(newest.label("as_of"), (~parked & ~stopped).label("complete")))).one()
    return Knowledge(row.as_of, row.complete)
