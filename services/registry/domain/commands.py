"""The commands of a subject's file. They come from list events (reactions) and from a change of the law (jobs)."""

from dataclasses import dataclass
from datetime import date

from services.registry.domain.file import LineInFile
from shared.contracts.event import EntryId, EventId
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Entry, Subject, Suspends
from shared.contracts.response import EndMode
from shared.lawbook.book import LawBook

PUBLISHED = "list.entry.published.v1"


@dataclass(frozen=True, slots=True)
class Trigger:
    """The list event that is being processed, and the law book by which it is processed."""

    list_event_id: EventId
    list_event_type: str
    book: LawBook
    validated_by: int | None = None
    """The version of the book that validated the list event; None: the version of `book`."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry was published or corrected, and it concerns this subject."""

    trigger: Trigger
    of: Subject
    entry: Entry
    roles: tuple[Role, ...] = ()
    """The roles in which the subject is responsible; empty: it is the listed subject."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A correction no longer names this person."""

    trigger: Trigger
    entry_id: EntryId


@dataclass(frozen=True, slots=True)
class Suspend:
    trigger: Trigger
    entry_id: EntryId
    reason: str
    suspends: tuple[Suspends, ...] = (Suspends.MEASURES,)


@dataclass(frozen=True, slots=True)
class Resume:
    trigger: Trigger
    entry_id: EntryId
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    trigger: Trigger
    entry_id: EntryId
    mode: EndMode
    cause: Cause
    reason: str
    ended_on: date


@dataclass(frozen=True, slots=True)
class Settle:
    """All files that the list event concerns are processed."""

    trigger: Trigger
    entry_id: EntryId
    others: tuple[LineInFile, ...]
    """The lines of the entry in the files of responsible persons."""


@dataclass(frozen=True, slots=True)
class ResolveAgain:
    """The law book has changed, or a day has come on which something in it begins or ends."""

    book: LawBook


Change = Record | Drop | Suspend | Resume | End
Command = Change | Settle | ResolveAgain
