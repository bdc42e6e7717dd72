"""Each query with a partial index uses that index, also under PostgreSQL's generic plan.

A partial index serves only a statement whose text says that its condition holds. The server begins to use the plan for all
parameters after some executions; until then everything looks well.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.views import closure, obligations
from services.feedback.views.scope import EVERYTHING
from services.initiator.views import entries
from services.registry.views import public
from services.registry.views.public import PublicList
from shared.contracts.event import DomainId
from shared.contracts.lawbook import ListKind
from tests.conftest import StartWorld

_KEYS = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(n))) for n in range(500)]
_DAY = date(2026, 3, 1)
_LIST = PublicList(DomainId("tax"), ListKind.BLACK, None)
_OWED_BY = obligations.ObligationQuery(department="luoyang-tax")

Ask = Callable[[AsyncConnection], Awaitable[object]]
QUERIES: dict[str, tuple[str, Ask]] = {
    "entries_bigrams_idx": ("registry", lambda c: public.search(c, None, "白马寺", [_DAY], "", 100)),
    "entries_left_idx": ("registry", lambda c: public.exits(c, _LIST, _DAY, _DAY, None, 100)),
    "entries_one_decision_idx": ("initiator", lambda c: entries.active_among(c, _KEYS)),
    "lines_open_idx": ("feedback", lambda c: obligations.obligations(c, _OWED_BY, "", 100)),
    "lines_unnoticed_idx": ("feedback", lambda c: obligations.unpublished_overdue(c, date(2018, 3, 1), None, 100)),
    "entries_undoing_idx": ("feedback", lambda c: closure.still_in_force(c, EVERYTHING, "", 100)),
}


@pytest.mark.parametrize("index", QUERIES)
async def test_a_query_goes_by_its_own_index(index: str, start: StartWorld) -> None:
    service, ask = QUERIES[index]
    async with start(service) as w, w.services[service].core.engine.begin() as connection:
        await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # of an empty table, anything is as good
        await ask(connection)
        scans = text("SELECT pg_stat_get_xact_numscans(to_regclass(:index))")
        assert await connection.scalar(scans, {"index": index}) == 1
