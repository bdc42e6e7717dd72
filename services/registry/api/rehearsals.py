"""Rehearsals of a draft of the law (N6), for the credit office."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from services.registry import handlers
from services.registry.api.access import Overseer, regions_overseen
from services.registry.api.bodies.rehearsals import (
    DifferencePage,
    Draft,
    RehearsalBody,
    RehearsalList,
    difference_page,
    rehearsal_body,
)
from services.registry.files.report import csv_report
from services.registry.stores import rehearsals
from shared.contracts.lawbook import ItemKind
from shared.eventstore import Session
from shared.lawbook.items import SHAPES, Item
from shared.rejection import Fault, reject, reject_all
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import require
from shared.web.core import CoreDep
from shared.web.paging import Limit
from shared.web.routing import MANY_ITEMS_BYTES, Router
from shared.web.writing import Answer, Write

router = Router(prefix="/v1", max_body_size=MANY_ITEMS_BYTES)

CreditOffice = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE))]
MOST_ITEMS = 1_000


@router.post("/rehearsals", status_code=202, response_model=RehearsalBody)
async def rehearse(draft: Draft, core: CoreDep, who: CreditOffice, write: Write) -> Response:
    """Start a rehearsal of a draft. Nothing of it is published; the report grows until the rehearsal is done."""
    items = _items(draft.items)

    async def start(session: Session) -> Answer:
        row = await handlers.start_rehearsal(core, session, who.subject, draft.mode.value, items)
        return Answer(202, rehearsal_body(row))

    return await write(who, start)


def _items(kinds: Mapping[ItemKind, list[dict[str, Any]]]) -> list[Item]:
    """The items, validated by their models; unknown fields are refused. Raises Rejected with every fault."""
    found: list[Item] = []
    faults: list[Fault] = []
    for kind, items in kinds.items():
        for nth, item in enumerate(items):
            try:
                found.append(SHAPES[kind].model.model_validate(item, extra="forbid"))
            except ValidationError as error:
                path = f"items.{kind.value}[{nth}]"
                for one in error.errors(include_input=False, include_url=False):
                    field = ".".join([path, *map(str, one["loc"])])
                    faults.append(Fault("field_invalid", field, {"message": one["msg"]}))
    reject_all(faults)
    if not found or len(found) > MOST_ITEMS:
        raise reject("draft_size", "items", most=MOST_ITEMS)
    return found


@router.get("/rehearsals")
async def newest(core: CoreDep, who: Overseer, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> RehearsalList:
    """The newest rehearsals."""
    async with core.store.reading.connect() as connection:
        rows = await rehearsals.newest(connection, limit)
    return RehearsalList(items=[rehearsal_body(row._mapping) for row in rows])  # pyright: ignore[reportPrivateUsage]


@router.get("/rehearsals/{rehearsal_id}")
async def progress(rehearsal_id: str, core: CoreDep, who: Overseer) -> RehearsalBody:
    """The progress of a rehearsal, and what it has found so far."""
    return rehearsal_body(await _row(core, rehearsal_id))


async def _row(core: Core, rehearsal_id: str) -> Mapping[str, Any]:
    async with core.store.reading.connect() as connection:
        found = await rehearsals.find(connection, rehearsal_id)
    if found is None:
        raise reject("unknown_id", "path.rehearsal_id")
    return cast("Mapping[str, Any]", found._mapping)


@router.get("/rehearsals/{rehearsal_id}/differences")
async def differences(
    rehearsal_id: str,
    core: CoreDep,
    who: Overseer,
    after: Annotated[int, Query(ge=0, description="The `next` of the previous page")] = 0,
    limit: Limit = 100,
) -> DifferencePage:
    """The lines that would be added or ended because of entries of the caller's regions, and why."""
    await _row(core, rehearsal_id)
    regions = await regions_overseen(core, who)
    async with core.store.reading.connect() as connection:
        rows = await rehearsals.differences(connection, rehearsal_id, regions, after, limit + 1)
    return difference_page(rows, limit)


@router.get("/rehearsals/{rehearsal_id}/differences.csv")
async def report(rehearsal_id: str, core: CoreDep, who: Overseer) -> StreamingResponse:
    """The whole report about entries of the caller's regions as a file; the first line has the names of the columns."""
    await _row(core, rehearsal_id)
    regions = await regions_overseen(core, who)
    headers = {"Content-Disposition": f'attachment; filename="rehearsal-{rehearsal_id}.csv"'}
    lines = csv_report(core, rehearsal_id, regions)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
