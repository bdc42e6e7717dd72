"""List entries and what becomes of them: the topic `liandong.list`.

The initiator writes `EntryPublished`; from then on the entry has one writer, repair, which publishes every later change.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.event import Contract, DepartmentId, DomainId, EntryId, PublicEvent, SubjectKey, Topic
from shared.contracts.lawbook import ListKind, Role, SubjectKind


class Subject(Contract):
    """Who is listed. The number of a natural person is in `sealed_number` only, encrypted; never in the key."""

    key: SubjectKey
    kind: SubjectKind
    name: str = Field(description="Of a legal person; of a natural person its masked form (示＊)")
    sealed_name: str | None = None
    sealed_number: str | None = None


class ResponsiblePerson(Contract):
    """A person held responsible for the listed conduct (责任人员), a subject of its own (row 9)."""

    subject: Subject
    role: Role


class Decision(Contract):
    """The act of a named authority on which the entry rests (认定决定)."""

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
    """Whose list an entry stands on."""

    OWN = "own"
    RECOGNISED = "recognised"
    """Listed by an upper level or another region, and recognised here (互认)."""
    THIRD_PARTY = "third_party"
    """Of a bank, association or agency (第三方): for reference only, it never directs a measure (row 24)."""


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
    jurisdiction: str = Field(description="GB/T 2260 code of the region whose policy governs")
    term_from: date
    term_to: date | None = Field(default=None, description="Last day of the term; none means no end")
    public: bool = Field(description="Publicity is decided separately; a watch entry is never public")
    able_but_unwilling: bool = False
    origin: Origin = Origin.OWN


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
    """An event of an entry; keyed by the listed subject, whose events arrive in order."""

    TOPIC: ClassVar[Topic] = Topic.LIST
    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int = Field(description="The version that validated the command")

    @property
    def partition_key(self) -> str:
        return self.subject


class EntryPublished(ListEvent):
    TYPE: ClassVar[str] = "list.entry.published.v1"
    entry: Entry
    import_id: str | None = None


class EntryCorrected(ListEvent):
    """The entry stands, with other content: `entry` is the whole of it from the beginning."""

    TYPE: ClassVar[str] = "list.entry.corrected.v1"
    entry: Entry
    cause: Cause
    reason: str
    document_number: str


class EntrySuspended(ListEvent):
    """The first open case suspends the measures (only punishments) while the record is verified (row 16)."""

    TYPE: ClassVar[str] = "list.entry.suspended.v1"
    case_id: str
    reason: str


class EntryResumed(ListEvent):
    """The last open case was closed and the entry stands."""

    TYPE: ClassVar[str] = "list.entry.resumed.v1"
    case_id: str
    reason: str


class EntryRevoked(ListEvent):
    """The entry should never have been: its effects end from the beginning (row 18)."""

    TYPE: ClassVar[str] = "list.entry.revoked.v1"
    cause: Cause
    reason: str
    document_number: str


class EntryRepaired(ListEvent):
    """Credit repair (信用修复, row 15): effects end from then on. Black and watch entries only."""

    TYPE: ClassVar[str] = "list.entry.repaired.v1"
    case_id: str
    reason: str
    document_number: str


class EntryEnded(ListEvent):
    """The term passed, or the subject no longer qualifies (row 14): effects end from then on."""

    TYPE: ClassVar[str] = "list.entry.ended.v1"
    cause: Cause
    reason: str
    ended_on: date = Field(description="The first day on which the entry stands no longer")


ListChange = EntryPublished | EntryCorrected | EntrySuspended | EntryResumed | EntryRevoked | EntryRepaired | EntryEnded
