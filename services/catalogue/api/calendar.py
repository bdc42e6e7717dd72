"""Working days (工作日) as this system counts them, for whoever checks a deadline by hand."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from shared.calendar.working_days import add_working_days, is_working_day, unknown_years, working_days_between
from shared.rejection import reject
from shared.web.access import Caller

router = APIRouter(tags=["working days"])

MOST_DAYS = 5_000
_FIRST, _LAST = date(1990, 1, 1), date(2100, 12, 31)


class Counted(BaseModel):
    """A count of working days. In years whose holidays are not known, Monday to Friday count, and it is not certain."""

    start: date = Field(description="Not counted itself: a time limit starts on the day after")
    end: date
    working_days: int
    end_is_working_day: bool
    certain: bool
    unknown_years: list[int] = Field(description="Years on the way whose holidays are not published, or not known here")


@router.get("/working-days")
async def working_days(
    who: Caller,
    start: Annotated[date, Query(description="The day of the event")],
    add: Annotated[int | None, Query(ge=0, le=MOST_DAYS, description="So many working days later")] = None,
    end: Annotated[date | None, Query(description="Or up to and including this day")] = None,
) -> Counted:
    """When a limit of so many working days ends; or how many lie between two days (either `add` or `end`)."""
    if (add is None) == (end is None):
        raise reject("add_or_end", "query.add")
    for day in filter(None, (start, end)):
        if not _FIRST <= day <= _LAST:
            raise reject("day_out_of_range", "query.start" if day == start else "query.end", first=_FIRST, last=_LAST)
    last = end if end is not None else add_working_days(start, add or 0).date
    unknown = unknown_years(start, last)
    return Counted(
        start=start,
        end=last,
        working_days=working_days_between(start, last),
        end_is_working_day=is_working_day(last),
        certain=not unknown,
        unknown_years=list(unknown),
    )
