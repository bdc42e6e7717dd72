"""Filing drafts: items of one kind, of several kinds at once, or the retirement of an item."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Response

from services.catalogue import handlers
from services.catalogue.api.access import Keeper, officer
from services.catalogue.api.bodies.drafts import ContentBody, FiledBody, ItemsBody, RetirementBody, exactly
from services.catalogue.domain.content import Placed, PlacedEnd, Retirement, Submission
from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    ItemKind,
    Measure,
    MeasureList,
)
from shared.contracts.policy import Policy
from shared.eventstore import Session
from shared.lawbook.items import Item
from shared.trust import Principal
from shared.web.routing import MANY_ITEMS_BYTES, Router
from shared.web.writing import Answer, IdempotentWrite, Write

router = Router(tags=["drafts"], max_body_size=MANY_ITEMS_BYTES)

FILED: dict[int | str, dict[str, Any]] = {
    200: {"model": FiledBody, "description": "目录中均已有 / The book has all of it already"},
    201: {"model": FiledBody, "description": "草案已提交，须另一人发布 / A draft, for a second officer to publish"},
}


@router.post("/drafts", responses=FILED, status_code=201)
async def file_draft(body: ContentBody, who: Keeper, write: Write) -> Response:
    """Draft items of several kinds at once (一并提交)."""
    content = body.content
    return await submit(write, who, Submission(body.title, tuple(content.placed()), tuple(content.placed_ends())))


@router.post("/regions", responses=FILED, status_code=201)
async def draft_regions(body: ItemsBody[Annotated[Region, exactly(Region)]], who: Keeper, write: Write) -> Response:
    """Draft regions (行政区划)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/categories", responses=FILED, status_code=201)
async def draft_categories(
    body: ItemsBody[Annotated[Category, exactly(Category)]], who: Keeper, write: Write
) -> Response:
    """Draft categories of departments (such as 各行业主管部门)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/departments", responses=FILED, status_code=201)
async def draft_departments(
    body: ItemsBody[Annotated[Department, exactly(Department)]], who: Keeper, write: Write
) -> Response:
    """Draft departments (实施部门、发起部门), as they are from then on."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/domains", responses=FILED, status_code=201)
async def draft_domains(body: ItemsBody[Annotated[Domain, exactly(Domain)]], who: Keeper, write: Write) -> Response:
    """Draft domains (领域), as they are from then on."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/bases", responses=FILED, status_code=201)
async def draft_bases(
    body: ItemsBody[Annotated[LegalBasis, exactly(LegalBasis)]], who: Keeper, write: Write
) -> Response:
    """Draft new versions of legal bases (依据)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/memoranda", responses=FILED, status_code=201)
async def draft_memoranda(
    body: ItemsBody[Annotated[Instrument, exactly(Instrument)]], who: Keeper, write: Write
) -> Response:
    """Draft new versions of memoranda (合作备忘录), normative documents and laws."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/matters", responses=FILED, status_code=201)
async def draft_matters(body: ItemsBody[Annotated[Matter, exactly(Matter)]], who: Keeper, write: Write) -> Response:
    """Draft matters in which a check is due (信用信息查询事项目录)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/measures", responses=FILED, status_code=201)
async def draft_measures(body: ItemsBody[Annotated[Measure, exactly(Measure)]], who: Keeper, write: Write) -> Response:
    """Draft new versions of measures (措施)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/measure-lists", responses=FILED, status_code=201)
async def draft_measure_lists(
    body: ItemsBody[Annotated[MeasureList, exactly(MeasureList)]], who: Keeper, write: Write
) -> Response:
    """Draft new editions of lists of measures (措施清单)."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/policies", responses=FILED, status_code=201)
async def draft_policies(body: ItemsBody[Annotated[Policy, exactly(Policy)]], who: Keeper, write: Write) -> Response:
    """Draft new versions of policies of a jurisdiction."""
    return await submit(write, who, _submission(body.title, body.items))


@router.post("/{kind}/{item_id}/retire", responses=FILED, status_code=201)
async def retire(kind: ItemKind, item_id: str, body: RetirementBody, who: Keeper, write: Write) -> Response:
    """Draft the retirement of an item (退出). Decisions made while it held do not change."""
    end = Retirement(kind=kind, item_id=item_id, last_day=body.last_day, reason=body.reason)
    title = f"{kind.value}/{item_id}"[:200]
    return await submit(write, who, Submission(title, (), (PlacedEnd("", end),)))


def _submission(title: str, items: Sequence[Item]) -> Submission:
    return Submission(title, tuple(Placed(f"items[{nth}]", item) for nth, item in enumerate(items)))


async def submit(write: IdempotentWrite, who: Principal, submission: Submission) -> Response:
    """File a draft: 201, or 200 when the book has all of it already."""

    async def handle(session: Session) -> Answer:
        filed = await handlers.file_draft(session, officer(who), submission)
        body = FiledBody(
            draft_id=filed.draft_id,
            status="open" if filed.draft_id else "nothing_new",
            lawbook_version=filed.lawbook_version,
            changes=filed.changes,
            unchanged=filed.unchanged,
        )
        return Answer(201 if filed.draft_id else 200, body)

    return await write(who, handle)
