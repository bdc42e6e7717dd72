"""The private events of the initiator. The publication of an entry is public: `shared.contracts.listing.EntryPublished`."""

from typing import Any, ClassVar

from pydantic import Field

from shared.contracts.event import Contract, DepartmentId, DomainId, Event
from shared.contracts.listing import Entry, EntryPublished
from shared.contracts.vocabulary import Vocabulary

# --- entry


class EntryDrafted(Event):
    """An officer drafted an entry (起草). The law book of this version found no fault in it."""

    TYPE: ClassVar[str] = "initiator.entry.drafted.v1"
    entry: Entry
    by: str
    lawbook_version: int


class EntryRevised(Event):
    """A draft or a returned entry was replaced by a corrected one. It keeps its status."""

    TYPE: ClassVar[str] = "initiator.entry.revised.v1"
    entry: Entry
    by: str
    lawbook_version: int


class EntrySubmitted(Event):
    """The entry waits for the approval of another officer (提交审核)."""

    TYPE: ClassVar[str] = "initiator.entry.submitted.v1"
    by: str
    lawbook_version: int


class EntryReturned(Event):
    """An approver sent the entry back with a reason (退回). It may be revised and submitted again."""

    TYPE: ClassVar[str] = "initiator.entry.returned.v1"
    by: str
    reason: str


EntryEvent = EntryDrafted | EntryRevised | EntrySubmitted | EntryReturned | EntryPublished


# --- import


class WhyRefused(Contract):
    """A fault of the file as a whole."""

    code: str
    field: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)


class ImportReceived(Event):
    """A department sent a file. `digest` is its SHA-256, so that its content can be proved later. `size` is in bytes."""

    TYPE: ClassVar[str] = "initiator.import.received.v1"
    department: DepartmentId
    by: str
    file_name: str
    size: int
    digest: str


class ImportChecked(Event):
    """Every row was judged by the law book of this version. `good` rows may be published; `rows` = `good` + `rejected`.

    `hidden_rows`: those that the workbook does not show (hidden by hand or by a filter); they are counted among `rows`.
    """

    TYPE: ClassVar[str] = "initiator.import.checked.v1"
    rows: int
    good: int
    rejected: int
    domains: tuple[DomainId, ...]
    lawbook_version: int
    hidden_rows: int = 0


class ImportRefused(Event):
    """The file cannot be read, the work on it failed repeatedly, its approval is overdue, or its department withdrew it.

    `published`: rows that were published before the work failed; None when none was to be published yet.
    """

    TYPE: ClassVar[str] = "initiator.import.refused.v1"
    faults: tuple[WhyRefused, ...]
    by: str | None = None
    published: int | None = None


class ImportApproved(Event):
    """Another officer approved the publication of the good rows."""

    TYPE: ClassVar[str] = "initiator.import.approved.v1"
    by: str
    department: DepartmentId
    lawbook_version: int


class ImportFinished(Event):
    """Every row was published or rejected."""

    TYPE: ClassVar[str] = "initiator.import.finished.v1"
    published: int
    rejected: int


ImportEvent = ImportReceived | ImportChecked | ImportRefused | ImportApproved | ImportFinished


VOCABULARY = Vocabulary(
    (
        EntryDrafted,
        EntryRevised,
        EntrySubmitted,
        EntryReturned,
        ImportReceived,
        ImportChecked,
        ImportRefused,
        ImportApproved,
        ImportFinished,
    )
)
"""The private events of this service."""
