"""What repair answers, and what its routes share."""

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.repair.domain import CaseKind, Status
from services.repair.views.acts import ActKind
from services.repair.views.readers import Reader
from shared.contracts.listing import Cause
from shared.trust import OfficerRole, Principal
from shared.web.access import require

T = TypeVar("T")

Decides = Annotated[Principal, Depends(require(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE))]
"""May decide; of which entries, the domain says: those that the department answers for."""
TakesIn = Annotated[Principal, Depends(require(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE, OfficerRole.SYSTEM))]
"""May hand in an objection or a request for repair, about any entry."""
_READERS = (
    *(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR),
    *(OfficerRole.LISTER, OfficerRole.APPROVER, OfficerRole.SYSTEM),
)


async def _reader(who: Annotated[Principal, Depends(require(*_READERS))]) -> Reader:
    return Reader.of(who)


Reads = Annotated[Reader, Depends(_reader)]

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(description="The `next` of the page before")]


class Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ActAnswer(Row):
    """A correction, revocation or ending."""

    act_id: str
    entry_id: str
    kind: ActKind
    cause: Cause
    reason: str
    document_number: str | None
    ended_on: date | None = Field(description="The first day off the list; of endings only")
    at: datetime
    department: str | None = Field(description="Which acted; none when a term passed")


class CaseAnswer(Row):
    """An objection or a request for repair, with its steps and dates."""

    case_id: str
    entry_id: str
    kind: CaseKind
    status: str = Field(description="open; upheld or rejected, granted or refused; lapsed when the entry was gone")
    reason: str
    evidence: str
    suspends: bool = Field(description="The measures rest while it is open")
    verify_by: date | None = Field(description="The last day to verify, by the policy")
    filed_at: datetime
    filed_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None
    document_number: str | None


class EntryAnswer(Row):
    """Where an entry stands."""

    entry_id: str
    subject_key: str
    list_kind: str
    domain_id: str
    initiated_by: str
    decided_by: str
    published_by: str
    term_to: date | None
    status: Status
    since: datetime
    cause: Cause | None


class Page(BaseModel, Generic[T]):
    """The list goes on behind `next`, when there is one."""

    items: list[T]
    next: str | None


class Outcome(BaseModel):
    """What a command on an entry came to; with the id of the act or case."""

    model_config = ConfigDict(extra="allow")

    entry_id: str
    version: int = Field(description="Of the entry, for `If-Match`")
    status: Status
