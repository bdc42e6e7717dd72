"""Conflicts between lists (N8), for those who oversee."""

from services.registry.api.access import Overseer, regions_overseen
from services.registry.api.bodies.conflicts import Conflict, conflict_page
from services.registry.views import entries
from shared.calendar.working_days import today
from shared.web.core import CoreDep
from shared.web.paging import After, Limit, Page
from shared.web.routing import Router

router = Router(prefix="/v1")


@router.get("/conflicts")
async def conflicts(core: CoreDep, who: Overseer, after: After = "", limit: Limit = 100) -> Page[Conflict]:
    """Subjects on red and black lists at once, or on several black lists (N8), by entries of the caller's regions.

    Flags only: nothing is decided by them.
    """
    regions = await regions_overseen(core, who)
    async with core.engine.connect() as connection:
        rows = await entries.conflicts(connection, regions, today(core.clock.now()), after, limit + 1)
    return conflict_page(rows, limit)
