"""The route of counts (跟踪问效, row 22)."""

from services.feedback.api.access import Department, readable
from services.feedback.api.bodies.statistics import DepartmentCount, EntryCount, StatisticsBody
from services.feedback.views import statistics
from shared.calendar.working_days import today
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router()


@router.get("/statistics")
async def read_statistics(core: CoreDep, who: Caller, department: Department = None) -> StatisticsBody:
    """Counts (row 22): entries by list and state, lines by department. With a department: the entries that it initiated and
    the lines that it owes."""
    (only, scope), day = await readable(core, who, department), today(core.clock.now())
    async with core.engine.connect() as connection:
        entries = await statistics.entries_by_state(connection, only, scope)
        lines = await statistics.lines_by_department(connection, only, day, scope)
    return StatisticsBody(
        on=day,
        entries=[EntryCount.model_validate(row, from_attributes=True) for row in entries],
        departments=[DepartmentCount.model_validate(row, from_attributes=True) for row in lines],
    )
