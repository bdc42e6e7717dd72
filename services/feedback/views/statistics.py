"""Counts over the whole ledger (跟踪问效, row 22): entries by list and state, lines by department."""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.states import Answer, LineState
from services.feedback.views.ledger import ENTRIES, LINES
from services.feedback.views.scope import Scope


async def entries_by_state(connection: AsyncConnection, initiated_by: str | None, scope: Scope) -> list[Any]:
    """How many entries each list has in each state. `initiated_by`: only the entries of this department."""
    c = ENTRIES.c
    query = (
        select(c.list_kind, c.state, func.count().label("entries")).where(scope.entries).group_by(c.list_kind, c.state)
    )
    if initiated_by is not None:
        query = query.where(c.initiated_by == initiated_by)
    return list(await connection.execute(query.order_by(c.list_kind, c.state)))


async def lines_by_department(
    connection: AsyncConnection, department: str | None, day: date, scope: Scope
) -> list[Any]:
    """Lines of each department by outcome and state, and those that are overdue on this day. `department`: only this one."""
    c = LINES.c

    def counted(condition: Any, name: str) -> Any:
        return func.count().filter(condition).label(name)

    query = (
        select(
            c.department,
            counted(c.measure_id.is_not(None), "directed"),
            counted(c.answered_at.is_not(None), "answered"),
            counted(c.answer == Answer.FAILED.value, "failed"),
            counted(c.applied_at.is_not(None) & c.without_basis.is_(None), "applied"),
            counted(c.without_basis.is_not(None), "without_basis"),
            counted(c.suspended & c.end_mode.is_(None), "suspended"),
            counted(c.state == LineState.WAITING.value, "waiting"),
            counted(c.state == LineState.UNDOING.value, "undoing"),
            counted(c.state == LineState.CLOSED.value, "closed"),
            counted(c.undone.is_not(None), "undone"),
            counted((c.due_on < day) & c.due_certain, "overdue"),
            counted((c.due_on < day) & ~c.due_certain, "uncertain"),
            counted(c.answered_late, "answered_late"),
            counted(c.undone_late, "undone_late"),
        )
        .select_from(LINES.join(ENTRIES, ENTRIES.c.entry_id == c.entry_id))
        .where(c.department.is_not(None) if department is None else c.department == department, scope.lines)
        .group_by(c.department)
        .order_by(c.department)
    )
    return list(await connection.execute(query))
