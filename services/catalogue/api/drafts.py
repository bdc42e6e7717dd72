"""Drafts: what waits, what each would change, and what a second officer makes of it."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.catalogue import handlers
from services.catalogue.api.answers import Keeper, Limit, Overseer, book_now
from services.catalogue.domain.comparing import Difference, differences
from services.catalogue.domain.content import Retirement
from services.catalogue.views import drafts as view
from shared.contracts.lawbook import ItemKind
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, identity, kind_of
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.writing import ExpectedVersion, Write

router = APIRouter(prefix="/drafts", tags=["drafts"])

Status = Literal["open", "published", "returned", "withdrawn"]


class Draft(BaseModel):
    """A draft, and what became of it."""

    draft_id: str
    title: str
    status: Status
    filed_by: str
    department: str | None
    filed_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    lawbook_version: int | None = Field(description="The version of the book with which it was published")


class Drafts(BaseModel):
    """Newest first; `next` goes on."""

    drafts: list[Draft]
    next: int | None


class DraftItem(BaseModel):
    """An item of a draft, and how it differs from what the book holds now."""

    place: str
    kind: ItemKind
    item: Item
    new: bool = Field(description="The book has no item of this id")
    differences: list[Difference] = Field(description="From the latest version of the book; empty for a new item")


class DraftContent(BaseModel):
    """What a draft holds. `next` goes on with the items."""

    items: list[DraftItem]
    retirements: list[Retirement]
    next: int | None


class Reason(BaseModel):
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


@router.get("")
async def drafts(
    core: CoreDep,
    who: Overseer,
    status: Annotated[Status | None, Query(description="Only these")] = None,
    after: Annotated[int | None, Query(description="The `next` of the page before")] = None,
    limit: Limit = 100,
) -> Drafts:
    """What was drafted, newest first."""
    async with core.store.reading.connect() as connection:
        found = await view.drafts(connection, status, after, limit)
    following = found[-1].position if len(found) == limit else None
    return Drafts(drafts=[_answer(row) for row in found], next=following)


@router.get("/{draft_id}")
async def draft(draft_id: str, core: CoreDep, who: Overseer) -> Draft:
    """One draft."""
    async with core.store.reading.connect() as connection:
        found = await view.draft(connection, draft_id)
    if found is None:
        raise reject("unknown_id", "path.draft_id")
    return _answer(found)


@router.get("/{draft_id}/content")
async def content(
    draft_id: str, core: CoreDep, who: Overseer, after: Annotated[int, Query(ge=0)] = 0, limit: Limit = 100
) -> DraftContent:
    """What it holds, item by item, each beside what the book holds now."""
    async with core.store.reading.connect() as connection:
        if await view.draft(connection, draft_id) is None:
            raise reject("unknown_id", "path.draft_id")
        held = await view.content(connection, draft_id)
    book = await book_now(core)
    placed = list(held.placed())
    page = placed[after : after + limit]
    return DraftContent(
        items=[_item(book, place, item) for place, item in page],
        retirements=list(held.retirements),
        next=after + limit if after + limit < len(placed) else None,
    )


@router.post("/{draft_id}/publish", responses={200: {"model": handlers.Published}})
async def publish(draft_id: str, who: Keeper, write: Write, expected: ExpectedVersion) -> Response:
    """Publish it (发布): another officer than the one who filed it. `If-Match` takes a law book version."""
    return await write(who, lambda session: handlers.publish(session, who, draft_id, expected))


@router.post("/{draft_id}/return", responses={200: {"model": handlers.DraftStatus}})
async def give_back(draft_id: str, body: Reason, who: Keeper, write: Write) -> Response:
    """Give it back (退回): another officer than the one who filed it."""
    return await write(who, lambda session: handlers.give_back(session, who, draft_id, body.reason))


@router.post("/{draft_id}/withdraw", responses={200: {"model": handlers.DraftStatus}})
async def withdraw(draft_id: str, body: Reason, who: Keeper, write: Write) -> Response:
    """Take it back (撤回): the department that filed it."""
    return await write(who, lambda session: handlers.withdraw(session, who, draft_id, body.reason))


def _answer(row: view.DraftRow) -> Draft:
    return Draft.model_validate(asdict(row))


def _item(book: LawBook, place: str, item: Item) -> DraftItem:
    held = book.published(kind_of(item), identity(item))
    found = differences(held, item) if held else []
    return DraftItem(place=place, kind=kind_of(item), item=item, new=held is None, differences=found)
