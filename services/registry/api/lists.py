"""Published lists (row 3) and the public search (row 20), both without a token."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.registry.api.bodies.lists import PublicPage, public_page
from services.registry.views import entries
from shared.calendar.working_days import today
from shared.contracts.event import DomainId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.identity import is_credit_code
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.paging import After, Limit

router = APIRouter(prefix="/v1")


@router.get("/lists/{domain_id}/{kind}")
async def published_list(
    domain_id: str, kind: ListKind, core: CoreDep, after: After = "", limit: Limit = 100, on: date | None = None
) -> PublicPage:
    """A published list (row 3), open to everyone. The watch list is never published."""
    if kind is ListKind.WATCH:
        raise reject("watch_list_not_public", "kind")
    if (await core.lawbook.current()).domain(DomainId(domain_id)) is None:
        raise reject("unknown_domain", "domain_id", domain_id=domain_id)
    day = on or today(core.clock.now())
    async with core.engine.connect() as connection:
        rows = await entries.published_list(connection, domain_id, kind, day, after, limit + 1)
    return public_page(rows, limit, day)


@router.get("/public/search")
async def public_search(
    core: CoreDep,
    q: Annotated[str, Query(min_length=2, max_length=200, description="A credit code, or the beginning of a name")],
    after: After = "",
    limit: Limit = 50,
) -> PublicPage:
    """The one-stop public query (row 20), open to everyone: public entries in force."""
    day = today(core.clock.now())
    async with core.engine.connect() as connection:
        rows = await entries.public_search(connection, _credit_code(core, q), q.strip(), day, after, limit + 1)
    return public_page(rows, limit, day)


def _credit_code(core: Core, q: str) -> SubjectKey | None:
    """The key of a credit code; None when the text is not one and is searched as a name."""
    return core.keys.of("uscc", q) if is_credit_code(q) else None
