"""One subject's file (row 10), as of any day and any time of knowledge, as far as the caller may see it (domain/sharing.py)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.api.access import reader_of
from services.registry.api.bodies.subjects import AsOf, SubjectBody, SubjectQuery, subject_body
from services.registry.api.person_reading import Asking, ReadingGrounds
from services.registry.api.subject_in_url import key_in_url
from services.registry.domain.reading import Asked, EntryRead
from services.registry.domain.sharing import Question, shown
from services.registry.views import files
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.access import Caller
from shared.web.core import CoreDep, WordingDep
from shared.web.routing import Router
from shared.web.wording import Wording

router = Router(prefix="/v1")


@router.get("/subjects/{scheme}/{number}")
async def subject_file(
    scheme: str, number: str, core: CoreDep, who: Caller, wording: WordingDep, as_of: Annotated[AsOf, Query()]
) -> SubjectBody:
    """The file of a legal person or other subject. Natural persons: `POST /v1/subjects/query`."""
    return await _file(core, who, wording, key_in_url(core, scheme, number), as_of, ReadingGrounds())


@router.post("/subjects/query")
async def query_subject(query: SubjectQuery, core: CoreDep, who: Caller, wording: WordingDep) -> SubjectBody:
    """The file of any subject. A reading of a natural person needs a purpose and a business number, and is recorded."""
    return await _file(core, who, wording, core.keys.of(query.scheme, query.number, "number"), query, query)


async def _file(
    core: Core, who: Principal, wording: Wording, key: SubjectKey, as_of: AsOf, grounds: ReadingGrounds
) -> SubjectBody:
    if as_of.known_at is not None and as_of.known_at.tzinfo is None:
        raise reject("time_without_zone", "known_at")
    day = today(core.clock.now())
    question = Question(as_of.effective_at or day, day, as_of.known_at, as_of.history)
    by, book = await reader_of(core, who), await core.lawbook.current()

    async def find(connection: AsyncConnection) -> tuple[SubjectBody, Sequence[EntryRead]]:
        found = await files.as_of(connection, core.store, key, as_of.known_at)
        part = shown(found.file, by, question)
        entries = [one.held.entry for one in part.entries]
        read = [EntryRead(entry_id=entry.entry_id, jurisdiction=entry.jurisdiction) for entry in entries]
        return subject_body(key, found, part, by, question, book, wording), read

    return await Asking(core, who, by, key, Asked.FILE, question).answered(grounds, find)
