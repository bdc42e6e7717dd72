"""The commands of the catalogue: file a draft, publish, return or withdraw it, confirm example settings."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel, Field
from uuid_utils import uuid7

from services.catalogue.domain import book, drafts
from services.catalogue.domain.book import Confirm, Publish, changes, only_a_credit_office
from services.catalogue.domain.content import Content, Placed, PlacedEnd, Retirement
from services.catalogue.domain.drafts import Draft, Enact, File, Officer, Return, Withdraw, opened, second_officer
from shared.calendar.working_days import today
from shared.contracts.lawbook_events import ItemRetired, LawbookChange, SettingsConfirmed
from shared.decider import Decider
from shared.eventstore import Session
from shared.lawbook.book import LawBook
from shared.lawbook.items import identity, items_of, kind_of, version_of
from shared.trust import Principal
from shared.web.writing import Answer

BOOK: Decider[LawBook, book.Command] = Decider("lawbook", book.INITIAL, book.decide, book.evolve)
DRAFT: Decider[Draft, drafts.Command] = Decider("draft", drafts.INITIAL, drafts.decide, drafts.evolve)
BOOK_ID = "book"
"""There is one law book, one stream: `lawbook-book`."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What an officer hands in, each thing with its place in it."""

    title: str
    items: tuple[Placed, ...]
    ends: tuple[PlacedEnd, ...] = ()


class Filed(BaseModel):
    """A draft that waits for a second officer; without an id, the book held it all and there is nothing to decide."""

    draft_id: str | None
    status: str = Field(description="`open`, or `nothing_new`")
    lawbook_version: int = Field(description="The version of the law book by which it was judged")
    changes: int = Field(description="How many items are new or changed, or are to end")
    unchanged: list[str] = Field(description="Ids of the items that the book holds already")


class Published(BaseModel):
    """What came of a draft."""

    lawbook_version: int = Field(description="The version of the law book now")
    published: list[str] = Field(description="Ids of the items that were new or changed")
    retired: list[str] = Field(description="Ids of the items that end")


class DraftStatus(BaseModel):
    draft_id: str
    status: str


class Confirmed(BaseModel):
    """How many settings are examples no longer."""

    lawbook_version: int
    settings: int


async def file(session: Session, who: Principal, submission: Submission) -> Answer:
    """201 with the draft, 200 when the book held it all. Raises Rejected with every fault of every item."""
    held = await session.state(BOOK, BOOK_ID)
    command = Publish(submission.items, who.department, submission.ends)
    found = changes(held, command, today(session.now))
    version = await session.version(BOOK, BOOK_ID)
    content = _content(found)
    new = {(kind_of(placed.item), identity(placed.item), version_of(placed.item)) for placed in content.placed()}
    unchanged: list[str] = [
        identity(item) for _, item in submission.items if (kind_of(item), identity(item), version_of(item)) not in new
    ]
    filed = Filed(
        draft_id=None, status="nothing_new", lawbook_version=version, changes=len(content), unchanged=unchanged
    )
    if not found:
        return Answer(200, filed)
    draft_id = str(uuid7())
    session.fresh(DRAFT, draft_id)
    await session.do(DRAFT, draft_id, File(officer(who), submission.title, content))
    return Answer(201, filed.model_copy(update={"draft_id": draft_id, "status": "open"}))


def _content(found: Iterable[LawbookChange]) -> Content:
    """What is new of it: what the book holds already is no part of the draft."""
    changes = tuple(found)
    ends = [
        Retirement(kind=change.kind, item_id=change.item_id, last_day=change.last_day, reason=change.reason)
        for change in changes
        if isinstance(change, ItemRetired)
    ]
    return Content.of([item for change in changes for item in items_of(change)], ends)


async def publish(session: Session, who: Principal, draft_id: str, expected: int | None) -> Answer:
    """What the draft holds enters the book. Raises Rejected: four eyes, or faults that the book gives it by now."""
    await session.expect(BOOK, BOOK_ID, expected)
    draft = opened(await session.state(DRAFT, draft_id))
    second_officer(draft, officer(who))
    events = await session.do(BOOK, BOOK_ID, Publish.content(draft.content, who.department))
    version = await session.version(BOOK, BOOK_ID)
    await session.do(DRAFT, draft_id, Enact(officer(who), version))
    entered = [cast("LawbookChange", event) for event in events]
    body = Published(
        lawbook_version=version,
        published=[identity(item) for change in entered for item in items_of(change)],
        retired=[change.item_id for change in entered if isinstance(change, ItemRetired)],
    )
    return Answer(200, body)


async def give_back(session: Session, who: Principal, draft_id: str, reason: str) -> Answer:
    only_a_credit_office(await session.state(BOOK, BOOK_ID), who.department)
    await session.do(DRAFT, draft_id, Return(officer(who), reason))
    return Answer(200, DraftStatus(draft_id=draft_id, status="returned"))


async def withdraw(session: Session, who: Principal, draft_id: str, reason: str) -> Answer:
    await session.do(DRAFT, draft_id, Withdraw(officer(who), reason))
    return Answer(200, DraftStatus(draft_id=draft_id, status="withdrawn"))


async def confirm(session: Session, command: Confirm, expected: int | None) -> Answer:
    """Raises Rejected with every setting that is none, or is no example."""
    await session.expect(BOOK, BOOK_ID, expected)
    events = await session.do(BOOK, BOOK_ID, command)
    settings = sum(len(cast("SettingsConfirmed", event).settings) for event in events)
    return Answer(200, Confirmed(lawbook_version=await session.version(BOOK, BOOK_ID), settings=settings))


def officer(who: Principal) -> Officer:
    return Officer(subject=who.subject, department=who.department)
