"""Drafts: the list, the content of each beside the current book, and the decision of a second officer."""

from typing import Annotated

from fastapi import Query, Response

from services.catalogue import handlers
from services.catalogue.api.access import Keeper, Overseer, current_book, officer
from services.catalogue.api.bodies.drafts import (
    DraftBody,
    DraftContentPage,
    DraftItemBody,
    DraftPage,
    DraftState,
    DraftStatusBody,
    PublishedBody,
    ReasonBody,
)
from services.catalogue.api.bodies.items import DifferenceBody
from services.catalogue.domain.comparing import differences
from services.catalogue.views import drafts as view
from shared.eventstore import Session
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, identity, kind_of
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import AfterPosition, Limit, cut
from shared.web.routing import Router
from shared.web.writing import Answer, ExpectedVersion, Write

router = Router(prefix="/drafts", tags=["drafts"])


@router.get("")
async def drafts(
    core: CoreDep,
    who: Overseer,
    status: Annotated[DraftState | None, Query(description="Only drafts of this status")] = None,
    after: AfterPosition = "",
    limit: Limit = 100,
) -> DraftPage:
    """Drafts, newest first."""
    async with core.store.reading.connect() as connection:
        rows = await view.drafts(connection, status, int(after) if after else None, limit + 1)
    page, following = cut(rows, limit, lambda row: row.position)
    return DraftPage(drafts=[DraftBody.model_validate(row) for row in page], next=following)


@router.get("/{draft_id}")
async def draft(draft_id: str, core: CoreDep, who: Overseer) -> DraftBody:
    """One draft."""
    async with core.store.reading.connect() as connection:
        found = await view.draft(connection, draft_id)
    if found is None:
        raise reject("unknown_id", "path.draft_id")
    return DraftBody.model_validate(found)


@router.get("/{draft_id}/content")
async def content(
    draft_id: str, core: CoreDep, who: Overseer, after: AfterPosition = "", limit: Limit = 100
) -> DraftContentPage:
    """The content of a draft, item by item, each beside the current item of the book."""
    async with core.store.reading.connect() as connection:
        if await view.draft(connection, draft_id) is None:
            raise reject("unknown_id", "path.draft_id")
        held = await view.content(connection, draft_id)
    book = await current_book(core)
    start = int(after or 0)
    numbered = list(enumerate(held.placed(), start=1))
    page, following = cut(numbered[start : start + limit + 1], limit, lambda row: row[0])
    return DraftContentPage(
        items=[_item(book, place, item) for _, (place, item) in page],
        retirements=list(held.retirements),
        next=following,
    )


@router.post("/{draft_id}/publish", responses={200: {"model": PublishedBody}})
async def publish(draft_id: str, who: Keeper, write: Write, expected: ExpectedVersion) -> Response:
    """Publish a draft (发布) of another officer. `If-Match` takes a law book version."""

    async def handle(session: Session) -> Answer:
        published = await handlers.publish(session, officer(who), draft_id, expected)
        return Answer(200, PublishedBody.model_validate(published))

    return await write(who, handle)


@router.post("/{draft_id}/return", responses={200: {"model": DraftStatusBody}})
async def return_draft(draft_id: str, body: ReasonBody, who: Keeper, write: Write) -> Response:
    """Return a draft (退回) of another officer."""

    async def handle(session: Session) -> Answer:
        await handlers.return_draft(session, officer(who), draft_id, body.reason)
        return Answer(200, DraftStatusBody(draft_id=draft_id, status="returned"))

    return await write(who, handle)


@router.post("/{draft_id}/withdraw", responses={200: {"model": DraftStatusBody}})
async def withdraw_draft(draft_id: str, body: ReasonBody, who: Keeper, write: Write) -> Response:
    """Withdraw a draft (撤回) of the own department."""

    async def handle(session: Session) -> Answer:
        await handlers.withdraw_draft(session, officer(who), draft_id, body.reason)
        return Answer(200, DraftStatusBody(draft_id=draft_id, status="withdrawn"))

    return await write(who, handle)


def _item(book: LawBook, place: str, item: Item) -> DraftItemBody:
    current = book.published(kind_of(item), identity(item))
    found = differences(current, item) if current else []
    return DraftItemBody(
        place=place,
        kind=kind_of(item),
        item=item,
        new=current is None,
        differences=[DifferenceBody.model_validate(difference) for difference in found],
    )
