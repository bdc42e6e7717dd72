"""What follows from the law book: who applies a measure in a region, what a memorandum binds, who must check in a matter."""

from typing import Annotated

from fastapi import Query

from services.catalogue.api.access import current_book
from services.catalogue.api.bodies.resolved import (
    ImplementerBody,
    ImplementersBody,
    LineageBody,
    MatterBody,
    MattersBody,
    MemorandumBody,
    ReachableBody,
)
from shared.contracts.directory import Matter, MatterId, RegionCode
from shared.contracts.event import InstrumentId, MeasureId
from shared.contracts.lawbook import Measure
from shared.lawbook.book import LawBook
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(tags=["resolved"])

RegionQuery = Annotated[RegionCode, Query(description="GB/T 2260, six digits")]


@router.get("/measures/{measure_id}/implementers")
async def implementers(
    measure_id: MeasureId,
    core: CoreDep,
    region: RegionQuery,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> ImplementersBody:
    """The departments that apply the measure for an entry of this region; categories (各行业主管部门) resolved to members."""
    book = await current_book(core)
    measure = book.measure(measure_id, version)
    if measure is None:
        raise reject("unknown_id", "path.measure_id")
    resolved = [
        ImplementerBody(department=book.departments[found.department_id], category_id=found.category_id)
        for found in book.implementers_of(measure, region)
    ]
    return ImplementersBody(measure_id=measure_id, version=measure.version, region=region, implementers=resolved)


@router.get("/memoranda/{instrument_id}/content")
async def memorandum(instrument_id: InstrumentId, core: CoreDep) -> MemorandumBody:
    """An instrument with the measures that it binds."""
    book = await current_book(core)
    instrument = book.instrument(instrument_id)
    if instrument is None:
        raise reject("unknown_id", "path.instrument_id")
    followed = [found for above in instrument.follows if (found := book.instrument(above)) is not None]
    measures = list(book.measures_under(instrument_id))
    return MemorandumBody(instrument=instrument, follows=followed, measures=measures)


@router.get("/directory")
async def directory(core: CoreDep, region: RegionQuery) -> MattersBody:
    """The matters in which a check is due (信用信息查询事项目录), who must check, and channels of the departments of a region."""
    book = await current_book(core)
    matters = [_matter(book, matter, region) for _, matter in sorted(book.matters.items())]
    return MattersBody(region=region, matters=matters, reachable=_reachable(book, region))


@router.get("/regions/{code}/lineage")
async def lineage(code: str, core: CoreDep) -> LineageBody:
    """A region and its ancestors."""
    book = await current_book(core)
    if code not in book.regions:
        raise reject("unknown_id", "path.code")
    return LineageBody(lineage=list(book.lineage(code)))


def _matter(book: LawBook, matter: Matter, region: str) -> MatterBody:
    """Measures of an instrument of another region do not apply here: they are left out."""
    measures = [
        measure.measure_id
        for measure in book.measures
        if MatterId(matter.matter_id) in measure.matters and _applies_in(book, measure, region)
    ]
    return MatterBody(matter=matter, checked_by=list(book.checked_by(matter, region)), measures=measures)


def _reachable(book: LawBook, region: str) -> list[ReachableBody]:
    """Departments with channels, credit offices first, then those of the nearest region (rows 20 and 30)."""
    distance = {code: nth for nth, code in enumerate(book.lineage(region))}
    found = [one for one in book.departments.values() if one.channels and one.region in distance and not one.retired_on]
    found.sort(key=lambda one: (not one.credit_office, distance[one.region], one.department_id))
    return [
        ReachableBody(
            department_id=one.department_id,
            name_zh=one.name_zh,
            name_en=one.name_en,
            credit_office=one.credit_office,
            channels=one.channels,
        )
        for one in found
    ]


def _applies_in(book: LawBook, measure: Measure, region: str) -> bool:
    instrument = book.instrument(measure.instrument_id)
    return instrument is None or instrument.region in book.lineage(region)
