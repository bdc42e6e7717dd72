"""Bodies of what follows from the law book: implementers, measures of a memorandum, matters of a region, working days."""

from datetime import date

from pydantic import BaseModel, Field

from shared.contracts.directory import CategoryId, Matter
from shared.contracts.event import DepartmentId, MeasureId
from shared.contracts.lawbook import (
    Channel,
    Department,
    Instrument,
    Measure,
)


class ImplementerBody(BaseModel):
    """A department that applies a measure, and the category by which it was resolved; null when it is named itself."""

    department: Department
    category_id: CategoryId | None


class ImplementersBody(BaseModel):
    """The departments that apply a measure in a region."""

    measure_id: MeasureId
    version: int
    region: str
    implementers: list[ImplementerBody]


class MemorandumBody(BaseModel):
    """The measures that an instrument binds: its own, and those of instruments above it that it follows (遵照执行)."""

    instrument: Instrument
    follows: list[Instrument]
    measures: list[Measure]


class MatterBody(BaseModel):
    """A matter in a region."""

    matter: Matter
    checked_by: list[DepartmentId] = Field(description="The departments that handle it there, and so must check")
    measures: list[MeasureId] = Field(description="Measures that apply in this matter in the region")


class ReachableBody(BaseModel):
    """A department, and how the public reaches it with an objection or a complaint (异议、投诉渠道)."""

    department_id: DepartmentId
    name_zh: str
    name_en: str
    credit_office: bool
    channels: tuple[Channel, ...]


class MattersBody(BaseModel):
    """The matters of a region in which a check is due, and the departments that the public can reach there."""

    region: str
    matters: list[MatterBody]
    reachable: list[ReachableBody] = Field(
        description="Departments of the region and of those above it that have channels; credit offices first"
    )


class LineageBody(BaseModel):
    """A region and its ancestors, the most specific first."""

    lineage: list[str]


class WorkingDaysBody(BaseModel):
    """A count of working days. In years without known holidays, Monday to Friday count, and the count is not certain."""

    start: date = Field(description="Not counted: a time limit begins on the day after")
    end: date
    working_days: int
    end_is_working_day: bool
    certain: bool
    unknown_years: list[int] = Field(description="Years of the period whose holidays are not published, or not known")
