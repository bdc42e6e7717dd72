"""Who left a public list, and when (F4): for everyone who keeps a copy of the list."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.registry.api.asked_lists import ListAsked
from services.registry.api.bodies.lists import ExitPage, exit_page
from services.registry.api.day_cursors import read_cursor
from services.registry.views import public
from shared.calendar.working_days import today
from shared.lawbook.terms import months_after
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import After, Limit
from shared.web.routing import Router

router = Router(prefix="/v1")

EXITS_SHOWN_MONTHS = 12
"""An exit is shown for so long. After that the public record of an entry is gone."""

Since = Annotated[
    date | None, Query(description="The first day; at most 12 months ago, which is also the default. Includes that day")
]


@router.get("/lists/{domain_id}/{kind}/exits")
async def exits(
    asked: ListAsked, core: CoreDep, since: Since = None, after: After = "", limit: Limit = 100
) -> ExitPage:
    """Entries that left the public list since a day, by day, without the reason.

    A later exit of the same day can have a lower entry id: to keep a copy, ask again from the last day that was read.
    """
    day = today(core.clock.now())
    first = first_day(since, day)
    async with core.engine.connect() as connection:
        rows = await public.exits(connection, asked.wanted, first, day, read_cursor(after), limit + 1)
    return exit_page(rows, limit, first, day, asked.book)


def first_day(since: date | None, day: date) -> date:
    """The first day of exits. Raises Rejected: `exits_too_old`."""
    earliest = months_after(day, -EXITS_SHOWN_MONTHS)
    if since is not None and since < earliest:
        raise reject("exits_too_old", "query.since", earliest=earliest, months=EXITS_SHOWN_MONTHS)
    return since or earliest
