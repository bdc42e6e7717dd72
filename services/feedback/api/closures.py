"""Routes of closed and open loops (row N1)."""

from fastapi import APIRouter

from services.feedback.api.access import WATCHERS, Watcher
from services.feedback.api.bodies.closures import ClosureBody, StillInForceBody, closure_body, still_in_force_body
from services.feedback.views import closure
from shared.calendar.working_days import today
from shared.contracts.event import EntryId
from shared.rejection import reject
from shared.web.access import Caller, department_of
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page, cut

router = APIRouter()


@router.get("/entries/{entry_id}/closure")
async def entry_closure(entry_id: EntryId, core: CoreDep, who: Caller, wording: WordingDep) -> ClosureBody:
    """The ledger of one entry (row N1), for the departments that it involves, the credit office and auditors."""
    async with core.engine.connect() as connection:
        found = await closure.ledger_of(connection, entry_id)
    if found is None:
        raise reject("unknown_id", "path.entry_id")
    if not who.has(*WATCHERS) and not found.involves(department_of(who)):
        raise reject("forbidden_department")
    return closure_body(found, today(core.clock.now()), wording)


@router.get("/statistics/still-in-force")
async def still_in_force(
    core: CoreDep, who: Watcher, wording: WordingDep, after: After = "", limit: Limit = 100
) -> Page[StillInForceBody]:
    """Entries that left their list and whose effects are not proved undone, each with the reasons (row N1), by entry id."""
    async with core.engine.connect() as connection:
        found = await closure.still_in_force(connection, after, limit + 1)
    page, following = cut(found, limit, lambda one: str(one.entry.entry_id))
    return Page(items=[still_in_force_body(one, wording) for one in page], next=following)
