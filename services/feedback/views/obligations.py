"""Queries for obligations: who owes what by when, and what is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.states import OWES_IN, LineState
from services.feedback.views.ledger import ENTRIES, IS_WANTED, LINES, wanted
from services.feedback.views.measures import MEASURES
from services.feedback.views.scope import EVERYTHING, Scope
from shared.database import among
from shared.eventstore.schema import PARKED

WITH_TEXT = LINES.outerjoin(
    MEASURES,
    (MEASURES.c.measure_id == LINES.c.measure_id) & (MEASURES.c.measure_version == LINES.c.measure_version),
)
"""Lines with the text of their measure, if it is known."""


@dataclass(frozen=True, slots=True)
class ObligationQuery:
    """Which obligations to read. A field that is None is no condition."""

    department: str | None = None
    entry_id: str | None = None
    state: LineState | None = None
    overdue_on: date | None = None
    """Only obligations whose last day is before this day."""
    scope: Scope = EVERYTHING


async def obligations(connection: AsyncConnection, query: ObligationQuery, after: str, limit: int) -> list[Any]:
    """Lines that owe something, or lines in the state of the query, ordered by line id. `after`: a line id.

    The states are literals in the statement, so that a generic plan can use the partial index of open lines.
    """
    c = LINES.c
    states = [state.value for state in ([query.state] if query.state else OWES_IN)]
    conditions = [
        c.line_id > after,
        c.state.in_(bindparam("states", states, expanding=True, literal_execute=True)),
        query.scope.lines,
    ]
    if query.department is not None:
        conditions.append(c.department == query.department)
    if query.entry_id is not None:
        conditions.append(c.entry_id == query.entry_id)
    if query.overdue_on is not None:
        conditions += [c.due_on < query.overdue_on, c.due_certain]
    statement = (
        select(LINES, MEASURES.c.text_zh, MEASURES.c.kind, ENTRIES.c.subject_name, ENTRIES.c.list_kind)
        .select_from(WITH_TEXT.join(ENTRIES, ENTRIES.c.entry_id == c.entry_id))
        .where(*conditions)
        .order_by(c.line_id)
        .limit(limit)
    )
    return list(await connection.execute(statement))


async def unpublished_overdue(
    connection: AsyncConnection, day: date, after: tuple[date, str] | None, limit: int
) -> list[Any]:
    """Overdue obligations on this day that are not published yet, oldest first. `after`: due_on and line id.

    Nobody is late by a last day that is not certain (row F12).
    Lines of a subject with a parked event are left out: the parked event may be the answer.
    """
    c = LINES.c
    parked = select(PARKED.c.parked_id).where(PARKED.c.key == c.subject).exists()
    query = select(c.line_id, c.entry_id, c.subject, c.due_on).where(c.due_on < day, c.due_certain, ~c.noticed, ~parked)
    if after is not None:
        query = query.where(tuple_(c.due_on, c.line_id) > after)
    return list(await connection.execute(query.order_by(c.due_on, c.line_id).limit(limit)))


async def lock_unpublished(connection: AsyncConnection, day: date, rows: Sequence[Any]) -> list[Any]:
    """Those of the rows that are still overdue and not published, with their entries locked. Locked entries are skipped."""
    locked = select(ENTRIES.c.entry_id).where(among(ENTRIES.c.entry_id, "ids")).order_by(ENTRIES.c.entry_id)
    entries = await connection.scalars(locked.with_for_update(skip_locked=True), {"ids": [r.entry_id for r in rows]})
    free = set(entries)
    c = LINES.c
    query = select(c.line_id, c.entry_id, c.department, c.subject, c.state, c.due_on).where(
        IS_WANTED, c.due_on < day, c.due_certain, ~c.noticed
    )
    still = wanted((row.entry_id, row.line_id) for row in rows if row.entry_id in free)
    return list(await connection.execute(query.order_by(c.line_id), still))
