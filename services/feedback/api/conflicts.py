"""The route of the conflict radar (row N8)."""

from services.feedback.api.access import WATCHERS, Department
from services.feedback.api.bodies.conflicts import ConflictBody, conflict_body
from services.feedback.views import conflicts
from services.feedback.views.conflicts import ConflictQuery
from shared.authority import regions_of
from shared.calendar.working_days import today
from shared.web.access import Caller, department_of, require_department
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router

router = Router()


@router.get("/conflicts")
async def list_conflicts(
    core: CoreDep,
    who: Caller,
    wording: WordingDep,
    department: Department = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[ConflictBody]:
    """What was applied without a basis and is not undone yet (004 四(三)), by line id: for a department its own; for credit
    offices and auditors also that of the regions for which their department is responsible."""
    own, watches = department_of(who), who.has(*WATCHERS)
    require_department(who, department or own, *WATCHERS)
    regions = regions_of(await core.lawbook.current(), own) if watches else frozenset[str]()
    async with core.engine.connect() as connection:
        rows = await conflicts.without_basis(connection, ConflictQuery(own, regions, department), after, limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.line_id))
    day = today(core.clock.now())
    return Page(items=[conflict_body(row, day, wording) for row in page], next=following)
