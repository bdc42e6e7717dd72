"""What the catalogue answers, and who may ask for what."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from services.catalogue.handlers import BOOK, BOOK_ID
from services.catalogue.views.items import Change, Edition
from shared.contracts.lawbook import ItemKind
from shared.eventstore import Metadata, Session
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import founding_credit_office, require

Keeper = Annotated[Principal, Depends(founding_credit_office)]
"""An officer with the role of the credit office; of which department, the book decides."""
Overseer = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))]
"""Who sees drafts."""
Limit = Annotated[int, Query(ge=1, le=1000)]


class Page(BaseModel):
    """Items by id. The list goes on behind `next`, when there is one."""

    items: list[Item]
    next: str | None
    lawbook_version: int


class EditionAnswer(BaseModel):
    """An item as it stood after a change of the law book."""

    lawbook_version: int
    kind: ItemKind
    change: Change = Field(description="What was done: published, retired, or example settings confirmed")
    said: str | None = Field(description="The reason of a retirement, the note of a confirmation")
    published_at: datetime
    item: Item


class BookVersion(BaseModel):
    lawbook_version: int


def edition_answer(edition: Edition) -> EditionAnswer:
    return EditionAnswer(
        lawbook_version=edition.lawbook_version,
        kind=edition.kind,
        change=edition.change,
        said=edition.said,
        published_at=edition.published_at,
        item=edition.item,
    )


async def book_now(core: Core) -> LawBook:
    """The law book as it stands, from its stream; the store remembers it between requests."""
    session = Session(core.store, core.clock.now(), Metadata("reader"))
    return await session.state(BOOK, BOOK_ID)
