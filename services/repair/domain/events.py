"""The private events of repair. Events for other services are published as `ListChange` (shared/contracts/listing.py)."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from services.repair.domain.content import Content, DecisionKind
from shared.contracts.event import DepartmentId, EntryId, Event
from shared.contracts.listing import (
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    Suspends,
)
from shared.contracts.policy import SuspensionBegins
from shared.contracts.vocabulary import Vocabulary


class HowLeft(StrEnum):
    """How an entry left its list."""

    REVOKED = "revoked"
    """It should never have been listed (撤销)."""
    REPAIRED = "repaired"
    """Credit repair (信用修复)."""
    ENDED = "ended"
    """Its term passed, the subject no longer qualifies, or it was withdrawn."""


class Ground(StrEnum):
    """What an objection says is wrong."""

    IDENTITY = "identity"
    """The subject is another one (主体有误)."""
    FACTS = "facts"
    """The conduct did not happen, or not so (事实有误)."""
    BASIS = "basis"
    """The law does not provide for the listing (依据有误)."""
    PROCEDURE = "procedure"
    """Notice, plea or decision were not as the law demands (程序违法)."""
    TERM = "term"
    """The term is wrong (期限有误)."""
    OTHER = "other"


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
    suspends_also: tuple[Suspends, ...] = ()
    """What else is suspended, by that policy: publicity, sharing."""
    suspension_begins: SuspensionBegins = SuspensionBegins.FILED
    """When the suspension begins, by that policy."""
    ground: Ground = Ground.OTHER
    new_evidence: str = ""
    """What was not known when an objection on the same ground was rejected."""
    filed_by: str = ""
    """The account that filed it, which does not decide it. Empty: filed before accounts were recorded."""
    received_by: DepartmentId | None = None
    verify_by: date | None
    """The last day to verify, by that policy (row 17). None where the policy gives no number of days (尽快)."""
    policy_id: str | None
    policy_version: int | None
    lawbook_version: int


class VerificationBegun(EntryEvent):
    """The verification of an objection has begun (信息核实期间)."""

    TYPE: ClassVar[str] = "repair.objection.verification_begun.v1"
    case_id: str


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
    filed_by: str = ""
    """The account that filed it, which does not decide it. Empty: filed before accounts were recorded."""
    earliest_on: date | None = None
    """The first day on which it can be granted, by the policy of the day of the request. None: no minimum applies."""


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


class DecisionMade(EntryEvent):
    """An officer decided, and another one must confirm it (决定待确认). Nothing has taken effect but the suspension."""

    TYPE: ClassVar[str] = "repair.decision.made.v1"
    decision_id: str
    content: Content
    account: str
    department: DepartmentId
    suspends: tuple[Suspends, ...]
    """What is suspended until it is confirmed or returned; empty where it can end no punishment."""
    lawbook_version: int


class DecisionConfirmed(EntryEvent):
    """Another officer confirmed the decision. The events that follow from it come next."""

    TYPE: ClassVar[str] = "repair.decision.confirmed.v1"
    decision_id: str
    kind: DecisionKind
    account: str
    department: DepartmentId


class DecisionReturned(EntryEvent):
    """The decision was returned unconfirmed: it has no effect."""

    TYPE: ClassVar[str] = "repair.decision.returned.v1"
    decision_id: str
    reason: str
    account: str
    department: DepartmentId


class DecisionLapsed(EntryEvent):
    """The entry left its list before the decision was confirmed, and the decision is about an entry on its list."""

    TYPE: ClassVar[str] = "repair.decision.lapsed.v1"
    decision_id: str
    because: HowLeft


OfCase = (
    ObjectionFiled
    | VerificationBegun
    | ObjectionUpheld
    | ObjectionRejected
    | RepairRequested
    | RepairRefused
    | CaseLapsed
)
OfDecision = DecisionMade | DecisionConfirmed | DecisionReturned | DecisionLapsed
PrivateEvent = EntryAdopted | OfCase | OfDecision
PublishedChange = EntryCorrected | EntrySuspended | EntryResumed | EntryRevoked | EntryRepaired | EntryEnded
EntryHistory = PrivateEvent | PublishedChange
"""Every event of a stream `entry-<entry_id>`."""

VOCABULARY = Vocabulary(
    (
        EntryAdopted,
        ObjectionFiled,
        VerificationBegun,
        ObjectionUpheld,
        ObjectionRejected,
        RepairRequested,
        RepairRefused,
        CaseLapsed,
        DecisionMade,
        DecisionConfirmed,
        DecisionReturned,
        DecisionLapsed,
    )
)
