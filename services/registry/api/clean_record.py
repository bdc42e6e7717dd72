"""Whether a subject has a clean record (row 12), in which lists, as of when, and the incentives that follow from it."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.registry.api.bodies.clean_record import (
    CleanRecord,
    CleanRecordQuery,
    CleanRecordQueryInBody,
    incentive_body,
)
from services.registry.api.subject_in_url import key_in_url
from services.registry.domain.clean_record import BAD, clean_for, incentives, last_bad_record
from services.registry.views import files
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.lawbook.policy import Question, governing, value_of
from shared.runtime.core import Core
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(prefix="/v1")

_DEFAULT_YEARS = 3
"""连续三年无不良信用记录: every document that names a number of years names this one."""


@router.get("/subjects/{scheme}/{number}/clean-record")
async def clean_record(
    scheme: str, number: str, core: CoreDep, who: Caller, query: Annotated[CleanRecordQuery, Query()]
) -> CleanRecord:
    """Of a legal person or other subject. Natural persons: `POST /v1/subjects/clean-record`."""
    return await _clean_record(core, key_in_url(core, scheme, number), query)


@router.post("/subjects/clean-record")
async def clean_record_of_anyone(query: CleanRecordQueryInBody, core: CoreDep, who: Caller) -> CleanRecord:
    """Of any subject. Writes nothing."""
    return await _clean_record(core, core.keys.of(query.scheme, query.number), query)


async def _clean_record(core: Core, key: SubjectKey, query: CleanRecordQuery) -> CleanRecord:
    book = await core.lawbook.current()
    day = query.on or today(core.clock.now())
    async with core.engine.begin() as connection:
        found = await files.as_of(connection, core.store, key, None)
    rules = governing(book, Question(query.region, None, day, day))
    years = query.years or value_of(rules.substance.clean_record_years, _DEFAULT_YEARS)
    last_bad = last_bad_record(found.file, day)
    return CleanRecord(
        subject=key,
        clean=clean_for(years, day, last_bad),
        years=years,
        last_bad_record=last_bad,
        on=day,
        known_at=found.known_at,
        lists=[
            f"{d}/{kind.value}" for d, domain in sorted(book.domains.items()) for kind in BAD if kind in domain.lists
        ],
        incentives=[incentive_body(incentive) for incentive in incentives(book, query.region, day, last_bad)],
    )
