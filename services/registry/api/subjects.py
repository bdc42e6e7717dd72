"""One subject's whole file (row 10), as of any day and any time of knowledge."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.registry.api.bodies.subjects import AsOf, SubjectBody, SubjectQuery, subject_body
from services.registry.api.subject_in_url import key_in_url
from services.registry.views import files
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(prefix="/v1")


@router.get("/subjects/{scheme}/{number}")
async def subject_file(
    scheme: str, number: str, core: CoreDep, who: Caller, as_of: Annotated[AsOf, Query()]
) -> SubjectBody:
    """The whole file of a legal person or other subject. Natural persons: `POST /v1/subjects/query`."""
    return await _file(core, key_in_url(core, scheme, number), as_of)


@router.post("/subjects/query")
async def query_subject(query: SubjectQuery, core: CoreDep, who: Caller) -> SubjectBody:
    """The whole file of any subject. Writes nothing."""
    return await _file(core, core.keys.of(query.scheme, query.number), query)


async def _file(core: Core, key: SubjectKey, as_of: AsOf) -> SubjectBody:
    if as_of.known_at is not None and as_of.known_at.tzinfo is None:
        raise reject("time_without_zone", "known_at")
    day = as_of.effective_at or today(core.clock.now())
    async with core.engine.begin() as connection:
        found = await files.as_of(connection, core.store, key, as_of.known_at)
    return subject_body(key, found, day)
