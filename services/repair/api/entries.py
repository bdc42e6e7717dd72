"""Routes of the status of entries, and of the history of one."""

from typing import Annotated

from fastapi import Query

from services.repair.api.access import Reads
from services.repair.api.bodies import EntryBody, HistoryBody, history_body
from services.repair.domain.entry import ENTRY
from services.repair.domain.state import Status
from services.repair.views import entries
from services.repair.views.history import history
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router

router = Router()


@router.get("/entries")
async def list_entries(
    core: CoreDep,
    reader: Reads,
    status: Annotated[Status | None, Query()] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[EntryBody]:
    """Entries in order of creation."""
    async with core.engine.connect() as connection:
        rows = await entries.entries(connection, reader, status, after, limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.entry_id))
    return Page(items=[EntryBody.model_validate(row) for row in page], next=following)


@router.get("/entries/{entry_id}")
async def entry(entry_id: str, core: CoreDep, reader: Reads) -> HistoryBody:
    """One entry with its current content, and every step since its publication."""
    stream = ENTRY.stream(entry_id)
    async with core.engine.connect() as connection:
        loaded = await core.store.load(connection, [stream])
    found = history(loaded.get(stream, ()))
    if found is None or not reader.may_read(found.state.entry):
        raise reject("unknown_id", "path.entry_id")
    return history_body(found)
