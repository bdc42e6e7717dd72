"""What callers send. A field that no form has is refused: a slip of the pen in a correction must not pass in silence."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from shared.contracts.event import DomainId, EntryId
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause
from shared.identity.personal_numbers import contains_personal_number


def _without_personal_number(text: str) -> str:
    """Free text goes into events in clear: a person's identity number has no place in it."""
    if contains_personal_number(text):
        raise PydanticCustomError("personal_number_in_text", "a person's number")
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    AfterValidator(_without_personal_number),
]
DocumentNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_personal_number),
    Field(description="文号 of the act on which this rests"),
]
Evidence = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=10_000), AfterValidator(_without_personal_number)
]


class Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PersonForm(Form):
    """A subject by scheme and number (`uscc`, `person`, or another)."""

    scheme: str = Field(max_length=32)
    number: str = Field(max_length=64)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ResponsibleForm(Form):
    subject: PersonForm
    role: Role


class ChangesForm(Form):
    """What is to stand instead; what is left out stays as it is. `null` takes grade, end of the term or end of the act away."""

    domain_id: DomainId | None = None
    grade: Annotated[str, Field(max_length=100)] | None = None
    responsible: Annotated[tuple[ResponsibleForm, ...], Field(max_length=50)] | None = Field(
        default=None, description="All responsible persons, not only the new ones"
    )
    facts: Text | None = None
    legal_basis: Text | None = None
    act_ended_on: date | None = None
    jurisdiction: Annotated[str, StringConstraints(pattern="^[0-9]{6}$")] | None = None
    term_from: date | None = None
    term_to: date | None = Field(default=None, description="Last day of the term")
    public: bool | None = None
    able_but_unwilling: bool | None = None

    @field_validator(
        *("domain_id", "responsible", "facts", "legal_basis", "jurisdiction", "term_from"),
        *("public", "able_but_unwilling"),
        mode="before",
    )
    @classmethod
    def _cannot_be_taken_away(cls, value: object) -> object:
        if value is None:
            raise PydanticCustomError("field_missing", "cannot be null")
        return value


class RevocationForm(Form):
    entry_id: EntryId
    cause: Cause = Field(description="error, objection_upheld, reconsideration or litigation")
    reason: Text
    document_number: DocumentNumber


class CorrectionForm(Form):
    entry_id: EntryId
    changes: ChangesForm
    cause: Cause = Field(description="error, objection_upheld, reconsideration or litigation")
    reason: Text
    document_number: DocumentNumber


class EndingForm(Form):
    entry_id: EntryId
    cause: Cause = Field(description="no_longer_qualifies or withdrawn")
    reason: Text


class RepairForm(Form):
    entry_id: EntryId
    reason: Text
    evidence: Evidence = Field(
        default="", description="What shows that the conduct was put right; community service counts"
    )


class GrantForm(Form):
    reason: Text
    document_number: DocumentNumber


class RefusalForm(Form):
    reason: Text


class ObjectionForm(Form):
    entry_id: EntryId
    reason: Text


class UpholdingForm(Form):
    """With `changes` the entry is corrected; without them it is revoked."""

    reason: Text
    document_number: DocumentNumber
    changes: ChangesForm | None = None
