"""Routes of corrections, revocations and endings."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.repair import forms, handlers
from services.repair.api.answers import ActAnswer, Decides, Limit, Outcome, Page, Reads
from services.repair.views import acts
from services.repair.views.acts import ActKind
from services.repair.views.readers import Reader
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.writing import ExpectedVersion, Write

router = APIRouter()

Position = Annotated[int, Query(ge=0, description="The `next` of the page before")]


@router.post("/corrections", status_code=201, response_model=Outcome)
async def correct(
    form: forms.CorrectionForm, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """Correct the content of an entry from the beginning. Who is listed cannot be corrected: revoke and list anew."""
    return await write(who, lambda session: handlers.correct(core, session, who, form, expected))


@router.post("/revocations", status_code=201, response_model=Outcome)
async def revoke(
    form: forms.RevocationForm, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """The entry should never have been: its effects are undone from the beginning. Also after it ended or was repaired."""
    return await write(who, lambda session: handlers.revoke(core, session, who, form, expected))


@router.post("/endings", status_code=201, response_model=Outcome)
async def end(form: forms.EndingForm, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion) -> Response:
    """The subject no longer qualifies, or the entry is withdrawn: its effects end from now on."""
    return await write(who, lambda session: handlers.end(core, session, who, form, expected))


@router.get("/corrections")
async def corrections(core: CoreDep, reader: Reads, after: Position = 0, limit: Limit = 100) -> Page[ActAnswer]:
    return await _page(core, reader, "correction", after, limit)


@router.get("/revocations")
async def revocations(core: CoreDep, reader: Reads, after: Position = 0, limit: Limit = 100) -> Page[ActAnswer]:
    return await _page(core, reader, "revocation", after, limit)


@router.get("/endings")
async def endings(core: CoreDep, reader: Reads, after: Position = 0, limit: Limit = 100) -> Page[ActAnswer]:
    """Entries that ended by their term, too."""
    return await _page(core, reader, "ending", after, limit)


@router.get("/corrections/{correction_id}")
async def correction(correction_id: str, core: CoreDep, reader: Reads) -> ActAnswer:
    return await _one(core, reader, "correction", correction_id)


@router.get("/revocations/{revocation_id}")
async def revocation(revocation_id: str, core: CoreDep, reader: Reads) -> ActAnswer:
    return await _one(core, reader, "revocation", revocation_id)


@router.get("/endings/{ending_id}")
async def ending(ending_id: str, core: CoreDep, reader: Reads) -> ActAnswer:
    return await _one(core, reader, "ending", ending_id)


async def _page(core: Core, reader: Reader, kind: ActKind, after: int, limit: int) -> Page[ActAnswer]:
    async with core.engine.connect() as connection:
        found = await acts.acts(connection, reader, kind, after, limit + 1)
    following = str(found[limit - 1].position) if len(found) > limit else None
    return Page(items=[ActAnswer.model_validate(row) for row in found[:limit]], next=following)


async def _one(core: Core, reader: Reader, kind: ActKind, act_id: str) -> ActAnswer:
    async with core.engine.connect() as connection:
        found = await acts.act(connection, reader, kind, act_id)
    if found is None:
        raise reject("unknown_id", f"path.{kind}_id")
    return ActAnswer.model_validate(found)
