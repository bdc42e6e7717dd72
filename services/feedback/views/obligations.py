"""Who owes what, and by when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.line import LineState
from services.feedback.views.ledger import ENTRIES, IS_WANTED, LINES, wanted
from services.feedback.views.measures import MEASURES
from shared.database import among
from shared.eventstore.schema import PARKED

OPEN = (LineState.WAITING, LineState.UNDOING)
"""States in which a line is an obligation."""

_WORDED = LINES.outerjoin(
    MEASURES,
    (MEASURES.c.measure_id == LINES.c.measure_id) & (MEASURES.c.measure_version == LINES.c.measure_version),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which obligations are asked for; what is None is no condition."""

    department: str | None = None
    entry_id: str | None = None
    state: LineState | None = None
    overdue_on: date | None = None
    """Only those whose last day lies before this one."""


async def obligations(connection: AsyncConnection, wanted: Wanted, after: str, limit: int) -> list[Any]:
    """Open obligations by line id; with a state, the lines in that state.

    States stand in the statement as they are, so that any plan can use the index of open lines.
    """
    c = LINES.c
    states = [state.value for state in ([wanted.state] if wanted.state else OPEN)]
    conditions = [c.line_id > after, c.state.in_(bindparam("states", states, expanding=True, literal_execute=True))]
    if wanted.department is not None:
        conditions.append(c.department == wanted.department)
    if wanted.entry_id is not None:
        conditions.append(c.entry_id == wanted.entry_id)
    if wanted.overdue_on is not None:
        conditions.append(c.due_on < wanted.overdue_on)
    query = (
        select(LINES, MEASURES.c.text_zh, MEASURES.c.kind, ENTRIES.c.subject_name, ENTRIES.c.list_kind)
        .select_from(_WORDED.join(ENTRIES, ENTRIES.c.entry_id == c.entry_id))
        .where(*conditions)
        .order_by(c.line_id)
        .limit(limit)
    )
    return list(await connection.execute(query))


async def unnoticed(connection: AsyncConnection, day: date, after: tuple[date, str] | None, limit: int) -> list[Any]:
    """Obligations whose last day lies before this day and of which that was not said yet, the oldest first.

    A line of a subject one of whose events is parked is left out: what is parked may be its answer.
    """
    c = LINES.c
    parked = select(PARKED.c.parked_id).where(PARKED.c.key == c.subject).exists()
    query = select(c.line_id, c.entry_id, c.subject, c.due_on).where(c.due_on < day, ~c.noticed, ~parked)
    if after is not None:
        query = query.where(tuple_(c.due_on, c.line_id) > after)
    return list(await connection.execute(query.order_by(c.due_on, c.line_id).limit(limit)))


async def lock_unnoticed(connection: AsyncConnection, day: date, rows: Sequence[Any]) -> list[Any]:
    """Of these lines, those that are still overdue and unnoticed, with their entries locked. Entries at work are passed over."""
    locked = select(ENTRIES.c.entry_id).where(among(ENTRIES.c.entry_id, "ids")).order_by(ENTRIES.c.entry_id)
    entries = await connection.scalars(locked.with_for_update(skip_locked=True), {"ids": [r.entry_id for r in rows]})
    free = set(entries)
    c = LINES.c
    query = select(c.line_id, c.entry_id, c.department, c.subject, c.state, c.due_on).where(
        IS_WANTED, c.due_on < day, ~c.noticed
    )
    still = wanted((row.entry_id, row.line_id) for row in rows if row.entry_id in free)
    return list(await connection.execute(query.order_by(c.line_id), still))
