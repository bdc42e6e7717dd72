"""The commands of the catalogue: file a draft; publish, return or withdraw it; confirm example settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from uuid_utils import uuid7

from services.catalogue.domain.book import BOOK, BOOK_ID, Confirm, Publish, changes, require_credit_office
from services.catalogue.domain.content import Content, Retirement, Submission
from services.catalogue.domain.drafts import (
    DRAFT,
    ClosePublished,
    FileDraft,
    Return,
    Withdraw,
    require_open,
    require_second_officer,
)
from services.catalogue.domain.events import Officer
from shared.calendar.working_days import today
from shared.contracts.lawbook_events import (
    ItemRetired,
    LawbookChange,
    SettingsConfirmed,
)
from shared.eventstore import Session
from shared.lawbook.items import identity, items_of, kind_of, version_of


@dataclass(frozen=True, slots=True)
class Filed:
    """The result of filing."""

    draft_id: str | None
    """None when the book has all of it already, so that there is nothing to decide."""
    lawbook_version: int
    """The version of the law book by which it was validated."""
    changes: int
    """How many items are new, changed or retired."""
    unchanged: list[str]
    """Ids of the items that the book has already."""


@dataclass(frozen=True, slots=True)
class Published:
    """The result of publishing: the new version of the law book, and ids of items."""

    lawbook_version: int
    published: list[str]
    retired: list[str]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The result of confirming: the new version of the law book, and how many settings were confirmed."""

    lawbook_version: int
    settings: int


async def file_draft(session: Session, by: Officer, submission: Submission) -> Filed:
    """File a draft of what the book does not have yet. Raises Rejected with every fault of every item."""
    book = await session.state(BOOK, BOOK_ID)
    new = changes(book, Publish(submission.items, by.department, submission.ends), today(session.now))
    content = _content(new)
    draft_id: str | None = None
    if new:
        draft_id = str(uuid7())
        session.fresh(DRAFT, draft_id)
        await session.do(DRAFT, draft_id, FileDraft(by, submission.title, content))
    return Filed(
        draft_id=draft_id,
        lawbook_version=await session.version(BOOK, BOOK_ID),
        changes=len(content),
        unchanged=_unchanged(submission, content),
    )


def _content(changes: Sequence[LawbookChange]) -> Content:
    """The items and retirements of these changes. What the book has already is not part of the draft."""
    ends = [
        Retirement(kind=change.kind, item_id=change.item_id, last_day=change.last_day, reason=change.reason)
        for change in changes
        if isinstance(change, ItemRetired)
    ]
    return Content.of([item for change in changes for item in items_of(change)], ends)


def _unchanged(submission: Submission, content: Content) -> list[str]:
    """Ids of the submitted items that are not in the draft."""
    new = {(kind_of(placed.item), identity(placed.item), version_of(placed.item)) for placed in content.placed()}
    return [
        identity(item) for _, item in submission.items if (kind_of(item), identity(item), version_of(item)) not in new
    ]


async def publish(session: Session, by: Officer, draft_id: str, expected: int | None) -> Published:
    """Add the content of a draft to the book. `expected`: the version of the law book that the caller has read, if given.

    Raises Rejected: the same officer as the one who filed it, or every fault by the book of today.
    """
    await session.expect(BOOK, BOOK_ID, expected)
    draft = require_open(await session.state(DRAFT, draft_id))
    require_second_officer(draft, by)
    events = await session.do(BOOK, BOOK_ID, Publish.content(draft.content, by.department))
    version = await session.version(BOOK, BOOK_ID)
    await session.do(DRAFT, draft_id, ClosePublished(by, version))
    entered = [cast("LawbookChange", event) for event in events]
    return Published(
        lawbook_version=version,
        published=[identity(item) for change in entered for item in items_of(change)],
        retired=[change.item_id for change in entered if isinstance(change, ItemRetired)],
    )


async def return_draft(session: Session, by: Officer, draft_id: str, reason: str) -> None:
    """Return a draft of another officer. Raises Rejected: not a credit office, or from the decider."""
    require_credit_office(await session.state(BOOK, BOOK_ID), by.department)
    await session.do(DRAFT, draft_id, Return(by, reason))


async def withdraw_draft(session: Session, by: Officer, draft_id: str, reason: str) -> None:
    """Withdraw a draft of the own department. Raises Rejected from the decider."""
    await session.do(DRAFT, draft_id, Withdraw(by, reason))


async def confirm(session: Session, command: Confirm, expected: int | None) -> Confirmed:
    """Confirm example settings. Raises Rejected with every setting that is not an open example setting."""
    await session.expect(BOOK, BOOK_ID, expected)
    events = await session.do(BOOK, BOOK_ID, command)
    settings = sum(len(cast("SettingsConfirmed", event).settings) for event in events)
    return Confirmed(lawbook_version=await session.version(BOOK, BOOK_ID), settings=settings)
