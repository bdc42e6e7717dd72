"""Routes of closed and open loops (row N1)."""

from services.feedback.api.access import WATCHERS, Watcher, scope_of
from services.feedback.api.bodies.closures import ClosureBody, StillInForceBody, closure_body, still_in_force_body
from services.feedback.views import closure
from services.feedback.views.closure import EntryLedger
from shared.calendar.working_days import today
from shared.contracts.event import EntryId
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.access import Caller, department_of
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router

router = Router()


@router.get("/entries/{entry_id}/closure")
async def entry_closure(entry_id: EntryId, core: CoreDep, who: Caller, wording: WordingDep) -> ClosureBody:
    """The ledger of one entry (row N1): for those who initiated or published it, and credit offices and auditors of its region.

    A department that carries out sees its own lines.
    """
    async with core.engine.connect() as connection:
        found = await closure.ledger_of(connection, entry_id)
    if found is None:
        raise reject("unknown_id", "path.entry_id")
    part = found if await _oversees(core, who, found) else found.part_of(department_of(who))
    if part is None:
        raise reject("forbidden_department")
    return closure_body(part, today(core.clock.now()), wording)


async def _oversees(core: Core, who: Principal, found: EntryLedger) -> bool:
    """Before its publication is read an entry has no region: then all departments that carry it out must be in the regions."""
    if not who.has(*WATCHERS):
        return False
    scope = await scope_of(core, who)
    if found.entry.jurisdiction is None:
        return all(one.line.department in scope.departments for one in found.lines)
    return scope.regions is not None and found.entry.jurisdiction in scope.regions


@router.get("/statistics/still-in-force")
async def still_in_force(
    core: CoreDep, who: Watcher, wording: WordingDep, after: After = "", limit: Limit = 100
) -> Page[StillInForceBody]:
    """Entries that left their list and whose effects are not proved undone, each with the reasons (row N1), by entry id.

    Of the caller's regions, and of the departments in them.
    """
    scope = await scope_of(core, who)
    async with core.engine.connect() as connection:
        found = await closure.still_in_force(connection, scope, after, limit + 1)
    page, following = cut(found, limit, lambda one: str(one.entry.entry_id))
    return Page(items=[still_in_force_body(one, wording) for one in page], next=following)
