"""What the law book comes to: who carries a measure out in a place, what a memorandum binds, who must check in a matter."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.catalogue.api.answers import book_now
from shared.contracts.directory import CategoryId, Matter, MatterId
from shared.contracts.event import DepartmentId, InstrumentId, MeasureId
from shared.contracts.lawbook import Department, Instrument, Measure
from shared.lawbook.book import LawBook
from shared.rejection import reject
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(tags=["resolved"])

RegionQuery = Annotated[str, Query(pattern=r"^\d{6}$", description="GB/T 2260, six digits")]


class ImplementerAnswer(BaseModel):
    """A department that carries a measure out, and whether it is named or is one of a kind that is."""

    department: Department
    category_id: CategoryId | None


class Implementers(BaseModel):
    measure_id: MeasureId
    version: int
    region: str
    implementers: list[ImplementerAnswer]


class MemorandumContent(BaseModel):
    """What an instrument binds: its own measures, and those of instruments above it that it follows (遵照执行)."""

    instrument: Instrument
    follows: list[Instrument]
    measures: list[Measure]


class MatterInRegion(BaseModel):
    matter: Matter
    checked_by: list[DepartmentId] = Field(description="Who handles it there, and so must check")
    measures: list[MeasureId] = Field(description="Measures that turn up in it")


class MattersInRegion(BaseModel):
    region: str
    matters: list[MatterInRegion]


class Lineage(BaseModel):
    """A region and those that it belongs to, the most specific first."""

    lineage: list[str]


@router.get("/measures/{measure_id}/implementers")
async def implementers(
    measure_id: MeasureId,
    core: CoreDep,
    who: Caller,
    region: RegionQuery,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> Implementers:
    """Who carries the measure out for an entry of this region: kinds (各行业主管部门) resolved to members."""
    book = await book_now(core)
    measure = book.measure(measure_id, version)
    if measure is None:
        raise reject("unknown_id", "path.measure_id")
    found = [
        ImplementerAnswer(department=book.departments[one.department_id], category_id=one.category_id)
        for one in book.implementers_of(measure, region)
    ]
    return Implementers(measure_id=measure_id, version=measure.version, region=region, implementers=found)


@router.get("/memoranda/{instrument_id}/content")
async def memorandum(instrument_id: InstrumentId, core: CoreDep, who: Caller) -> MemorandumContent:
    """An instrument with the measures that it binds."""
    book = await book_now(core)
    instrument = book.instrument(instrument_id)
    if instrument is None:
        raise reject("unknown_id", "path.instrument_id")
    followed = [found for one in instrument.follows if (found := book.instrument(one)) is not None]
    measures = list(book.measures_under(instrument_id))
    return MemorandumContent(instrument=instrument, follows=followed, measures=measures)


@router.get("/directory")
async def directory(core: CoreDep, who: Caller, region: RegionQuery) -> MattersInRegion:
    """The matters in which a check is due (信用信息查询事项目录), with those who must check in a region."""
    book = await book_now(core)
    matters = [_matter(book, matter, region) for _, matter in sorted(book.matters.items())]
    return MattersInRegion(region=region, matters=matters)


@router.get("/regions/{code}/lineage")
async def lineage(code: str, core: CoreDep, who: Caller) -> Lineage:
    """A region and those above it."""
    book = await book_now(core)
    if code not in book.regions:
        raise reject("unknown_id", "path.code")
    return Lineage(lineage=list(book.lineage(code)))


def _matter(book: LawBook, matter: Matter, region: str) -> MatterInRegion:
    turning_up = [measure.measure_id for measure in book.measures if MatterId(matter.matter_id) in measure.matters]
    return MatterInRegion(matter=matter, checked_by=list(book.checked_by(matter, region)), measures=turning_up)
