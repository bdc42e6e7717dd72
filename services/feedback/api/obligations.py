"""The route of obligations (row 22)."""

from typing import Annotated

from fastapi import Query

from services.feedback.api.access import Department, readable
from services.feedback.api.bodies.obligations import ObligationBody, obligation_body
from services.feedback.domain.states import LineState
from services.feedback.views import obligations
from services.feedback.views.obligations import ObligationQuery
from shared.calendar.working_days import today
from shared.contracts.event import EntryId
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router

router = Router()


@router.get("/obligations")
async def list_obligations(
    core: CoreDep,
    who: Caller,
    department: Department = None,
    entry_id: EntryId | None = None,
    state: Annotated[LineState | None, Query(description="Lines in this state; without it, lines that owe")] = None,
    overdue: Annotated[bool, Query(description="Only what is overdue today (Asia/Shanghai)")] = False,
    after: After = "",
    limit: Limit = 100,
) -> Page[ObligationBody]:
    """Who owes what, and by when (row 22), ordered by line id."""
    day = today(core.clock.now())
    only, scope = await readable(core, who, department)
    query = ObligationQuery(only, entry_id, state, day if overdue else None, scope)
    async with core.engine.connect() as connection:
        rows = await obligations.obligations(connection, query, after, limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.line_id))
    return Page(items=[obligation_body(row, day) for row in page], next=following)
