"""Feedback over HTTP: who owes what, the ledger of an entry, and the counts. It has no writes."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request

from services.feedback.answers import (
    Closure,
    DepartmentCount,
    EntryCount,
    Obligations,
    Statistics,
    StillInForce,
    StillInForcePage,
    closure,
    grounds,
    obligation,
)
from services.feedback.domain.line import LineState
from services.feedback.views import closure as closures
from services.feedback.views import obligations as view
from services.feedback.views import statistics as counts
from services.feedback.views.obligations import Wanted
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, EntryId
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller, department_of, require, require_department
from shared.web.core import CoreDep
from shared.web.wording import Wording

router = APIRouter(prefix="/v1")


def _wording(request: Request) -> Wording:
    return cast("Wording", request.app.state.wording)


TheWording = Annotated[Wording, Depends(_wording)]

WATCHERS = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
Watcher = Annotated[Principal, Depends(require(*WATCHERS))]
After = Annotated[str, Query(description="The `next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Department = Annotated[
    DepartmentId | None, Query(description="Only of this one; a department's officers see their own in any case")
]


def _seen_by(who: Principal, department: DepartmentId | None) -> DepartmentId | None:
    """Which department's part of the ledger a caller asks for and may see; None: all. Raises `forbidden_department`."""
    if who.has(*WATCHERS):
        return department
    own = department_of(who)
    require_department(who, department or own)
    return own


@router.get("/obligations")
async def obligations(
    core: CoreDep,
    who: Caller,
    department: Department = None,
    entry_id: EntryId | None = None,
    state: Annotated[LineState | None, Query(description="Lines in this state; unless given, those that owe")] = None,
    overdue: Annotated[bool, Query(description="Only what is overdue today (Asia/Shanghai)")] = False,
    after: After = "",
    limit: Limit = 100,
) -> Obligations:
    """Who owes what, and by when (row 22), by line id."""
    day = today(core.clock.now())
    wanted = Wanted(_seen_by(who, department), entry_id, state, day if overdue else None)
    async with core.engine.connect() as connection:
        rows = await view.obligations(connection, wanted, after, limit + 1)
    page = rows[:limit]
    following = page[-1].line_id if len(rows) > limit else None
    return Obligations(items=[obligation(row, day) for row in page], next=following)


@router.get("/entries/{entry_id}/closure")
async def entry_closure(entry_id: EntryId, core: CoreDep, who: Caller, wording: TheWording) -> Closure:
    """The ledger of one entry (row N1), for the departments that it involves, the credit office and auditors."""
    async with core.engine.connect() as connection:
        found = await closures.ledger_of(connection, entry_id)
    if found is None:
        raise reject("unknown_id", "path.entry_id")
    if not who.has(*WATCHERS) and not found.involves(department_of(who)):
        raise reject("forbidden_department")
    return closure(found, today(core.clock.now()), wording)


@router.get("/statistics")
async def statistics(core: CoreDep, who: Caller, department: Department = None) -> Statistics:
    """Counts (row 22): entries by list and state, lines by department. Of one department: what it initiated and owes."""
    seen, day = _seen_by(who, department), today(core.clock.now())
    async with core.engine.connect() as connection:
        entries = await counts.entries_by_state(connection, seen)
        lines = await counts.lines_by_department(connection, seen, day)
    return Statistics(
        on=day,
        entries=[EntryCount.model_validate(row, from_attributes=True) for row in entries],
        departments=[DepartmentCount.model_validate(row, from_attributes=True) for row in lines],
    )


@router.get("/statistics/still-in-force")
async def still_in_force(
    core: CoreDep, who: Watcher, wording: TheWording, after: After = "", limit: Limit = 100
) -> StillInForcePage:
    """Entries that left their list and of which something is not proved undone, each with the reasons (row N1)."""
    async with core.engine.connect() as connection:
        found = await closures.still_in_force(connection, after, limit + 1)
    page = found[:limit]
    items = [
        StillInForce(
            entry_id=one.entry.entry_id,
            list_kind=one.entry.list_kind,
            subject=one.entry.subject,
            open=grounds(one, wording),
        )
        for one in page
    ]
    return StillInForcePage(items=items, next=page[-1].entry.entry_id if len(found) > limit else None)
