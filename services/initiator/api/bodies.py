"""The bodies of requests and responses."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.initiator.domain.entry import EntryStatus
from services.initiator.domain.entry_input import (
    MAX_LENGTHS,
    MAX_RESPONSIBLE,
    EntryInput,
    ResponsibleInput,
    SubjectInput,
)
from services.initiator.domain.imports import ImportStatus
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import Decision, Notice, Origin
from shared.lawbook.terms import last_day
from shared.web.problem import ProblemFault
from shared.web.subjects import ShownKey


def _stripped(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("text_not_storable", "the NUL character cannot be stored")
    return text.strip()


Text = Annotated[str, AfterValidator(_stripped)]

_WRITTEN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=$|[T ]00:00(:00(\.0+)?)?$)")

_NO_DAY = "-"
"""A text for which pydantic has its own error."""


def _day(value: object) -> object:
    """The day of `2024-05-06`, also with midnight. Of a number or a moment with a time zone pydantic would guess a day."""
    if isinstance(value, date):
        return value
    found = _WRITTEN_DAY.match(value) if isinstance(value, str) else None
    return found[0] if found else _NO_DAY


Day = Annotated[date, BeforeValidator(_day)]
"""A day, as JSON and files write it."""


class Body(BaseModel):
    """The body of a request. An unknown field is refused, so that a misspelt field is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SubjectBody(Body):
    """`uscc` and a credit code, `person` and an identity number, or another scheme and its number."""

    scheme: Text = Field(max_length=64, examples=["uscc"])
    number: Text = Field(max_length=100, repr=False)
    name: Text = Field(max_length=MAX_LENGTHS["name"], repr=False)

    def to_input(self) -> SubjectInput:
        return SubjectInput(self.scheme, self.number, self.name)


class ResponsibleBody(Body):
    """A person held responsible (责任人员)."""

    subject: SubjectBody
    role: Role


class DecisionBody(Body):
    """The decision (认定决定) on which the entry is based."""

    document_number: Text = Field(max_length=MAX_LENGTHS["document_number"])
    decided_on: Day
    facts: Text = Field(max_length=MAX_LENGTHS["facts"])
    legal_basis: Text = Field(max_length=MAX_LENGTHS["legal_basis"])
    act_ended_on: Day | None = None
    decided_by: str | None = Field(default=None, max_length=100, description="The caller's department unless given")


class NoticeBody(Body):
    """Prior notice (事先告知) and the plea window (陈述申辩期)."""

    served_on: Day
    plea_until: Day = Field(description="The last day of the plea window")
    plea_heard: Text = Field(default="", max_length=MAX_LENGTHS["facts"])


class EntryBody(Body):
    """The content of an entry that is drafted or revised."""

    list_kind: ListKind
    domain_id: str = Field(max_length=MAX_LENGTHS["domain_id"])
    grade: str | None = Field(default=None, max_length=MAX_LENGTHS["grade"])
    subject: SubjectBody
    responsible: tuple[ResponsibleBody, ...] = Field(default=(), max_length=MAX_RESPONSIBLE)
    decision: DecisionBody
    notice: NoticeBody | None = None
    jurisdiction: str = Field(max_length=20, description="GB/T 2260 code of six digits", examples=["410300"])
    term_from: Day
    term_to: Day | None = Field(default=None, description="Last day; none, 2999-12-31 or 9999-12-31 for no end")
    public: bool
    able_but_unwilling: bool = False
    origin: Origin = Field(
        default=Origin.OWN, description="third_party: of a bank, association or agency, for reference only (row 24)"
    )

    def to_input(self, department: DepartmentId) -> EntryInput:
        """The input of the domain. `department` is the initiator, and the decider unless the body names another."""
        return EntryInput(
            list_kind=self.list_kind,
            domain_id=DomainId(self.domain_id),
            grade=self.grade or None,
            subject=self.subject.to_input(),
            responsible=tuple(ResponsibleInput(person.subject.to_input(), person.role) for person in self.responsible),
            initiated_by=department,
            decision=self._decision(department),
            notice=Notice.model_validate(self.notice.model_dump()) if self.notice else None,
            jurisdiction=self.jurisdiction,
            term_from=self.term_from,
            term_to=last_day(self.term_to),
            public=self.public,
            able_but_unwilling=self.able_but_unwilling,
            origin=self.origin,
        )

    def _decision(self, department: DepartmentId) -> Decision:
        decided_by = DepartmentId(self.decision.decided_by or department)
        return Decision.model_validate({**self.decision.model_dump(), "decided_by": decided_by})


class ReturnBody(Body):
    """Why an entry is sent back (退回)."""

    reason: Text = Field(min_length=1, max_length=2_000)


# --- responses


class ListedSubject(BaseModel):
    key: ShownKey
    name: str = Field(description="Masked for a natural person")


class EntryRow(BaseModel):
    """An entry in a list."""

    entry_id: str
    version: int
    status: EntryStatus
    department: str
    domain_id: str
    list_kind: ListKind
    subject: ListedSubject
    jurisdiction: str
    document_number: str
    decided_on: date
    import_id: str | None
    changed_at: datetime


class EntryDetail(BaseModel):
    """One entry. Names of natural persons are masked; their numbers are left out."""

    entry_id: str
    version: int
    status: EntryStatus
    returned_because: str | None = None
    entry: dict[str, Any]


class ImportDetail(BaseModel):
    """An import and its progress. All counts are rows; `published` rows have become entries."""

    import_id: str
    version: int
    status: ImportStatus
    department: str
    received_by: str
    received_at: datetime
    approved_by: str | None
    file_name: str
    size: int
    digest: str = Field(description="SHA-256 of the file")
    domains: list[str]
    total: int | None = Field(description="Rows of the file; null until the file was read to its end")
    hidden_rows: int = Field(description="Rows that the workbook hides, by hand or by a filter. They are imported")
    rows: int
    good: int
    rejected: int
    published: int
    faults: list[ProblemFault] = Field(description="Why the file as a whole was refused")
