"""Routes that say where entries stand, and what became of one."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.repair.api.answers import After, EntryAnswer, Limit, Page, Reads
from services.repair.domain import Status
from services.repair.handlers import ENTRIES
from services.repair.views import entries
from services.repair.views.history import EntryHistory, history
from shared.rejection import reject
from shared.web.core import CoreDep

router = APIRouter()


@router.get("/entries")
async def list_entries(
    core: CoreDep,
    reader: Reads,
    status: Annotated[Status | None, Query()] = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[EntryAnswer]:
    """Entries in order of their making."""
    async with core.engine.connect() as connection:
        found = await entries.entries(connection, reader, status, after, limit + 1)
    following = found[limit - 1].entry_id if len(found) > limit else None
    return Page(items=[EntryAnswer.model_validate(row) for row in found[:limit]], next=following)


@router.get("/entries/{entry_id}")
async def entry(entry_id: str, core: CoreDep, reader: Reads) -> EntryHistory:
    """One entry as it is now, with every step since its publication."""
    stream = ENTRIES.stream(entry_id)
    async with core.engine.connect() as connection:
        loaded = await core.store.load(connection, [stream])
    told = history(loaded.get(stream, ()))
    if told is None or not reader.sees(told[0].entry):
        raise reject("unknown_id", "path.entry_id")
    return told[1]
