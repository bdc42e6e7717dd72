"""List entries and their changes: the topic `liandong.list`.

The initiator writes `EntryPublished`. From then on repair is the only writer of the entry and publishes every later change.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.event import Contract, DepartmentId, DomainId, EntryId, PublicEvent, SubjectKey, Topic
from shared.contracts.lawbook import (
    ListKind,
    Role,
    SubjectKind,
)


class Subject(Contract):
    """A subject. The number of a natural person is only in `sealed_number`, encrypted; never in the key."""

    key: SubjectKey
    kind: SubjectKind
    name: str = Field(description="The name; for a natural person masked (示＊)")
    sealed_name: str | None = None
    sealed_number: str | None = None


class ResponsiblePerson(Contract):
    """A person held responsible for the listed conduct (责任人员): a subject of its own (row 9)."""

    subject: Subject
    role: Role


class Decision(Contract):
    """The decision of an authority that is the ground of the entry (认定决定)."""

    document_number: str
    decided_by: DepartmentId
    decided_on: date
    facts: str
    legal_basis: str
    act_ended_on: date | None = Field(default=None, description="End of the conduct (失信行为终止之日)")


class Notice(Contract):
    """Prior notice (事先告知) and plea (陈述申辩)."""

    served_on: date
    plea_until: date
    plea_heard: str = ""


class Origin(StrEnum):
    """The origin of a list."""

    OWN = "own"
    RECOGNISED = "recognised"
    """Listed by an upper level or another region, and recognised here (互认)."""
    THIRD_PARTY = "third_party"
    """Of a bank, association or agency (第三方): for reference only; it never directs a measure (row 24)."""


class Entry(Contract):
    """A list entry (名单条目) as published."""

    entry_id: EntryId
    list_kind: ListKind
    domain_id: DomainId
    grade: str | None = None
    subject: Subject
    responsible: tuple[ResponsiblePerson, ...] = ()
    initiated_by: DepartmentId
    published_by: DepartmentId
    decision: Decision
    notice: Notice | None = None
    jurisdiction: str = Field(description="GB/T 2260 code of the region whose policy applies")
    term_from: date
    term_to: date | None = Field(default=None, description="Last day of the term; null means no end")
    public: bool = Field(description="Decided separately from listing; a watch entry is never public")
    able_but_unwilling: bool = False
    origin: Origin = Origin.OWN

    @property
    def names_persons(self) -> bool:
        """Whether it holds a record of a natural person: of the subject or of a responsible person."""
        return self.subject.kind is SubjectKind.PERSON or bool(self.responsible)


class Cause(StrEnum):
    """Why an entry changed or left the list."""

    ERROR = "error"  # 认定有误
    OBJECTION_UPHELD = "objection_upheld"  # 异议成立
    RECONSIDERATION = "reconsideration"  # 行政复议
    LITIGATION = "litigation"  # 行政诉讼
    REPAIR = "repair"  # 信用修复
    TERM = "term"  # 期限届满
    NO_LONGER_QUALIFIES = "no_longer_qualifies"  # 不再符合条件
    WITHDRAWN = "withdrawn"  # 退出


class ListEvent(PublicEvent):
    """An event of an entry. Its key is the listed subject, whose events arrive in order."""

    TOPIC: ClassVar[Topic] = Topic.LIST
    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int = Field(description="The law book version by which the command was validated")

    @property
    def partition_key(self) -> str:
        return self.subject


class EntryPublished(ListEvent):
    TYPE: ClassVar[str] = "list.entry.published.v1"
    entry: Entry
    import_id: str | None = None


class EntryCorrected(ListEvent):
    """The content of the entry changed; the entry stays. `entry` is the full content, valid from the beginning."""

    TYPE: ClassVar[str] = "list.entry.corrected.v1"
    entry: Entry
    cause: Cause
    reason: str
    document_number: str


class Suspends(StrEnum):
    """What can be suspended while a record is verified, or while a decision to end it awaits confirmation (row 16)."""

    MEASURES = "measures"
    """Punishments; rewards are never suspended."""
    PUBLICITY = "publicity"
    SHARING = "sharing"


class EntrySuspended(ListEvent):
    """Open cases or unconfirmed decisions suspend the entry (row 16). It replaces an earlier suspension of the entry."""

    TYPE: ClassVar[str] = "list.entry.suspended.v1"
    case_id: str
    reason: str
    suspends: tuple[Suspends, ...] = Field(
        default=(Suspends.MEASURES,), description="Everything that is suspended from now on; never empty"
    )
    received_by: DepartmentId | None = Field(
        default=None, description="The department that received the objection or made the decision"
    )


class EntryResumed(ListEvent):
    """Nothing suspends the entry any more, and the entry stays."""

    TYPE: ClassVar[str] = "list.entry.resumed.v1"
    case_id: str
    reason: str


class EntryRevoked(ListEvent):
    """The entry was wrong from the beginning: its effects end from the beginning (row 18)."""

    TYPE: ClassVar[str] = "list.entry.revoked.v1"
    cause: Cause
    reason: str
    document_number: str


class EntryRepaired(ListEvent):
    """Credit repair (信用修复, row 15): effects end from now on. Only for black and watch entries."""

    TYPE: ClassVar[str] = "list.entry.repaired.v1"
    case_id: str
    reason: str
    document_number: str


class EntryEnded(ListEvent):
    """The term ended, or the subject no longer qualifies (row 14): effects end from now on."""

    TYPE: ClassVar[str] = "list.entry.ended.v1"
    cause: Cause
    reason: str
    ended_on: date = Field(description="The first day on which the entry is no longer in force")


ListChange = EntryPublished | EntryCorrected | EntrySuspended | EntryResumed | EntryRevoked | EntryRepaired | EntryEnded
