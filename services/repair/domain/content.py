"""What is decided about an entry. A decision keeps its content until another officer confirms it."""

from typing import Annotated, Literal

from pydantic import Field

from services.repair.domain.correction import Changes
from shared.contracts.event import Contract
from shared.contracts.listing import Cause


class Correction(Contract):
    """Change the content of the entry, from the beginning (更正)."""

    kind: Literal["correction"] = "correction"
    changes: Changes
    cause: Cause
    reason: str
    document_number: str


class Revocation(Contract):
    """Remove an entry that should never have been listed, from the beginning (撤销)."""

    kind: Literal["revocation"] = "revocation"
    cause: Cause
    reason: str
    document_number: str


class Ending(Contract):
    """End the entry from now on: the subject no longer qualifies, or the entry is withdrawn (退出)."""

    kind: Literal["ending"] = "ending"
    cause: Cause
    reason: str


class Grant(Contract):
    """Grant a request for repair (准予修复): the entry leaves its list."""

    kind: Literal["repair"] = "repair"
    case_id: str
    reason: str
    document_number: str


class Upholding(Contract):
    """Uphold an objection (异议成立): the entry is corrected when `changes` are given, otherwise revoked."""

    kind: Literal["objection"] = "objection"
    case_id: str
    reason: str
    document_number: str
    changes: Changes | None = None


Content = Annotated[Correction | Revocation | Ending | Grant | Upholding, Field(discriminator="kind")]
"""The content of a decision."""
DecisionKind = Literal["correction", "revocation", "ending", "repair", "objection"]


def case_of(content: Content) -> str | None:
    """The case that the content decides; None for an act without a case."""
    return content.case_id if isinstance(content, Grant | Upholding) else None


def needs_the_list(content: Content) -> bool:
    """Whether it is only possible while the entry is on its list. What was wrong from the beginning can be revoked later too."""
    return not (isinstance(content, Revocation) or (isinstance(content, Upholding) and content.changes is None))
