"""The subjects with entries that have not ended, by key: what runs and rehearsals go through."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.views.entries import ENTRIES, PEOPLE
from shared.contracts.event import SubjectKey
from shared.database import among


async def subjects(connection: AsyncConnection, after: str, limit: int) -> list[SubjectKey]:
    """The next subjects with entries that have not ended."""
    query = (
        select(ENTRIES.c.subject_key)
        .distinct()
        .where(ENTRIES.c.subject_key > after, ENTRIES.c.ended_mode.is_(None))
        .order_by(ENTRIES.c.subject_key)
        .limit(limit)
    )
    return [SubjectKey(key) for key in await connection.scalars(query)]


async def count(connection: AsyncConnection) -> int:
    """How many subjects have entries that have not ended."""
    query = select(func.count(ENTRIES.c.subject_key.distinct())).where(ENTRIES.c.ended_mode.is_(None))
    return await connection.scalar(query) or 0


async def people_of(connection: AsyncConnection, keys: Sequence[SubjectKey]) -> set[SubjectKey]:
    """Everyone ever held responsible for entries of these subjects that have not ended.

    A person responsible for entries of several subjects is found with each of them.
    """
    return {SubjectKey(key) for key in await connection.scalars(_PEOPLE, {"keys": list(keys)})}


_PEOPLE = (
    select(PEOPLE.c.subject_key)
    .join(ENTRIES, ENTRIES.c.entry_id == PEOPLE.c.entry_id)
    .where(
        among(ENTRIES.c.subject_key, "keys"),
        ENTRIES.c.ended_mode.is_(None),
    )
)
