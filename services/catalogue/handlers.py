"""The command of the catalogue: publish a list of items of one kind."""

from collections.abc import Sequence
from typing import cast

from pydantic import BaseModel, Field

from services.catalogue.domain import INITIAL, Item, Publish, decide, evolve, identity, item_of, version_of
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import LawbookChange
from shared.eventstore import Decider, Session
from shared.lawbook.book import LawBook
from shared.web.writing import Answer

BOOK: Decider[LawBook, Publish] = Decider("lawbook", INITIAL, decide, evolve)
BOOK_ID = "book"
"""There is one law book, one stream: `lawbook-book`."""


class Published(BaseModel):
    """What came of a list of items."""

    lawbook_version: int = Field(description="The version of the law book now")
    published: list[str] = Field(description="Ids of the items that were new or changed")
    unchanged: list[str] = Field(description="Ids of the items that the book held already")


async def publish(
    session: Session, by: DepartmentId | None, items: Sequence[Item], expected: int | None = None
) -> Answer:
    """201 when something was published, 200 when the book held it all. Raises Rejected with every fault of every item."""
    await session.expect(BOOK, BOOK_ID, expected)
    events = await session.do(BOOK, BOOK_ID, Publish(tuple(items), by))
    entered = [item_of(cast("LawbookChange", event)) for event in events]
    new = {(identity(item), version_of(item)) for item in entered}
    body = Published(
        lawbook_version=await session.version(BOOK, BOOK_ID),
        published=[identity(item) for item in entered],
        unchanged=[identity(item) for item in items if (identity(item), version_of(item)) not in new],
    )
    return Answer(201 if entered else 200, body)
