"""One subject's whole file, as of any day and any time of knowledge (N3).

`known_at`: what the registry knew then, by the time at which the database recorded it, never later than now. `effective_at`: what
was in force on that day. The file is folded from the subject's own stream, under a share lock, so that a question about the past
always has the same answer.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.file import SubjectFile
from services.registry.stores import subject_locks
from shared.contracts.event import SubjectKey
from shared.eventstore import EventStore
from shared.eventstore.schema import EVENTS


@dataclass(frozen=True)
class FileAsOf:
    file: SubjectFile
    version: int
    known_at: datetime


async def as_of(connection: AsyncConnection, store: EventStore, key: SubjectKey, known_at: datetime | None) -> FileAsOf:
    """Fold the file from what was recorded up to `known_at`."""
    await subject_locks.share(connection, key)
    present: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    moment = min(known_at, present) if known_at else present
    query = (
        select(EVENTS)
        .where(EVENTS.c.stream == SUBJECT_FILE.stream(key), EVENTS.c.recorded_at <= moment)
        .order_by(EVENTS.c.version)
    )
    file, version = SUBJECT_FILE.initial, 0
    for row in await connection.execute(query):
        recorded = store.recorded(row)
        file, version = SUBJECT_FILE.evolve(file, recorded.event), recorded.version
    return FileAsOf(file, version, moment)
