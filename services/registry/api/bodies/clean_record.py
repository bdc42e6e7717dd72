"""Bodies of `/v1/subjects/…/clean-record`."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from services.registry.api.person_reading import ReadingGrounds
from services.registry.domain.clean_record import Incentive
from shared.contracts.directory import RegionCode
from shared.web.subjects import ShownKey


class CleanRecordQuery(BaseModel):
    """For how many years, in which region, and as of which day."""

    years: int | None = Field(default=None, ge=1, le=50, description="Those of the policy of the region when absent")
    region: RegionCode = Field(description="Whose policy and measures apply (GB/T 2260)")
    on: date | None = Field(default=None, description="The day; today when absent")


class CleanRecordQueryInBody(CleanRecordQuery, ReadingGrounds):
    """With the number in the body: the only way for a natural person."""

    scheme: str
    number: str


class IncentiveBody(BaseModel):
    measure_id: str
    measure_version: int
    text_zh: str
    clause: str
    basis: str
    years: int


class CleanRecord(BaseModel):
    """A statement about these lists on this day, and about nothing else."""

    subject: ShownKey
    clean: bool
    years: int
    last_bad_record: date | None = Field(
        description="The last day on which a bad entry was in force; null: there never was one, or there are entries that the "
        "caller may not see whole"
    )
    on: date
    known_at: datetime
    lists: list[str] = Field(description="The lists that were considered: domain and kind")
    incentives: list[IncentiveBody] = Field(description="The incentives that need no entry, each with its basis")


def incentive_body(incentive: Incentive) -> IncentiveBody:
    measure, basis = incentive.measure, incentive.basis
    return IncentiveBody(
        measure_id=measure.measure_id,
        measure_version=measure.version,
        text_zh=measure.text_zh,
        clause=measure.clause,
        basis=f"{basis.document} {basis.article}".strip(),
        years=incentive.years,
    )
