"""Published lists (row 3): what is public today, without a token; what was public, for authorised readers."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.registry.api.access import Overseer
from services.registry.api.asked_lists import ListAsked, Region, list_of
from services.registry.api.bodies.lists import PastPage, PublicPage, past_page, public_page
from services.registry.api.day_cursors import day_of_listing
from services.registry.views import public
from shared.authority import is_credit_office_for
from shared.calendar.working_days import today
from shared.contracts.lawbook import ListKind
from shared.lawbook.book import LawBook
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.core import CoreDep
from shared.web.paging import After, Limit
from shared.web.routing import Router

router = Router(prefix="/v1")


@router.get("/lists/{domain_id}/{kind}")
async def published_list(
    asked: ListAsked,
    core: CoreDep,
    on: Annotated[date | None, Query(description="Today, or the day of the listing that `after` continues")] = None,
    after: After = "",
    limit: Limit = 100,
) -> PublicPage:
    """A published list (row 3), open to everyone: what is public today. The watch list is never published.

    All pages are about the day on which the listing began.
    """
    now = today(core.clock.now())
    day, after_entry = day_of_listing(on, after, now)
    async with core.engine.connect() as connection:
        rows = await public.published_list(connection, asked.wanted, sorted({day, now}), after_entry, limit + 1)
    return public_page(rows, limit, day, asked.book)


@router.get("/lists/{domain_id}/{kind}/history")
async def past_list(
    domain_id: str,
    kind: ListKind,
    core: CoreDep,
    who: Overseer,
    on: Annotated[date, Query(description="The day")],
    region: Region = None,
    after: After = "",
    limit: Limit = 100,
) -> PastPage:
    """What was public on a day, as far as is known now: for the credit office of the region, and for auditors.

    Without `region`: that of the caller's department, and for an auditor every region.
    """
    book = await core.lawbook.current()
    asked = list_of(book, domain_id, kind, _authorised_region(who, book, region))
    async with core.engine.connect() as connection:
        rows = await public.past_list(connection, asked.wanted, on, after, limit + 1)
    return past_page(rows, limit, on, book)


def _authorised_region(who: Principal, book: LawBook, region: str | None) -> str | None:
    """The region that the caller may read. Raises Rejected: `outside_responsibility`."""
    if who.has(OfficerRole.AUDITOR):
        return region
    department = book.department(who.department) if who.department else None
    wanted = region or (department.region if department else "")
    if not is_credit_office_for(book, who.department, wanted):
        raise reject("outside_responsibility", "query.region", region=wanted, department=who.department)
    return wanted
