"""The private events of a subject's file (信用档案): what was recorded before anything follows from it.

What follows is public (shared/contracts/response.py) and in the same stream.
"""

from datetime import date
from typing import ClassVar

from services.registry.domain.reading import PersonRead, ReadingRefused
from shared.contracts.event import Contract, EntryId, Event, EventId
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Entry, Subject, Suspends
from shared.contracts.response import EndMode
from shared.contracts.vocabulary import Vocabulary


class FileEvent(Event):
    entry_id: EntryId
    list_event_id: EventId


class Publicity(Contract):
    """When the public may see an entry (公示), by the law book that was used; shared/lawbook/publicity.py."""

    allowed: bool
    """The entry asks to be public, and the law allows it."""
    from_day: date
    until: date | None
    """Its last day; None: no end. The entry may leave the list before."""

    def shown_on(self, day: date) -> bool:
        """Whether the entry is public on a day, while it is in force."""
        return self.allowed and self.from_day <= day and (self.until is None or day <= self.until)


class EntryRecorded(FileEvent):
    """An entry concerns this subject: as the listed one (no `roles`) or as a responsible person. Replaces an earlier record."""

    TYPE: ClassVar[str] = "registry.entry_recorded.v1"
    of: Subject
    entry: Entry
    roles: tuple[Role, ...]
    lawbook_version: int
    validated_by: int | None = None
    """The version of the law book that validated the publication or correction; None in older events."""
    law_day: date | None = None
    """The last day until then on which anything in the law book began or ended; None in older events."""
    publicity: Publicity | None = None
    """Of the listed subject; None in the file of a responsible person (not public), and in older events."""


class RoleDropped(FileEvent):
    """A correction no longer names this person as responsible."""

    TYPE: ClassVar[str] = "registry.role_dropped.v1"


class EntrySuspendedInFile(FileEvent):
    """The entry is suspended. It replaces an earlier suspension of the entry."""

    TYPE: ClassVar[str] = "registry.entry_suspended.v1"
    reason: str
    suspends: tuple[Suspends, ...] = (Suspends.MEASURES,)
    publicity_since: date | None = None
    """The day since which its publicity is suspended; None when it is not, and in older events."""


class EntryResumedInFile(FileEvent):
    TYPE: ClassVar[str] = "registry.entry_resumed.v1"
    reason: str


class EntryEndedInFile(FileEvent):
    """The entry is no longer in force from `ended_on` on; with the mode `from_beginning` it never was."""

    TYPE: ClassVar[str] = "registry.entry_ended.v1"
    mode: EndMode
    cause: Cause
    reason: str
    ended_on: date


class FileResolvedAgain(Event):
    """The law has changed since the file was last resolved, and something follows differently."""

    TYPE: ClassVar[str] = "registry.file_resolved_again.v1"
    before_lawbook_version: int
    lawbook_version: int
    law_day: date
    entries: tuple[EntryId, ...]
    """The entries for which anything changed."""


class PublicityChanged(Event):
    """The law has changed, and the publicity of an entry with it; or the entry is older than `EntryRecorded.publicity`."""

    TYPE: ClassVar[str] = "registry.publicity_changed.v1"
    entry_id: EntryId
    publicity: Publicity
    lawbook_version: int
    law_day: date


FileChange = EntryRecorded | RoleDropped | EntrySuspendedInFile | EntryResumedInFile | EntryEndedInFile

VOCABULARY = Vocabulary(
    [
        EntryRecorded,
        RoleDropped,
        EntrySuspendedInFile,
        EntryResumedInFile,
        EntryEndedInFile,
        FileResolvedAgain,
        PublicityChanged,
        PersonRead,
        ReadingRefused,
    ]
)
