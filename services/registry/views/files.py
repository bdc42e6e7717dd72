"""One subject's whole file, as of any day and any knowledge (N3).

`known_at`: what the registry knew then, by the database's time of recording, never later than now. `effective_at`: what held
on that day. The file is folded from the subject's own stream, under a share lock, so that a question about the past has one
answer for good.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.file import EntryInFile, SubjectFile
from services.registry.handlers import FILES
from services.registry.views import subjects
from shared.contracts.event import SubjectKey
from shared.contracts.response import EndMode
from shared.eventstore import EventStore
from shared.eventstore.schema import EVENTS


@dataclass(frozen=True)
class FileAsOf:
    file: SubjectFile
    version: int
    known_at: datetime


async def as_of(connection: AsyncConnection, store: EventStore, key: SubjectKey, known_at: datetime | None) -> FileAsOf:
    """Fold the file from what was recorded up to `known_at`."""
    await subjects.share(connection, key)
    present: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    moment = min(known_at, present) if known_at else present
    query = (
        select(EVENTS)
        .where(EVENTS.c.stream == FILES.stream(key), EVENTS.c.recorded_at <= moment)
        .order_by(EVENTS.c.version)
    )
    file, version = FILES.initial, 0
    for row in await connection.execute(query):
        recorded = store.recorded(row)
        file, version = FILES.evolve(file, recorded.event), recorded.version
    return FileAsOf(file, version, moment)


def in_force(held: EntryInFile, day: date) -> bool:
    """Whether the entry held on a day, by what this file knows."""
    entry = held.entry
    if held.dropped or held.ended is EndMode.FROM_BEGINNING:
        return False
    if held.ended_on is not None and held.ended_on <= day:
        return False
    return entry.term_from <= day and (entry.term_to is None or day <= entry.term_to)
