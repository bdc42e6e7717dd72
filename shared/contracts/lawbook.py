"""Items of the law book: departments, domains, instruments, measures and lists of measures.

Further items are in directory.py and policy.py, the events that publish them in lawbook_events.py.
"""

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.contracts.directory import (
    Basis,
    BasisId,
    CategoryId,
    RegionLevel,
    example_settings,
)
from shared.contracts.event import Contract, DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.kinds import ListKind, SubjectKind


class Role(StrEnum):
    """How a responsible person (相关责任人) is related to the listed subject (rows 9 and 11)."""

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
    """The kind of power by which a measure works (行政性、市场性、行业性、社会性约束)."""

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
    """A bank, association or media company is invited (鼓励、引导、支持): no duty, never overdue."""


class Works(StrEnum):
    """How a measure works in time."""

    OCCASION = "occasion"
    """Armed now, applied whenever the subject appears in that matter (从严审核, 绿色通道)."""
    ACT = "act"
    """Done once (撤销荣誉称号)."""
    LASTING = "lasting"
    """A continuing state (重点监管)."""
    ACT_AND_OCCASION = "act_and_occasion"
    """Both (市场禁入: leave the market now, and no entry later)."""


class Undoing(StrEnum):
    """What a department must do when a response ends."""

    STOP = "stop"
    RESTORE = "restore"
    NOTHING = "nothing"
    """Nothing to undo; the measure states why."""


class Department(Contract):
    """A body that lists, decides or implements (发起部门、实施部门)."""

    department_id: DepartmentId
    name_zh: str
    name_en: str
    region: str = Field(description="GB/T 2260 code of six digits; `000000` is the whole state")
    kind: Literal["government", "court", "bank", "association", "media", "other"] = "government"
    credit_office: bool = False
    level: RegionLevel | None = Field(default=None, description="Its level, if it differs from that of its region")
    categories: tuple[CategoryId, ...] = Field(default=(), description="The categories of bodies to which it belongs")
    clause: str = Field(default="", description="Document and clause that name it")
    example_settings: tuple[str, ...] = example_settings()
    retired_on: date | None = Field(default=None, description="Last day of its responsibility")
    natural_persons: bool = Field(
        default=False,
        description="Of a bank, association, media company or other third party: may hand in and read records of natural "
        "persons (rows 24, 28)",
    )

    @property
    def is_third_party(self) -> bool:
        """No authority: it hands in lists for reference (row 24) and is invited to carry measures out (row 28)."""
        return self.kind in ("bank", "association", "media", "other")


class Grade(Contract):
    """A grade (失信等级) of a domain: a code of its jurisdiction, with names."""

    code: str
    name_zh: str
    name_en: str


class Domain(Contract):
    """A field in which lists are kept (领域), and the departments that may act in it."""

    domain_id: DomainId
    name_zh: str
    name_en: str
    lists: tuple[ListKind, ...]
    grades: tuple[Grade, ...] = ()
    may_list: tuple[DepartmentId, ...]
    may_publish: tuple[DepartmentId, ...] = Field(
        default=(),
        description="Departments that may approve and publish; empty: those that may list (004 四(二): they may differ)",
    )
    may_decide: tuple[DepartmentId, ...] = Field(
        default=(), description="Departments whose decisions may be the ground of a listing; empty: those that may list"
    )
    clause: str = Field(default="", description="Document and clause that name it")
    example_settings: tuple[str, ...] = example_settings()
    retired_on: date | None = Field(default=None, description="Last day on which a subject could be listed in it")


class Instrument(Contract):
    """A memorandum (合作备忘录), normative document (规范性文件) or law that binds measures."""

    instrument_id: InstrumentId
    version: int = Field(ge=1)
    kind: Literal["memorandum", "normative_document", "law"]
    title_zh: str
    document_number: str
    issued_by: str
    region: str
    in_force_from: date
    in_force_to: date | None = None
    subjects: tuple[str, ...] = Field(default=(), description="Its subjects (奖惩对象), in the words of the document")
    implementers: tuple[DepartmentId, ...] = Field(default=(), description="Departments that signed it or carry it out")
    implementer_categories: tuple[CategoryId, ...] = ()
    sharing_duty: str = Field(default="", description="How the list is shared (名单共享), in the words of the document")
    feedback_duty: str = Field(
        default="", description="How execution is reported (情况反馈), in the words of the document"
    )
    feedback_every_months: int | None = Field(default=None, description="Null: it names no interval")
    follows: tuple[InstrumentId, ...] = Field(
        default=(),
        description="Instruments of a higher level that it adopts (遵照执行): their measures apply and are not copied",
    )
    filed_on: date | None = Field(
        default=None, description="The day on which it was filed with the credit office (报送)"
    )
    clause: str = Field(default="", description="Clauses that state subjects and duties")
    example_settings: tuple[str, ...] = example_settings()

    def in_force_on(self, day: date) -> bool:
        return self.in_force_from <= day and (self.in_force_to is None or day <= self.in_force_to)


class Target(Contract):
    """The subjects that a measure reaches. Every condition must hold. An empty set of values is no condition."""

    lists: tuple[ListKind, ...]
    domains: tuple[DomainId, ...] = ()
    grades: tuple[str, ...] = ()
    subject_kinds: tuple[SubjectKind, ...] = ()
    roles: tuple[Role, ...] = Field(
        default=(), description="Roles of responsible persons that it reaches; empty: only the subject"
    )
    reaches_subject: bool = True
    able_but_unwilling: bool = Field(
        default=False, description="Only subjects that are able but unwilling (有履行能力但拒不履行)"
    )
    distinct_domains: int = Field(
        default=1, description="Only if the subject is listed in so many distinct domains (row 8)"
    )
    clean_record_years: int | None = Field(
        default=None,
        description="Also subjects without an entry that have had no bad record for so many years (row 12)",
    )


class Measure(Contract):
    """A measure (措施) of a published list of measures (row 4)."""

    measure_id: MeasureId
    version: int = Field(ge=1)
    text_zh: str
    text_en: str = ""
    clause: str = Field(description="Document and clause that state the text")
    kind: MeasureKind
    constraint: Constraint
    force: Force
    duty: Duty
    works: Works
    target: Target
    implementers: tuple[DepartmentId, ...]
    matters: tuple[str, ...] = Field(default=(), description="Matters (事项) in which an occasion measure is checked")
    basis: tuple[Basis, ...] = ()
    instrument_id: InstrumentId
    on_end: Undoing
    on_error: Undoing
    nothing_to_undo_because: str = ""
    answer_within_days: int = Field(default=10, description="Working days to answer; chosen by this project")
    undo_within_days: int = Field(default=5, description="Working days to undo; chosen by this project")
    published: bool
    effective_from: date
    effective_to: date | None = None
    example_settings: tuple[str, ...] = example_settings()
    basis_ids: tuple[BasisId, ...] = Field(default=(), description="Legal bases that are items of their own")
    implementer_categories: tuple[CategoryId, ...] = Field(
        default=(), description="Implementers by category (各行业主管部门): the departments of the place of execution"
    )
    term_months: int | None = Field(default=None, description="Its longest duration; null: as long as the entry")
    source: str = Field(default="", description="The words of the document about its subjects and implementers")


class ListedMeasure(Contract):
    """A measure in the version that a list of measures names."""

    measure_id: MeasureId
    version: int = Field(ge=1)


class MeasureList(Contract):
    """An edition of a list of measures (措施清单) with its two classes (row 4; 003 (二十), 001 16)."""

    list_id: str
    version: int = Field(ge=1, description="The number of the edition")
    title_zh: str
    issued_by: str
    region: str
    effective_from: date
    effective_to: date | None = None
    mandatory: tuple[ListedMeasure, ...] = Field(default=(), description="强制性措施: the law requires them")
    recommended: tuple[ListedMeasure, ...] = Field(
        default=(), description="推荐性措施: a department may apply them, depending on the case"
    )
    clause: str = ""
    example_settings: tuple[str, ...] = example_settings()


class ItemKind(StrEnum):
    """The kinds of items of the law book, as in the paths of routes. `memoranda` (合作备忘录) includes every instrument."""

    REGIONS = "regions"
    CATEGORIES = "categories"
    DEPARTMENTS = "departments"
    DOMAINS = "domains"
    BASES = "bases"
    MEMORANDA = "memoranda"
    MATTERS = "matters"
    MEASURES = "measures"
    LISTS = "measure-lists"
    POLICIES = "policies"
