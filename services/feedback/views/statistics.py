"""Counts over the whole ledger (跟踪问效, row 22): entries by list and state, lines by department."""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.line import Answer, LineState
from services.feedback.views.ledger import ENTRIES, LINES


async def entries_by_state(connection: AsyncConnection, initiated_by: str | None) -> list[Any]:
    """How many entries there are of each list and state; those that one department initiated, when one is named."""
    c = ENTRIES.c
    query = select(c.list_kind, c.state, func.count().label("entries")).group_by(c.list_kind, c.state)
    if initiated_by is not None:
        query = query.where(c.initiated_by == initiated_by)
    return list(await connection.execute(query.order_by(c.list_kind, c.state)))


async def lines_by_department(connection: AsyncConnection, department: str | None, day: date) -> list[Any]:
    """What became of the lines of each department, and what of it is overdue on this day."""
    c = LINES.c

    def having(condition: Any, name: str) -> Any:
        return func.count().filter(condition).label(name)

    query = (
        select(
            c.department,
            having(c.measure_id.is_not(None), "directed"),
            having(c.answered_at.is_not(None), "answered"),
            having(c.answer == Answer.FAILED.value, "failed"),
            having(c.applied_at.is_not(None), "applied"),
            having(c.suspended & c.end_mode.is_(None), "suspended"),
            having(c.state == LineState.WAITING.value, "waiting"),
            having(c.state == LineState.UNDOING.value, "undoing"),
            having(c.state == LineState.CLOSED.value, "closed"),
            having(c.undone.is_not(None), "undone"),
            having(c.due_on < day, "overdue"),
            having(c.answered_late, "answered_late"),
            having(c.undone_late, "undone_late"),
        )
        .where(c.department.is_not(None) if department is None else c.department == department)
        .group_by(c.department)
        .order_by(c.department)
    )
    return list(await connection.execute(query))
