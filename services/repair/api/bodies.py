"""The HTTP bodies of repair.

An unknown field in a request is refused: a misspelt field of a correction must not be ignored.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from services.repair.domain.content import DecisionKind
from services.repair.domain.events import Ground
from services.repair.domain.state import CaseKind, Status
from services.repair.views.acts import ActKind
from services.repair.views.history import History
from shared.contracts.event import DomainId, EntryId
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Suspends
from shared.contracts.policy import SuspensionBegins
from shared.identity.personal_numbers import contains_personal_number
from shared.web.subjects import ShownKey, shown_entry


def _without_personal_number(text: str) -> str:
    """Free text goes into events in clear, so it must not contain the identity number of a person (row 25)."""
    if contains_personal_number(text):
        raise PydanticCustomError("personal_number_in_text", "a person's number")
    return text


def _visible(text: str) -> str:
    """The text; empty when it has only spaces and invisible characters."""
    return text if any(one.isprintable() and not one.isspace() for one in text) else ""


def _not_blank(text: str) -> str:
    """A text of spaces and invisible characters only is none."""
    if not _visible(text):
        raise PydanticCustomError("field_missing", "blank")
    return text


# --- requests --------------------------------------------------------------------------------------------------------

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2_000),
    AfterValidator(_not_blank),
    AfterValidator(_without_personal_number),
]
DocumentNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(_not_blank),
    AfterValidator(_without_personal_number),
    Field(description="文号 of the document on which this rests"),
]
Evidence = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=10_000),
    AfterValidator(_visible),
    AfterValidator(_without_personal_number),
]


class Body(BaseModel):
    """A request body."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PersonBody(Body):
    """A subject by scheme and number (`uscc`, `person`, or another)."""

    scheme: str = Field(max_length=32)
    number: str = Field(max_length=64)
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_not_blank)]


class ResponsibleBody(Body):
    """A person held responsible (责任人员)."""

    subject: PersonBody
    role: Role


class ChangesBody(Body):
    """The new values. A field that is left out does not change. `null` removes grade, end of the term or end of the act."""

    domain_id: DomainId | None = None
    grade: Annotated[str, Field(max_length=100)] | None = None
    responsible: Annotated[tuple[ResponsibleBody, ...], Field(max_length=50)] | None = Field(
        default=None, description="All responsible persons, not only new ones"
    )
    facts: Text | None = None
    legal_basis: Text | None = None
    act_ended_on: date | None = None
    term_from: date | None = None
    term_to: date | None = Field(default=None, description="Last day of the term")
    public: bool | None = None
    able_but_unwilling: bool | None = None

    @field_validator(
        *("domain_id", "responsible", "facts", "legal_basis", "term_from"),
        *("public", "able_but_unwilling"),
        mode="before",
    )
    @classmethod
    def _not_removable(cls, value: object) -> object:
        if value is None:
            raise PydanticCustomError("field_missing", "cannot be null")
        return value


class RevocationBody(Body):
    """A revocation."""

    entry_id: EntryId
    cause: Cause = Field(description="error, objection_upheld, reconsideration or litigation")
    reason: Text
    document_number: DocumentNumber


class CorrectionBody(Body):
    """A correction."""

    entry_id: EntryId
    changes: ChangesBody
    cause: Cause = Field(description="error, objection_upheld, reconsideration or litigation")
    reason: Text
    document_number: DocumentNumber


class EndingBody(Body):
    """An ending before the term."""

    entry_id: EntryId
    cause: Cause = Field(description="no_longer_qualifies or withdrawn")
    reason: Text


class RepairBody(Body):
    """A request for repair."""

    entry_id: EntryId
    reason: Text
    evidence: Evidence = Field(
        default="", description="Evidence that the conduct was put right; community service counts. Required"
    )


class GrantBody(Body):
    """The grant of a request for repair."""

    reason: Text
    document_number: DocumentNumber


class RefusalBody(Body):
    """The refusal of a request for repair, the rejection of an objection, or the return of a decision."""

    reason: Text


class ObjectionBody(Body):
    """An objection."""

    entry_id: EntryId
    reason: Text
    ground: Ground = Field(default=Ground.OTHER, description="What is wrong; one objection on each ground at a time")
    new_evidence: Evidence = Field(
        default="", description="What was not known when an objection on the same ground was rejected"
    )


class UpholdingBody(Body):
    """With `changes` the entry is corrected, without them it is revoked."""

    reason: Text
    document_number: DocumentNumber
    changes: ChangesBody | None = None


# --- responses -------------------------------------------------------------------------------------------------------


class Row(BaseModel):
    """A response body that is made from an object or a database row with the same names."""

    model_config = ConfigDict(from_attributes=True)


class ActBody(Row):
    """A correction, revocation or ending."""

    act_id: str
    entry_id: str
    kind: ActKind
    cause: Cause
    reason: str
    document_number: str | None
    ended_on: date | None = Field(description="The first day off the list; of endings only")
    at: datetime
    department: str | None = Field(description="The department that decided; null when a term passed")
    decision_id: str | None = Field(description="The decision that was confirmed; null when one officer sufficed")
    confirmed_by: str | None = Field(description="The department whose officer confirmed it")


class CaseBody(Row):
    """An objection or a request for repair, with its decision."""

    case_id: str
    entry_id: str
    kind: CaseKind
    status: str = Field(
        description="open; upheld or rejected, granted or refused; lapsed when the entry had left its list"
    )
    reason: str
    evidence: str
    suspends: bool = Field(description="Whether the measures are suspended while it is open")
    verify_by: date | None = Field(description="The last day to verify, by the policy")
    filed_at: datetime
    filed_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None
    document_number: str | None
    decision_id: str | None = Field(description="The decision that was confirmed; null when one officer sufficed")
    confirmed_by: str | None = Field(description="The department whose officer confirmed it")
    ground: Ground | None = Field(description="Of an objection")
    new_evidence: str
    suspends_publicity: bool = Field(description="Whether the publicity is suspended while it is open")
    suspends_sharing: bool = Field(description="Whether the sharing is suspended while it is open")
    suspension_begins: SuspensionBegins | None = Field(description="At filing, or with the verification; of objections")
    verified_from: datetime | None = Field(description="When the verification began, if it was recorded")
    earliest_on: date | None = Field(
        description="Of a request for repair: the first day on which it can be granted; null: no minimum of publicity"
    )


class DecisionBody(Row):
    """A decision that needs two officers."""

    decision_id: str
    entry_id: str
    kind: DecisionKind
    case_id: str | None = Field(description="The objection or the request for repair that it decides")
    status: str = Field(description="awaiting_confirmation, confirmed, returned; lapsed when the term ended first")
    content: dict[str, Any] = Field(description="The whole content, without ciphertexts")
    suspends: bool = Field(description="Whether the punishments are suspended until it is confirmed or returned")
    decided_at: datetime
    account: str = Field(description="The officer who decided, and who does not confirm")
    department: str
    closed_at: datetime | None
    closed_account: str | None
    closed_by: str | None = Field(description="The department whose officer confirmed or returned it")
    return_reason: str | None
    act_id: str | None = Field(description="The correction, revocation or ending that it led to")

    @field_validator("content", mode="before")
    @classmethod
    def _parsed(cls, stored: object) -> object:
        return orjson.loads(stored) if isinstance(stored, str) else stored


class EntryBody(Row):
    """The status of an entry."""

    entry_id: str
    subject_key: ShownKey
    list_kind: str
    domain_id: str
    initiated_by: str
    decided_by: str
    published_by: str
    jurisdiction: str
    term_to: date | None
    status: Status
    since: datetime
    cause: Cause | None


class Outcome(BaseModel):
    """The result of a command on an entry, with the id of the act or case."""

    model_config = ConfigDict(extra="allow")

    entry_id: str
    version: int = Field(description="Of the entry, for `If-Match`")
    status: Status | Literal["awaiting_confirmation"] = Field(
        description="awaiting_confirmation: another officer must confirm the decision `decision_id`"
    )


class StepBody(Row):
    """One event of an entry."""

    version: int
    at: datetime
    what: str = Field(description="The type of the event")
    actor: str
    department: str | None
    details: dict[str, Any] = Field(description="Cause, reason, document number and case, as in the event")
    corrected: list[str] = Field(description="The fields that a correction changed")


class HistoryBody(BaseModel):
    """An entry with its current content, and its steps. `version` is what `If-Match` expects."""

    entry_id: str
    version: int
    status: Status
    since: datetime
    cause: Cause | None
    suspended_by: list[str] = Field(description="The open cases, and the decision, that suspend the entry")
    suspended: list[Suspends] = Field(description="What is suspended")
    awaiting_decision: str | None = Field(description="The decision that awaits confirmation")
    open_cases: list[str]
    entry: dict[str, Any]
    steps: list[StepBody]


def history_body(history: History) -> HistoryBody:
    """The history of an entry, without sealed names and numbers."""
    entry = history.state.entry
    return HistoryBody(
        entry_id=entry.entry_id,
        version=history.version,
        status=history.status,
        since=history.since,
        cause=history.cause,
        suspended_by=history.suspended_by,
        suspended=history.suspended,
        awaiting_decision=history.awaiting,
        open_cases=history.open_cases,
        entry=shown_entry(entry),
        steps=[StepBody.model_validate(step) for step in history.steps],
    )
