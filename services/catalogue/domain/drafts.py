"""The aggregate of a draft (草案): one officer files it, another publishes it (four eyes). Until then it has no effect.

Its content is validated when it is filed, and again when it is published, because the book may have changed in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from services.catalogue.domain.content import Content, pieces
from services.catalogue.domain.events import (
    DraftFiled,
    DraftGrew,
    DraftPublished,
    DraftReturned,
    DraftWithdrawn,
    Officer,
)
from shared.contracts.event import Event
from shared.decider import Decider
from shared.rejection import reject
from shared.trust.principal import same_account


@dataclass(frozen=True, slots=True)
class Missing:
    """No draft has this id."""


@dataclass(frozen=True, slots=True)
class Open:
    """The draft waits for a second officer."""

    by: Officer
    title: str
    content: Content


@dataclass(frozen=True, slots=True)
class Closed:
    """The draft was published, returned or withdrawn."""

    status: str


Draft = Missing | Open | Closed
INITIAL: Draft = Missing()


@dataclass(frozen=True, slots=True)
class FileDraft:
    """File a draft."""

    by: Officer
    title: str
    content: Content


@dataclass(frozen=True, slots=True)
class ClosePublished:
    """Close the draft as published. The book is changed in the same transaction."""

    by: Officer
    lawbook_version: int


@dataclass(frozen=True, slots=True)
class Return:
    """Return a draft of another officer."""

    by: Officer
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Withdraw a draft of the own department."""

    by: Officer
    reason: str


Command = FileDraft | ClosePublished | Return | Withdraw


def decide(draft: Draft, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `draft_exists`, `unknown_id`, `draft_closed`, `four_eyes`, `forbidden_department`."""
    del now
    if isinstance(command, FileDraft):
        if not isinstance(draft, Missing):
            raise reject("draft_exists")
        grown = [DraftGrew(content=piece) for piece in pieces(command.content)]
        return [DraftFiled(title=command.title, officer=command.by), *grown]
    waiting = require_open(draft)
    match command:
        case ClosePublished():
            require_second_officer(waiting, command.by)
            return [DraftPublished(officer=command.by, lawbook_version=command.lawbook_version)]
        case Return():
            require_second_officer(waiting, command.by)
            return [DraftReturned(officer=command.by, reason=command.reason)]
        case Withdraw():
            if waiting.by.department != command.by.department:
                raise reject("forbidden_department")
            return [DraftWithdrawn(officer=command.by, reason=command.reason)]
        case _:
            assert_never(command)


def require_open(draft: Draft) -> Open:
    """The open draft. Raises Rejected: `unknown_id`, `draft_closed`."""
    match draft:
        case Missing():
            raise reject("unknown_id", "path.draft_id")
        case Closed():
            raise reject("draft_closed", status=draft.status)
        case Open():
            return draft
        case _:
            assert_never(draft)


def require_second_officer(draft: Open, officer: Officer) -> None:
    """Four eyes: the officer who filed a draft does not decide about it, in any department. Raises Rejected: `four_eyes`."""
    if same_account(draft.by.subject, officer.subject):
        raise reject("four_eyes")


def evolve(draft: Draft, event: Event) -> Draft:
    """The draft after one of its events."""
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


DRAFT: Decider[Draft, Command] = Decider("draft", INITIAL, decide, evolve)
"""Streams `draft-<draft_id>`."""
