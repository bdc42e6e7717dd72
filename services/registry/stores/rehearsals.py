"""Rehearsals: the drafts, how far each has come, and the differences that it found. A rehearsal writes no other rows."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

import orjson
from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from services.registry.schema import METADATA
from shared.contracts.lawbook import ItemKind
from shared.database import RawJson, insert_rows, one_of
from shared.lawbook.items import SHAPES, Item, kind_of

REHEARSALS = Table(
    "rehearsals",
    METADATA,
    Column("rehearsal_id", Text, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("draft", RawJson, nullable=False),
    Column("lawbook_version", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("of_subjects", BigInteger),
    Column("subjects", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("settings", RawJson, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
DIFFERENCES = Table(
    "rehearsal_differences",
    METADATA,
    Column("rehearsal_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("domain_id", Text, nullable=False),
    Column("list_kind", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("measure_id", Text, nullable=False),
    Column("measure_version", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
REPORT = tuple(column.name for column in DIFFERENCES.columns if column.name not in ("rehearsal_id", "subject_key"))
"""The columns of the report, in order. The entry says who is meant: keys of subjects do not leave the service."""
RUNNING, DONE = "running", "done"
_PAGE = 1_000


def new(
    asked_by: str, asked_at: datetime, mode: str, items: Sequence[Item], lawbook_version: int, day: date
) -> dict[str, Any]:
    """The row of a rehearsal that has not begun. `day`: the day as of which the law is asked."""
    return {
        "rehearsal_id": str(uuid7()),
        "asked_by": asked_by,
        "asked_at": asked_at,
        "mode": mode,
        "draft": _draft_text(items),
        "lawbook_version": lawbook_version,
        "day": day,
        "state": RUNNING,
        "after": "",
        "of_subjects": None,
        "subjects": 0,
        "entries": 0,
        "changed": 0,
        "added": 0,
        "ended": 0,
        "settings": "{}",
        "finished_at": None,
    }


def _draft_text(items: Sequence[Item]) -> str:
    kinds: dict[str, list[Any]] = {}
    for item in items:
        kinds.setdefault(kind_of(item).value, []).append(item.model_dump(mode="json"))
    return orjson.dumps(kinds).decode()


def draft_items(text: str) -> list[Item]:
    """The items of a stored draft, in the order in which they were given."""
    kinds = cast("dict[str, list[dict[str, Any]]]", orjson.loads(text))
    return [SHAPES[ItemKind(kind)].model.model_validate(item) for kind, items in kinds.items() for item in items]


async def insert_new(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """`row`: made by `new`."""
    await connection.execute(insert(REHEARSALS).values(**row))


async def find(connection: AsyncConnection, rehearsal_id: str) -> Any | None:
    return (await connection.execute(select(REHEARSALS).where(_row_of(rehearsal_id)))).one_or_none()


async def newest(connection: AsyncConnection, limit: int) -> Sequence[Any]:
    query = select(REHEARSALS).order_by(REHEARSALS.c.asked_at.desc(), REHEARSALS.c.rehearsal_id).limit(limit)
    return (await connection.execute(query)).all()


async def claim(connection: AsyncConnection) -> Any | None:
    """The oldest rehearsal that is not done, for this transaction; None when there is none or another instance has it."""
    query = select(REHEARSALS).where(REHEARSALS.c.state == RUNNING).order_by(REHEARSALS.c.asked_at).limit(1)
    return (await connection.execute(query.with_for_update(skip_locked=True))).one_or_none()


async def advance(connection: AsyncConnection, rehearsal_id: str, **values: Any) -> None:
    await connection.execute(update(REHEARSALS).where(_row_of(rehearsal_id)).values(**values))


async def add_differences(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await insert_rows(connection, DIFFERENCES, list(rows))


async def differences(
    connection: AsyncConnection, rehearsal_id: str, regions: frozenset[str], after: int, limit: int
) -> Sequence[Any]:
    """The differences of entries of these regions with a number above `after`, by number."""
    c = DIFFERENCES.c
    query = (
        select(DIFFERENCES)
        .where(c.rehearsal_id == rehearsal_id, c.number > after, one_of(c.jurisdiction, regions))
        .order_by(DIFFERENCES.c.number)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def every_difference(
    connection: AsyncConnection, rehearsal_id: str, regions: frozenset[str]
) -> AsyncIterator[Sequence[Any]]:
    """All differences of entries of these regions, in pages."""
    after = 0
    while page := await differences(connection, rehearsal_id, regions, after, _PAGE):
        yield page
        after = page[-1].number


async def delete_finished_before(connection: AsyncConnection, instant: datetime) -> None:
    """Delete rehearsals that finished before `instant`, with their differences."""
    old = select(REHEARSALS.c.rehearsal_id).where(REHEARSALS.c.finished_at < instant)
    await connection.execute(delete(DIFFERENCES).where(DIFFERENCES.c.rehearsal_id.in_(old)))
    await connection.execute(delete(REHEARSALS).where(REHEARSALS.c.finished_at < instant))


def _row_of(rehearsal_id: str) -> Any:
    return REHEARSALS.c.rehearsal_id == rehearsal_id
