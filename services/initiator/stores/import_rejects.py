"""The faults of rejected rows. They stay after the import is done."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Row, Table, Text, Uuid, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.schema import METADATA
from shared.database import RawJson, insert_rows

_ROWS_AT_ONCE = 1_000

REJECTS = Table(
    "import_rejects",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("line", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("field", Text),
    Column("code", Text, nullable=False),
    Column("facts", RawJson, nullable=False),
    Column("row", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "line", "number"),
)
"""One row for each fault. `row`: the row of the file, with names and numbers of persons masked."""


async def add_rejects(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await insert_rows(connection, REJECTS, rows)


async def rejected_lines(connection: AsyncConnection, import_id: str, first: int, last: int) -> frozenset[int]:
    """The lines from `first` to `last` that have a fault."""
    query = (
        select(REJECTS.c.line).where(REJECTS.c.import_id == import_id, REJECTS.c.line.between(first, last)).distinct()
    )
    return frozenset(await connection.scalars(query))


async def read_rejects(connection: AsyncConnection, import_id: str) -> AsyncIterator[Row[Any]]:
    """Every fault of every rejected row, in the order of the file."""
    after: tuple[int, int] = (-1, -1)
    while True:
        query = (
            select(REJECTS)
            .where(REJECTS.c.import_id == import_id, tuple_(REJECTS.c.line, REJECTS.c.number) > after)
            .order_by(REJECTS.c.line, REJECTS.c.number)
            .limit(_ROWS_AT_ONCE)
        )
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield row
        if not rows:
            return
        after = (rows[-1].line, rows[-1].number)
