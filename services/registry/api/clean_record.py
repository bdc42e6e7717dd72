"""Whether a subject has a clean record, and what follows from it (row 12): in which lists, as of when."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.registry.api.subjects import key_in_url
from services.registry.domain.clean_record import BAD, clean_for, incentives, last_bad_record
from services.registry.views import files
from shared.calendar.working_days import today
from shared.contracts.event import SubjectKey
from shared.lawbook.policy import Question, governing, value_of
from shared.runtime.core import Core
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(prefix="/v1")

_YEARS_UNLESS_SAID = 3
"""连续三年无不良信用记录: all documents that name a number of years name this one."""


class Asked(BaseModel):
    """For how long, where, and as of which day."""

    years: int | None = Field(default=None, ge=1, le=50, description="As the policy of the region says, unless given")
    region: str = Field(pattern="^[0-9]{6}$", description="Whose policy and measures are asked (GB/T 2260)")
    on: date | None = Field(default=None, description="The day; today unless given")


class AskedOfAnyone(Asked):
    """With the number in the body: the only way for a natural person."""

    scheme: str
    number: str


class IncentiveAnswer(BaseModel):
    measure_id: str
    measure_version: int
    text_zh: str
    clause: str
    basis: str
    years: int


class CleanRecord(BaseModel):
    """A statement about these lists on this day, and about nothing else."""

    subject: SubjectKey
    clean: bool
    years: int
    last_bad_record: date | None = Field(
        description="The last day on which a bad entry held; none: there never was one"
    )
    on: date
    known_at: datetime
    lists: list[str] = Field(description="The lists that were looked at: domain and kind")
    incentives: list[IncentiveAnswer] = Field(description="What follows without any entry, each with its basis")


@router.get("/subjects/{scheme}/{number}/clean-record")
async def clean_record(
    scheme: str, number: str, core: CoreDep, who: Caller, asked: Annotated[Asked, Query()]
) -> CleanRecord:
    """Of a legal person or other subject. A natural person's number never stands in a URL."""
    return await _answer(core, key_in_url(core, scheme, number), asked)


@router.post("/subjects/clean-record")
async def clean_record_of_anyone(asked: AskedOfAnyone, core: CoreDep, who: Caller) -> CleanRecord:
    """Of any subject; a question, not a write."""
    return await _answer(core, core.keys.of(asked.scheme, asked.number), asked)


async def _answer(core: Core, key: SubjectKey, asked: Asked) -> CleanRecord:
    book = await core.lawbook.current()
    day = asked.on or today(core.clock.now())
    async with core.engine.begin() as connection:
        found = await files.as_of(connection, core.store, key, None)
    rules = governing(book, Question(asked.region, None, day, day))
    years = asked.years or value_of(rules.substance.clean_record_years, _YEARS_UNLESS_SAID)
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
        incentives=[
            IncentiveAnswer(
                measure_id=one.measure.measure_id,
                measure_version=one.measure.version,
                text_zh=one.measure.text_zh,
                clause=one.measure.clause,
                basis=f"{one.basis.document} {one.basis.article}".strip(),
                years=one.years,
            )
            for one in incentives(book, asked.region, day, last_bad)
        ],
    )
