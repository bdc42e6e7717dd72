"""A draft (草案): one officer files it, another publishes it (four eyes). Until then nobody is bound by it.

What it holds is judged when it is filed, and again when it is published: the book may have moved on in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, assert_never

from services.catalogue.domain.content import Content, pieces
from shared.contracts.event import Contract, DepartmentId, Event
from shared.rejection import reject


class Officer(Contract):
    """Who acts: an account of a department."""

    subject: str
    department: DepartmentId | None


class DraftFiled(Event):
    """A draft begins; what it holds follows in pieces, in the same transaction."""

    TYPE: ClassVar[str] = "catalogue.draft.filed.v1"
    title: str
    officer: Officer


class DraftGrew(Event):
    """A piece of what the draft holds."""

    TYPE: ClassVar[str] = "catalogue.draft.grew.v1"
    content: Content


class DraftPublished(Event):
    """A second officer put it into the book, whose version it was then."""

    TYPE: ClassVar[str] = "catalogue.draft.published.v1"
    officer: Officer
    lawbook_version: int


class DraftReturned(Event):
    """A second officer gave it back (退回)."""

    TYPE: ClassVar[str] = "catalogue.draft.returned.v1"
    officer: Officer
    reason: str


class DraftWithdrawn(Event):
    """Its own department took it back (撤回)."""

    TYPE: ClassVar[str] = "catalogue.draft.withdrawn.v1"
    officer: Officer
    reason: str


PRIVATE_EVENTS: tuple[type[Event], ...] = (DraftFiled, DraftGrew, DraftPublished, DraftReturned, DraftWithdrawn)


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such draft."""


@dataclass(frozen=True, slots=True)
class Open:
    """It waits for a second officer."""

    by: Officer
    title: str
    content: Content


@dataclass(frozen=True, slots=True)
class Closed:
    """It was published, returned or withdrawn."""

    status: str


Draft = Missing | Open | Closed
INITIAL: Draft = Missing()


@dataclass(frozen=True, slots=True)
class File:
    by: Officer
    title: str
    content: Content


@dataclass(frozen=True, slots=True)
class Enact:
    """What publishes it; the book is written in the same transaction."""

    by: Officer
    lawbook_version: int


@dataclass(frozen=True, slots=True)
class Return:
    by: Officer
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: Officer
    reason: str


Command = File | Enact | Return | Withdraw


def decide(draft: Draft, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `draft_exists`, `unknown_id`, `draft_closed`, `same_officer`, `not_own_draft`."""
    del now
    if isinstance(command, File):
        if not isinstance(draft, Missing):
            raise reject("draft_exists")
        grown = [DraftGrew(content=piece) for piece in pieces(command.content)]
        return [DraftFiled(title=command.title, officer=command.by), *grown]
    waiting = opened(draft)
    match command:
        case Enact():
            second_officer(waiting, command.by)
            return [DraftPublished(officer=command.by, lawbook_version=command.lawbook_version)]
        case Return():
            second_officer(waiting, command.by)
            return [DraftReturned(officer=command.by, reason=command.reason)]
        case Withdraw():
            if waiting.by.department != command.by.department:
                raise reject("not_own_draft")
            return [DraftWithdrawn(officer=command.by, reason=command.reason)]
        case _:
            assert_never(command)


def opened(draft: Draft) -> Open:
    """The draft, if it waits. Raises Rejected."""
    match draft:
        case Missing():
            raise reject("unknown_id", "path.draft_id")
        case Closed():
            raise reject("draft_closed", status=draft.status)
        case Open():
            return draft
        case _:
            assert_never(draft)


def second_officer(draft: Open, officer: Officer) -> None:
    """Four eyes: whoever filed it does not decide about it, from whatever department he acts now."""
    if draft.by.subject == officer.subject:
        raise reject("same_officer")


def evolve(draft: Draft, event: Event) -> Draft:
    match event:
        case DraftFiled():
            return Open(event.officer, event.title, Content())
        case DraftGrew() if isinstance(draft, Open):
            return Open(draft.by, draft.title, draft.content + event.content)
        case DraftPublished():
            return Closed("published")
        case DraftReturned():
            return Closed("returned")
        case DraftWithdrawn():
            return Closed("withdrawn")
        case _:
            return draft
