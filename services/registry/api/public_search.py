"""The one-stop public query (一站式查询, row 20): public entries by credit code, or by any part of a name."""

from typing import Annotated

from fastapi import Query

from services.registry.api.bodies.lists import PublicPage, public_page
from services.registry.api.day_cursors import day_of_listing
from services.registry.views import public
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.identity import is_credit_code
from shared.identity.names import matching_name
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.paging import After, Limit
from shared.web.routing import Router

router = Router(prefix="/v1")

SHORTEST = 2
"""Characters of a name, without white space."""


@router.get("/public/search")
async def public_search(
    core: CoreDep,
    q: Annotated[str, Query(max_length=200, description="A credit code, or two characters or more of a name")],
    after: After = "",
    limit: Limit = 50,
) -> PublicPage:
    """Open to everyone: public entries in force. Width, case, spaces and traditional characters make no difference."""
    matching = matching_name(q)
    if len(matching) < SHORTEST:
        raise reject("search_too_short", "query.q", shortest=SHORTEST)
    now = today(core.clock.now())
    day, after_entry = day_of_listing(None, after, now)
    async with core.engine.connect() as connection:
        rows = await public.search(
            connection, _credit_code(core, q), matching, sorted({day, now}), after_entry, limit + 1
        )
    return public_page(rows, limit, day, await core.lawbook.current())


def _credit_code(core: Core, q: str) -> SubjectKey | None:
    """The key of a credit code; None when the text is not one and is searched as a name."""
    return core.keys.of("uscc", q) if is_credit_code(q) else None
