"""Runs through all entries in force, one row for each law by which they are resolved again.

The cursor moves in the transaction that writes the events: a run that is interrupted continues from there, and no file is
resolved twice.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.schema import METADATA

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
"""One row for each law (version of the book, day) that began a run. A batch resolves by the newest law at its time."""


async def claim(connection: AsyncConnection) -> Any | None:
    """The oldest unfinished run, for this transaction; None when there is none or another instance has it."""
    query = select(RUNS).where(RUNS.c.finished_at.is_(None)).order_by(RUNS.c.began_at).limit(1)
    return (await connection.execute(query.with_for_update(skip_locked=True))).one_or_none()


async def is_done(connection: AsyncConnection, version: int, day: date) -> bool:
    """Whether a run by this law, or a later one, is finished."""
    later = tuple_(RUNS.c.lawbook_version, RUNS.c.law_day) >= tuple_(version, day)
    return bool(await connection.scalar(select(func.count()).where(later, RUNS.c.finished_at.is_not(None))))


async def begin(connection: AsyncConnection, version: int, day: date, now: datetime) -> bool:
    """Begin a run, unless one is unfinished. Whether it was begun."""
    if await connection.scalar(select(func.count()).where(RUNS.c.finished_at.is_(None))):
        return False
    row = {"lawbook_version": version, "law_day": day, "began_at": now, "after": "", "subjects": 0, "changed": 0}
    added = await connection.execute(insert(RUNS).values(row).on_conflict_do_nothing())
    return bool(added.rowcount)


async def advance(connection: AsyncConnection, run: Any, after: str, subjects: int, changed: int) -> None:
    """Move the cursor behind the subject `after`, and add to the counts."""
    values = {"after": after, "subjects": run.subjects + subjects, "changed": run.changed + changed}
    await connection.execute(update(RUNS).where(_row_of(run)).values(values))


async def finish(connection: AsyncConnection, run: Any, now: datetime) -> None:
    await connection.execute(update(RUNS).where(_row_of(run)).values(finished_at=now))


def _row_of(run: Any) -> Any:
    return and_(RUNS.c.lawbook_version == run.lawbook_version, RUNS.c.law_day == run.law_day)


async def latest(connection: AsyncConnection, limit: int) -> Sequence[Any]:
    """Unfinished runs first, then finished ones, each with the newest law first."""
    unfinished = or_(RUNS.c.finished_at.is_(None))
    query = select(RUNS).order_by(unfinished.desc(), RUNS.c.lawbook_version.desc(), RUNS.c.law_day.desc()).limit(limit)
    return (await connection.execute(query)).all()
