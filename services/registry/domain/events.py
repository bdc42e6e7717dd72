"""What the registry notes in a subject's file (信用档案) before it concludes anything: its private events.

What it concludes from them are public events (shared/contracts/response.py), in the same stream.
"""

from datetime import date
from typing import ClassVar

from shared.contracts.event import EntryId, Event, EventId
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Entry, Subject
from shared.contracts.response import EndMode
from shared.contracts.vocabulary import Vocabulary


class FileEvent(Event):
    entry_id: EntryId
    list_event_id: EventId


class EntryRecorded(FileEvent):
    """An entry touches this subject: as the listed one (no `roles`) or as a responsible person. Replaces what stood."""

    TYPE: ClassVar[str] = "registry.entry_recorded.v1"
    of: Subject
    entry: Entry
    roles: tuple[Role, ...]
    lawbook_version: int
    validated_by: int | None = None
    """The version of the law book that validated the publication or correction; none in events of before."""
    law_day: date | None = None
    """The last day by then on which anything in the law book began or ended; none in events of before."""


class RoleDropped(FileEvent):
    """A correction says that this person is not responsible after all."""

    TYPE: ClassVar[str] = "registry.role_dropped.v1"


class EntrySuspendedInFile(FileEvent):
    TYPE: ClassVar[str] = "registry.entry_suspended.v1"
    reason: str


class EntryResumedInFile(FileEvent):
    TYPE: ClassVar[str] = "registry.entry_resumed.v1"
    reason: str


class EntryEndedInFile(FileEvent):
    """The entry is in force no longer: from `ended_on` on, or (mode from the beginning) it never was."""

    TYPE: ClassVar[str] = "registry.entry_ended.v1"
    mode: EndMode
    cause: Cause
    reason: str
    ended_on: date


class FileResolvedAgain(Event):
    """The law is another than when the file was resolved last, and something in it follows differently."""

    TYPE: ClassVar[str] = "registry.file_resolved_again.v1"
    before_lawbook_version: int
    lawbook_version: int
    law_day: date
    entries: tuple[EntryId, ...]
    """Those for which anything changed."""


FileChange = EntryRecorded | RoleDropped | EntrySuspendedInFile | EntryResumedInFile | EntryEndedInFile

VOCABULARY = Vocabulary(
    [EntryRecorded, RoleDropped, EntrySuspendedInFile, EntryResumedInFile, EntryEndedInFile, FileResolvedAgain]
)
