"""What repair records for itself. What others need to know, it publishes as `ListChange` (shared/contracts/listing.py)."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from shared.contracts.event import EntryId, Event
from shared.contracts.listing import (
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
)
from shared.contracts.vocabulary import Vocabulary


class HowLeft(StrEnum):
    """How an entry left its list."""

    REVOKED = "revoked"
    """It should never have been there (撤销)."""
    REPAIRED = "repaired"
    """Credit repair (信用修复)."""
    ENDED = "ended"
    """Its term passed, the subject no longer qualifies, or it was withdrawn."""


class EntryEvent(Event):
    """A private event of one entry."""

    entry_id: EntryId


class EntryAdopted(EntryEvent):
    """The publication was read: from here on the entry has one writer, this service."""

    TYPE: ClassVar[str] = "repair.entry.adopted.v1"
    entry: Entry
    lawbook_version: int
    published_as: str
    """The id of the event by which the initiator published it."""


class ObjectionFiled(EntryEvent):
    """An objection (异议), a complaint or an own finding: the record is to be verified (row 16)."""

    TYPE: ClassVar[str] = "repair.objection.filed.v1"
    case_id: str
    reason: str
    suspends: bool
    """Whether the measures rest while this case is open; decided by the policy of the day of filing."""
    verify_by: date | None
    """The last day to verify, by that policy (row 17); none where the policy sets no number of days (尽快)."""
    policy_id: str | None
    policy_version: int | None
    lawbook_version: int


class ObjectionUpheld(EntryEvent):
    """The record was wrong (异议成立); what follows is a revocation or a correction."""

    TYPE: ClassVar[str] = "repair.objection.upheld.v1"
    case_id: str
    reason: str
    document_number: str
    outcome: Literal["revoked", "corrected"]


class ObjectionRejected(EntryEvent):
    """The record was verified and stands (异议不成立)."""

    TYPE: ClassVar[str] = "repair.objection.rejected.v1"
    case_id: str
    reason: str


class RepairRequested(EntryEvent):
    """Repair (信用修复) was asked for, with what shows that the conduct was put right (row 15)."""

    TYPE: ClassVar[str] = "repair.repair.requested.v1"
    case_id: str
    reason: str
    evidence: str


class RepairRefused(EntryEvent):
    """Repair was refused, with the reason; it may be asked for again."""

    TYPE: ClassVar[str] = "repair.repair.refused.v1"
    case_id: str
    reason: str


class CaseLapsed(EntryEvent):
    """An open case has no object any more, because of how the entry left the list."""

    TYPE: ClassVar[str] = "repair.case.lapsed.v1"
    case_id: str
    because: HowLeft


PrivateEvent = (
    EntryAdopted | ObjectionFiled | ObjectionUpheld | ObjectionRejected | RepairRequested | RepairRefused | CaseLapsed
)
PublishedChange = EntryCorrected | EntrySuspended | EntryResumed | EntryRevoked | EntryRepaired | EntryEnded
EntryHistory = PrivateEvent | PublishedChange
"""All that a stream `entry-<entry_id>` holds."""

VOCABULARY = Vocabulary(
    (
        EntryAdopted,
        ObjectionFiled,
        ObjectionUpheld,
        ObjectionRejected,
        RepairRequested,
        RepairRefused,
        CaseLapsed,
    )
)
