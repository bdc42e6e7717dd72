"""How far the files have been resolved by the present law: one row a run through all entries in force.

The cursor moves in the transaction that writes what was concluded: a run that breaks off goes on where it stood, and
concludes nothing twice.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.schema import METADATA
from services.registry.views.entries import ENTRIES, PEOPLE
from shared.contracts.event import SubjectKey
from shared.database import among

RUNS = Table(
    "resolving",
    METADATA,
    Column("lawbook_version", BigInteger, primary_key=True, autoincrement=False),
    Column("law_day", Date, primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("after", Text, nullable=False),
    Column("subjects", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
"""A run for each law (version of the book, day). It begins by that law, and each batch goes by the newest one there is."""


async def subjects_in_force(connection: AsyncConnection, after: str, limit: int) -> list[SubjectKey]:
    """Subjects with entries that have not ended, by key."""
    query = (
        select(ENTRIES.c.subject_key)
        .distinct()
        .where(ENTRIES.c.subject_key > after, ENTRIES.c.ended_mode.is_(None))
        .order_by(ENTRIES.c.subject_key)
        .limit(limit)
    )
    return [SubjectKey(key) for key in await connection.scalars(query)]


async def people_of(connection: AsyncConnection, subjects: Sequence[SubjectKey]) -> set[SubjectKey]:
    """Everyone ever held responsible for entries in force of these subjects. Whoever is tied to several is met again."""
    return {SubjectKey(key) for key in await connection.scalars(_PEOPLE, {"keys": list(subjects)})}


_PEOPLE = (
    select(PEOPLE.c.subject_key)
    .join(ENTRIES, ENTRIES.c.entry_id == PEOPLE.c.entry_id)
    .where(
        among(ENTRIES.c.subject_key, "keys"),
        ENTRIES.c.ended_mode.is_(None),
    )
)


async def count_in_force(connection: AsyncConnection) -> int:
    """How many subjects have entries that have not ended."""
    query = select(func.count(ENTRIES.c.subject_key.distinct())).where(ENTRIES.c.ended_mode.is_(None))
    return await connection.scalar(query) or 0


async def claim(connection: AsyncConnection) -> Any | None:
    """The oldest run that is not finished, for this transaction; none when there is none, or another instance has it."""
    query = select(RUNS).where(RUNS.c.finished_at.is_(None)).order_by(RUNS.c.began_at).limit(1)
    return (await connection.execute(query.with_for_update(skip_locked=True))).one_or_none()


async def is_done(connection: AsyncConnection, version: int, day: date) -> bool:
    """Whether a run by this law, or a later one, is finished."""
    later = tuple_(RUNS.c.lawbook_version, RUNS.c.law_day) >= tuple_(version, day)
    return bool(await connection.scalar(select(func.count()).where(later, RUNS.c.finished_at.is_not(None))))


async def begin(connection: AsyncConnection, version: int, day: date, now: datetime) -> bool:
    """Begin a run, unless a run is under way already."""
    if await connection.scalar(select(func.count()).where(RUNS.c.finished_at.is_(None))):
        return False
    row = {"lawbook_version": version, "law_day": day, "began_at": now, "after": "", "subjects": 0, "changed": 0}
    added = await connection.execute(insert(RUNS).values(row).on_conflict_do_nothing())
    return bool(added.rowcount)


async def advance(connection: AsyncConnection, run: Any, after: str, seen: int, changed: int) -> None:
    values = {"after": after, "subjects": run.subjects + seen, "changed": run.changed + changed}
    await connection.execute(update(RUNS).where(_is(run)).values(values))


async def finish(connection: AsyncConnection, run: Any, now: datetime) -> None:
    await connection.execute(update(RUNS).where(_is(run)).values(finished_at=now))


def _is(run: Any) -> Any:
    return and_(RUNS.c.lawbook_version == run.lawbook_version, RUNS.c.law_day == run.law_day)


async def latest(connection: AsyncConnection, limit: int) -> Iterable[Any]:
    """The runs, newest first; those without end before those that are finished."""
    unfinished = or_(RUNS.c.finished_at.is_(None))
    query = select(RUNS).order_by(unfinished.desc(), RUNS.c.lawbook_version.desc(), RUNS.c.law_day.desc()).limit(limit)
    return list(await connection.execute(query))
