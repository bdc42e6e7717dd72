"""Working days (工作日) as this system counts them, for officers who check a deadline."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.catalogue.api.bodies.resolved import WorkingDaysBody
from shared.calendar.working_days import add_working_days, is_working_day, unknown_years, working_days_between
from shared.rejection import reject
from shared.web.routing import Router

router = Router(tags=["working days"])

MOST_DAYS = 5_000
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)


@router.get("/working-days")
async def working_days(
    start: Annotated[date, Query(description="The day of the event")],
    add: Annotated[int | None, Query(ge=0, le=MOST_DAYS, description="This number of working days later")] = None,
    end: Annotated[date | None, Query(description="Or up to and including this day")] = None,
) -> WorkingDaysBody:
    """The day on which a number of working days ends (`add`), or the number of working days until a day (`end`)."""
    if (add is None) == (end is None):
        raise reject("add_or_end", "query.add")
    for day in filter(None, (start, end)):
        if not _FIRST <= day <= _LAST:
            raise reject("day_out_of_range", "query.start" if day == start else "query.end", first=_FIRST, last=_LAST)
    last = end if end is not None else add_working_days(start, add or 0).date
    unknown = unknown_years(start, last)
    return WorkingDaysBody(
        start=start,
        end=last,
        working_days=working_days_between(start, last),
        end_is_working_day=is_working_day(last),
        certain=not unknown,
        unknown_years=list(unknown),
    )
