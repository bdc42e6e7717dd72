"""The registry over HTTP: one subject's whole file, published lists, the public query, and conflicts. It has no writes."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.registry.api.answers import (
    ConflictPage,
    PublicPage,
    SubjectAnswer,
    conflict_page,
    public_page,
    subject_answer,
)
from services.registry.api.subjects import key_in_url
from services.registry.views import entries, files
from shared.calendar.working_days import today
from shared.contracts.event import DomainId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.identity import is_credit_code
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller, require
from shared.web.core import CoreDep

router = APIRouter(prefix="/v1")

Watcher = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))]
After = Annotated[str, Query(description="The `next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]


class AsOf(BaseModel):
    """Which day is asked about, and by what knowledge."""

    effective_at: date | None = Field(default=None, description="What held on this day; today unless given")
    known_at: datetime | None = Field(default=None, description="What the registry knew then; now unless given")


class SubjectQuestion(AsOf):
    """Asks about a subject with the number in the body: the only way for a natural person."""

    scheme: str
    number: str


@router.get("/subjects/{scheme}/{number}")
async def subject_file(
    scheme: str, number: str, core: CoreDep, who: Caller, as_of: Annotated[AsOf, Query()]
) -> SubjectAnswer:
    """The whole file of a legal person or other subject. A natural person's number never stands in a URL."""
    return await _answer(core, key_in_url(core, scheme, number), as_of)


@router.post("/subjects/query")
async def query_subject(question: SubjectQuestion, core: CoreDep, who: Caller) -> SubjectAnswer:
    """The whole file of any subject; a question, not a write."""
    return await _answer(core, core.keys.of(question.scheme, question.number), question)


async def _answer(core: Core, key: SubjectKey, asked: AsOf) -> SubjectAnswer:
    if asked.known_at is not None and asked.known_at.tzinfo is None:
        raise reject("time_without_zone", "known_at")
    day = asked.effective_at or today(core.clock.now())
    async with core.engine.begin() as connection:
        found = await files.as_of(connection, core.store, key, asked.known_at)
    return subject_answer(key, found, day)


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
        rows = await entries.published_list(connection, domain_id, kind, day, after, limit)
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
        rows = await entries.public_search(connection, _code_in(core, q), q.strip(), day, after, limit)
    return public_page(rows, limit, day)


def _code_in(core: Core, q: str) -> SubjectKey | None:
    """The key of a credit code, when the text is one; a name is not judged as a code."""
    return core.keys.of("uscc", q) if is_credit_code(q) else None


@router.get("/conflicts")
async def conflicts(core: CoreDep, who: Watcher, after: After = "", limit: Limit = 100) -> ConflictPage:
    """Subjects on red and black lists at once, or on several black lists (N8). Flags: they decide nothing."""
    async with core.engine.connect() as connection:
        rows = await entries.conflicts(connection, today(core.clock.now()), after, limit)
    return conflict_page(rows, limit)
