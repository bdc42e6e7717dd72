"""Who read natural persons (row 25), for credit offices and auditors of the regions concerned."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.registry.api.access import Overseer, regions_overseen
from services.registry.api.bodies.readings import ReadingBody, reading_page
from services.registry.views import readings
from services.registry.views.readings import ReadingQuery
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page
from shared.web.routing import Router

router = Router(prefix="/v1")


@router.get("/readings")
async def list_readings(
    core: CoreDep,
    who: Overseer,
    wording: WordingDep,
    department: str | None = None,
    account: str | None = None,
    entry_id: str | None = None,
    since: Annotated[date | None, Query(description="First day (Asia/Shanghai)")] = None,
    until: Annotated[date | None, Query(description="Last day (Asia/Shanghai)")] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[ReadingBody]:
    """Readings by departments of the caller's regions, and readings of entries of these regions; newest first."""
    query = ReadingQuery(await regions_overseen(core, who), department, account, entry_id, since, until)
    async with core.engine.connect() as connection:
        rows = await readings.page(connection, query, after, limit + 1)
    return reading_page(rows, limit, wording)
