"""Filing drafts: items of one kind, of several kinds at once, or an item that is to end."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from services.catalogue.api.answers import Keeper
from services.catalogue.domain.content import Content, Placed, PlacedEnd, Retirement
from services.catalogue.handlers import Filed, Submission, file
from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.event import Contract
from shared.contracts.lawbook import Department, Domain, Instrument, ItemKind, Measure, MeasureList
from shared.contracts.policy import Policy
from shared.lawbook.items import Item
from shared.trust import Principal
from shared.web.writing import IdempotentWrite, Write

router = APIRouter(tags=["drafts"])
T = TypeVar("T")

MOST_ITEMS = 1_000
"""Of one request; a file may bring more."""

Title = Annotated[str, Field(max_length=200, description="What it is about; for the officer who decides")]


def _exactly(model: type[Contract]) -> BeforeValidator:
    """Refuse fields that the contract does not have: in an event they are of tomorrow, in a request a slip of the pen."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    return BeforeValidator(lambda given: adapter.validate_python(given, extra="forbid"))


class Items(BaseModel, Generic[T]):
    """What is to be published: all of it, or nothing when one item is refused."""

    items: Annotated[list[T], Field(min_length=1, max_length=MOST_ITEMS)]
    title: Title = ""


class Several(BaseModel):
    """Items of several kinds, and items that are to end: they may refer to one another."""

    content: Annotated[Content, _exactly(Content)]
    title: Title = ""


class End(BaseModel):
    """That an item is to end, and why."""

    last_day: date = Field(description="The last day on which it holds")
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


_FILED: dict[int | str, dict[str, Any]] = {
    200: {"model": Filed, "description": "目录中均已有 / The book held it all"},
    201: {"model": Filed, "description": "草案已提交，须另一人发布 / A draft, for a second officer to publish"},
}


@router.post("/drafts", responses=_FILED, status_code=201)
async def file_draft(body: Several, who: Keeper, write: Write) -> Response:
    """Draft items of several kinds at once (一并提交)."""
    content = body.content
    return await _file(write, who, Submission(body.title, tuple(content.placed()), tuple(content.placed_ends())))


@router.post("/regions", responses=_FILED, status_code=201)
async def draft_regions(body: Items[Annotated[Region, _exactly(Region)]], who: Keeper, write: Write) -> Response:
    """Draft regions (行政区划)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/categories", responses=_FILED, status_code=201)
async def draft_categories(body: Items[Annotated[Category, _exactly(Category)]], who: Keeper, write: Write) -> Response:
    """Draft kinds of bodies (各行业主管部门 and the like)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/departments", responses=_FILED, status_code=201)
async def draft_departments(
    body: Items[Annotated[Department, _exactly(Department)]], who: Keeper, write: Write
) -> Response:
    """Draft departments (实施部门、发起部门), as they are to be from then on."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/domains", responses=_FILED, status_code=201)
async def draft_domains(body: Items[Annotated[Domain, _exactly(Domain)]], who: Keeper, write: Write) -> Response:
    """Draft domains (领域), as they are to be from then on."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/bases", responses=_FILED, status_code=201)
async def draft_bases(body: Items[Annotated[LegalBasis, _exactly(LegalBasis)]], who: Keeper, write: Write) -> Response:
    """Draft new versions of legal bases (依据)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/memoranda", responses=_FILED, status_code=201)
async def draft_memoranda(
    body: Items[Annotated[Instrument, _exactly(Instrument)]], who: Keeper, write: Write
) -> Response:
    """Draft new versions of memoranda (合作备忘录), normative documents and laws."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/matters", responses=_FILED, status_code=201)
async def draft_matters(body: Items[Annotated[Matter, _exactly(Matter)]], who: Keeper, write: Write) -> Response:
    """Draft matters in which a check is due (信用信息查询事项目录)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/measures", responses=_FILED, status_code=201)
async def draft_measures(body: Items[Annotated[Measure, _exactly(Measure)]], who: Keeper, write: Write) -> Response:
    """Draft new versions of measures (措施)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/measure-lists", responses=_FILED, status_code=201)
async def draft_measure_lists(
    body: Items[Annotated[MeasureList, _exactly(MeasureList)]], who: Keeper, write: Write
) -> Response:
    """Draft new editions of lists of measures (措施清单)."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/policies", responses=_FILED, status_code=201)
async def draft_policies(body: Items[Annotated[Policy, _exactly(Policy)]], who: Keeper, write: Write) -> Response:
    """Draft new versions of policies of a jurisdiction."""
    return await _file(write, who, _submission(body.title, body.items))


@router.post("/{kind}/{item_id}/retire", responses=_FILED, status_code=201)
async def retire(kind: ItemKind, item_id: str, body: End, who: Keeper, write: Write) -> Response:
    """Draft that an item ends (退出); what was decided while it held stays as it was."""
    end = Retirement(kind=kind, item_id=item_id, last_day=body.last_day, reason=body.reason)
    title = f"{kind.value}/{item_id}"[:200]
    return await _file(write, who, Submission(title, (), (PlacedEnd("", end),)))


def _submission(title: str, items: Sequence[Item]) -> Submission:
    return Submission(title, tuple(Placed(f"items[{nth}]", item) for nth, item in enumerate(items)))


async def _file(write: IdempotentWrite, who: Principal, submission: Submission) -> Response:
    return await write(who, lambda session: file(session, who, submission))
