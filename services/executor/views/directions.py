"""One row for each direction: the lines of one order of the registry, with everything that does not change about them.

A task refers to its direction and to the index of its line. So a row of the worklist is narrow, and an answer rewrites little.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Date, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor.domain.events import LinesDirected, TermAmended
from services.executor.schema import METADATA
from shared.database import RawJson, among, insert_rows, update_rows
from shared.eventstore import Recorded

DIRECTIONS = Table(
    "directions",
    METADATA,
    Column("direction", BigInteger, primary_key=True, autoincrement=False),
    Column("response_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("until", Date),
    Column("directed", RawJson, nullable=False),
    Index(None, "response_id"),
    Index(None, "entry_id"),
    Index(None, "subject"),
)
"""`direction` is the position of the event in the store, `directed` the event as JSON, `until` the current last day."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    new = [_row(r, e) for r in events if isinstance(e := r.event, LinesDirected)]
    await insert_rows(connection, DIRECTIONS, new)
    amended = {e.response_id: e.until for r in events if isinstance(e := r.event, TermAmended)}
    rows = [{"response_id": response_id, "until": until} for response_id, until in amended.items()]
    await update_rows(connection, DIRECTIONS, ("response_id",), rows)


def _row(recorded: Recorded, event: LinesDirected) -> dict[str, object]:
    return {
        "direction": recorded.position,
        "response_id": event.response_id,
        "entry_id": event.entry_id,
        "department": event.department,
        "subject": event.subject,
        "until": event.until,
        "directed": recorded.body,
    }


_BY_NUMBER = select(DIRECTIONS.c.direction, DIRECTIONS.c.until, DIRECTIONS.c.directed).where(
    among(DIRECTIONS.c.direction, "numbers")
)


async def by_number(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, LinesDirected]:
    """These directions by position, with the current `until`."""
    rows = await connection.execute(_BY_NUMBER, {"numbers": sorted(set(numbers))})
    return {row.direction: _directed(row) for row in rows}


async def json_by_number(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The same as plain JSON with `until` as a date, without validation: the event type wrote the JSON, and a page shows a
    thousand tasks."""
    rows = await connection.execute(_BY_NUMBER, {"numbers": sorted(set(numbers))})
    return {number: {**orjson.loads(directed), "until": until} for number, until, directed in rows}


def _directed(row: Any) -> LinesDirected:
    return LinesDirected.model_validate_json(row.directed).model_copy(update={"until": row.until})
