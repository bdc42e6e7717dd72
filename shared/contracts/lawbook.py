"""The law book: departments, domains, instruments, measures and policies, as the catalogue publishes them.

It is one gapless stream on one partition. Every event carries `lawbook_version`, its place in that stream; whoever
decides by the law book names the version that it used.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.event import Contract, DepartmentId, DomainId, InstrumentId, MeasureId, PublicEvent, Topic

LAWBOOK_KEY = "lawbook"


class ListKind(StrEnum):
    """Which list (名单)."""

    RED = "red"
    """Red list (红名单): trustworthy subjects."""
    BLACK = "black"
    """Black list (黑名单): seriously untrustworthy subjects."""
    WATCH = "watch"
    """Watch list (重点关注名单): a tier below the black-list threshold; seen in checks, never published."""


class SubjectKind(StrEnum):
    """What a subject is."""

    LEGAL = "legal"
    PERSON = "person"
    OTHER = "other"


class Role(StrEnum):
    """How a responsible person (相关责任人) is tied to the listed subject (rows 9 and 11)."""

    LEGAL_REPRESENTATIVE = "legal_representative"  # 法定代表人
    PRINCIPAL = "principal"  # 主要负责人
    DIRECTLY_RESPONSIBLE = "directly_responsible"  # 直接责任人员
    REGISTERED_PRACTITIONER = "registered_practitioner"  # 注册执业人员
    SENIOR_MANAGER = "senior_manager"  # 高级管理人员
    DIRECTOR = "director"  # 董事
    SHAREHOLDER = "shareholder"  # 股东


class MeasureKind(StrEnum):
    INCENTIVE = "incentive"
    DISCIPLINE = "discipline"


class Constraint(StrEnum):
    """By which kind of power a measure works (行政性、市场性、行业性、社会性约束)."""

    ADMINISTRATIVE = "administrative"
    MARKET = "market"
    INDUSTRY = "industry"
    SOCIAL = "social"
    FINANCE = "finance"
    PUBLICITY = "publicity"


class Force(StrEnum):
    MANDATORY = "mandatory"  # 强制性措施
    RECOMMENDED = "recommended"  # 推荐性措施


class Duty(StrEnum):
    OWED = "owed"
    """A department must answer, by a deadline."""
    INVITED = "invited"
    """A bank, association or medium is invited (鼓励、引导、支持): no duty, never overdue."""


class Works(StrEnum):
    """How a measure works in time."""

    OCCASION = "occasion"
    """Armed now, applied whenever the subject turns up in that matter (从严审核, 绿色通道)."""
    ACT = "act"
    """Done once (撤销荣誉称号)."""
    LASTING = "lasting"
    """A state kept up (重点监管)."""
    ACT_AND_OCCASION = "act_and_occasion"
    """Both (市场禁入: leave the market now, no entry later)."""


class Undoing(StrEnum):
    """What is owed when a response ends."""

    STOP = "stop"
    RESTORE = "restore"
    NOTHING = "nothing"
    """Nothing to undo; the measure says why."""


class Department(Contract):
    """A body that lists, decides or implements (发起部门、实施部门)."""

    department_id: DepartmentId
    name_zh: str
    name_en: str
    region: str = Field(description="GB/T 2260 code of six digits; `000000` is the state as a whole")
    kind: Literal["government", "court", "bank", "association", "media", "other"] = "government"
    credit_office: bool = False


class Grade(Contract):
    """A grade (失信等级) of a domain: a code of its jurisdiction, with its name."""

    code: str
    name_zh: str
    name_en: str


class Domain(Contract):
    """A field in which lists are kept (领域), and who may do what in it."""

    domain_id: DomainId
    name_zh: str
    name_en: str
    lists: tuple[ListKind, ...]
    grades: tuple[Grade, ...] = ()
    may_list: tuple[DepartmentId, ...]
    may_publish: tuple[DepartmentId, ...] = Field(
        default=(), description="Who may approve and publish; empty means those who may list (004 四(二): may differ)"
    )


class Basis(Contract):
    """A legal basis (依据): a document and its article, and when it holds."""

    document: str
    article: str
    issued_by: str = ""
    valid_from: date
    valid_to: date | None = Field(default=None, description="Last day on which it holds; none means no end")

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Instrument(Contract):
    """A memorandum (合作备忘录), normative document (规范性文件) or law by which measures are bound."""

    instrument_id: InstrumentId
    version: int = Field(ge=1)
    kind: Literal["memorandum", "normative_document", "law"]
    title_zh: str
    document_number: str
    issued_by: str
    region: str
    in_force_from: date
    in_force_to: date | None = None

    def in_force_on(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_to is None or day <= self.in_force_to)


class Target(Contract):
    """Whom a measure reaches. Every condition must hold; an empty set of values means no condition."""

    lists: tuple[ListKind, ...]
    domains: tuple[DomainId, ...] = ()
    grades: tuple[str, ...] = ()
    subject_kinds: tuple[SubjectKind, ...] = ()
    roles: tuple[Role, ...] = Field(default=(), description="Responsible persons reached; empty: the subject alone")
    reaches_subject: bool = True
    able_but_unwilling: bool = Field(default=False, description="Only 有履行能力但拒不履行")
    distinct_domains: int = Field(
        default=1, description="Only when the subject stands on so many domains' lists (row 8)"
    )
    clean_record_years: int | None = Field(
        default=None, description="Also whoever has no bad record for so many years, without any entry (row 12)"
    )


class Measure(Contract):
    """A measure (措施) of a published list of measures (row 4)."""

    measure_id: MeasureId
    version: int = Field(ge=1)
    text_zh: str
    text_en: str = ""
    clause: str = Field(description="Document and clause from which the text is taken")
    kind: MeasureKind
    constraint: Constraint
    force: Force
    duty: Duty
    works: Works
    target: Target
    implementers: tuple[DepartmentId, ...]
    matters: tuple[str, ...] = Field(default=(), description="Matters (事项) in which an occasion measure is checked")
    basis: tuple[Basis, ...]
    instrument_id: InstrumentId
    on_end: Undoing
    on_error: Undoing
    nothing_to_undo_because: str = ""
    answer_within_days: int = Field(default=10, description="Working days to answer; a choice of this project")
    undo_within_days: int = Field(default=5, description="Working days to undo; a choice of this project")
    published: bool
    effective_from: date
    effective_to: date | None = None
    example_settings: tuple[str, ...] = Field(
        default=(), description="Attributes that no document states: examples which a credit office must confirm"
    )


class Policy(Contract):
    """Settings of a jurisdiction (and domain) by which entries are judged; each with its clause."""

    policy_id: str
    version: int = Field(ge=1)
    region: str
    domains: tuple[DomainId, ...] = Field(default=(), description="Empty: every domain")
    effective_from: date
    effective_to: date | None = None
    notice_before_listing: bool = False
    plea_working_days: int = 0
    longest_term_months: int | None = None
    suspend_measures_on_objection: bool = True
    verify_objection_within_days: int | None = None
    personal_records_kept_years: int | None = None
    clauses: dict[str, str] = Field(default_factory=dict, description="Setting → document and clause")


class LawbookEvent(PublicEvent):
    """Published by the catalogue only."""

    TOPIC: ClassVar[Topic] = Topic.LAWBOOK
    lawbook_version: int = Field(ge=1)

    @property
    def partition_key(self) -> str:
        return LAWBOOK_KEY


class DepartmentPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.department.published.v1"
    department: Department


class DomainPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.domain.published.v1"
    domain: Domain


class InstrumentPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.instrument.published.v1"
    instrument: Instrument


class MeasurePublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.measure.published.v1"
    measure: Measure


class PolicyPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.policy.published.v1"
    policy: Policy


LawbookChange = DepartmentPublished | DomainPublished | InstrumentPublished | MeasurePublished | PolicyPublished
