"""The private events of repair. Events for other services are published as `ListChange` (shared/contracts/listing.py)."""

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
    """It should never have been listed (撤销)."""
    REPAIRED = "repaired"
    """Credit repair (信用修复)."""
    ENDED = "ended"
    """Its term passed, the subject no longer qualifies, or it was withdrawn."""


class EntryEvent(Event):
    """A private event of one entry."""

    entry_id: EntryId


class EntryAdopted(EntryEvent):
    """The publication was read: from now on this service is the only writer of the entry."""

    TYPE: ClassVar[str] = "repair.entry.adopted.v1"
    entry: Entry
    lawbook_version: int
    published_as: str
    """The id of the event with which the initiator published it."""


class ObjectionFiled(EntryEvent):
    """An objection (异议), a complaint or an own finding: the record must be verified (row 16)."""

    TYPE: ClassVar[str] = "repair.objection.filed.v1"
    case_id: str
    reason: str
    suspends: bool
    """Whether the measures are suspended while this case is open, by the policy of the day of filing."""
    verify_by: date | None
    """The last day to verify, by that policy (row 17). None where the policy gives no number of days (尽快)."""
    policy_id: str | None
    policy_version: int | None
    lawbook_version: int


class ObjectionUpheld(EntryEvent):
    """The record was wrong (异议成立). A revocation or a correction follows."""

    TYPE: ClassVar[str] = "repair.objection.upheld.v1"
    case_id: str
    reason: str
    document_number: str
    outcome: Literal["revoked", "corrected"]


class ObjectionRejected(EntryEvent):
    """The record was verified and is right (异议不成立)."""

    TYPE: ClassVar[str] = "repair.objection.rejected.v1"
    case_id: str
    reason: str


class RepairRequested(EntryEvent):
    """Repair (信用修复) was requested, with evidence that the conduct was put right (row 15)."""

    TYPE: ClassVar[str] = "repair.repair.requested.v1"
    case_id: str
    reason: str
    evidence: str


class RepairRefused(EntryEvent):
    """Repair was refused, with the reason. It may be requested again."""

    TYPE: ClassVar[str] = "repair.repair.refused.v1"
    case_id: str
    reason: str


class CaseLapsed(EntryEvent):
    """An open case has lost its object, because of how the entry left the list."""

    TYPE: ClassVar[str] = "repair.case.lapsed.v1"
    case_id: str
    because: HowLeft


PrivateEvent = (
    EntryAdopted | ObjectionFiled | ObjectionUpheld | ObjectionRejected | RepairRequested | RepairRefused | CaseLapsed
)
PublishedChange = EntryCorrected | EntrySuspended | EntryResumed | EntryRevoked | EntryRepaired | EntryEnded
EntryHistory = PrivateEvent | PublishedChange
"""Every event of a stream `entry-<entry_id>`."""

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
