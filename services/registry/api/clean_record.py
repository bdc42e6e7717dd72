"""Whether a subject has a clean record (row 12), in which lists, as of when, and the incentives that follow from it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.api.access import reader_of
from services.registry.api.bodies.clean_record import (
    CleanRecord,
    CleanRecordQuery,
    CleanRecordQueryInBody,
    incentive_body,
)
from services.registry.api.person_reading import Asking, ReadingGrounds
from services.registry.api.subject_in_url import key_in_url
from services.registry.domain.clean_record import BAD, clean_for, counts_as_bad, incentives, last_bad_record
from services.registry.domain.file import SubjectFile
from services.registry.domain.reading import Asked, EntryRead
from services.registry.domain.sharing import Question as Reading
from services.registry.domain.sharing import Reader
from services.registry.views import files
from services.registry.views.files import FileAsOf
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Question, governing, value_of
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(prefix="/v1")

_DEFAULT_YEARS = 3
"""连续三年无不良信用记录: every document that names a number of years names this one."""


@router.get("/subjects/{scheme}/{number}/clean-record")
async def clean_record(
    scheme: str, number: str, core: CoreDep, who: Caller, query: Annotated[CleanRecordQuery, Query()]
) -> CleanRecord:
    """Of a legal person or other subject. Natural persons: `POST /v1/subjects/clean-record`."""
    return await _clean_record(core, who, key_in_url(core, scheme, number), query, ReadingGrounds())


@router.post("/subjects/clean-record")
async def clean_record_of_anyone(query: CleanRecordQueryInBody, core: CoreDep, who: Caller) -> CleanRecord:
    """Of any subject. A reading of a natural person needs a purpose and a business number, and is recorded."""
    return await _clean_record(core, who, core.keys.of(query.scheme, query.number, "number"), query, query)


async def _clean_record(
    core: Core, who: Principal, key: SubjectKey, query: CleanRecordQuery, grounds: ReadingGrounds
) -> CleanRecord:
    book, by = await core.lawbook.current(), await reader_of(core, who)
    day = today(core.clock.now())
    question = Reading(query.on or day, day)
    if by.third_party:
        raise reject("clean_record_not_for_third_parties", department=by.department)
    if question.is_about_the_past and not by.oversees:
        raise reject("clean_record_of_the_past", "on")

    async def find(connection: AsyncConnection) -> tuple[CleanRecord, Sequence[EntryRead]]:
        found = await files.as_of(connection, core.store, key, None)
        return _body(book, key, query, question, found, by), ()

    return await Asking(core, who, by, key, Asked.CLEAN_RECORD, question).answered(grounds, find)


def _sees_every_bad_entry(file: SubjectFile, by: Reader) -> bool:
    return all(by.sees_whole(held.entry) for held in file.entries.values() if counts_as_bad(held))


def _body(
    book: LawBook, key: SubjectKey, query: CleanRecordQuery, question: Reading, found: FileAsOf, by: Reader
) -> CleanRecord:
    day = question.day
    rules = governing(book, Question(query.region, None, day, day))
    years = query.years or value_of(rules.substance.clean_record_years, _DEFAULT_YEARS)
    last_bad = last_bad_record(found.file, day)
    return CleanRecord(
        subject=key,
        clean=clean_for(years, day, last_bad),
        years=years,
        last_bad_record=last_bad if _sees_every_bad_entry(found.file, by) else None,
        on=day,
        known_at=found.known_at,
        lists=[
            f"{d}/{kind.value}" for d, domain in sorted(book.domains.items()) for kind in BAD if kind in domain.lists
        ],
        incentives=[incentive_body(incentive) for incentive in incentives(book, query.region, day, last_bad)],
    )
