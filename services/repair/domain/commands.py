"""The commands on an entry after its publication."""

from dataclasses import dataclass

from services.repair.domain.correction import Changes
from shared.contracts.event import DepartmentId
from shared.contracts.listing import Cause, Entry
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who gives a command: of a department, or of the credit office (信用办), which may act on every entry."""

    department: DepartmentId | None
    credit_office: bool = False


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over an entry. `published_as`: the id of the event that published it. A repeated adoption changes nothing."""

    entry: Entry
    lawbook_version: int
    published_as: str


@dataclass(frozen=True, slots=True)
class Correct:
    """Change the content of the entry, from the beginning."""

    by: Officer
    book: LawBook
    changes: Changes
    cause: Cause
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Remove an entry that should never have been listed, from the beginning."""

    by: Officer
    book: LawBook
    cause: Cause
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class End:
    """End the entry from now on: the subject no longer qualifies, or the entry is withdrawn (退出)."""

    by: Officer
    book: LawBook
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """End the entry if its term has passed; otherwise do nothing."""

    book: LawBook


@dataclass(frozen=True, slots=True)
class RequestRepair:
    """Request repair (信用修复). `evidence`: what shows that the conduct was put right."""

    book: LawBook
    case_id: str
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class GrantRepair:
    """Grant a request for repair: the entry leaves its list."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class RefuseRepair:
    """Refuse a request for repair, with the reason."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileObjection:
    """File an objection (异议) to the entry."""

    book: LawBook
    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class UpholdObjection:
    """Uphold an objection: the entry is corrected when `changes` are given, otherwise revoked."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str
    document_number: str
    changes: Changes | None = None


@dataclass(frozen=True, slots=True)
class RejectObjection:
    """Reject an objection: the record was verified and is right."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str


Decision = Correct | Revoke | End | GrantRepair | RefuseRepair | UpholdObjection | RejectObjection
"""Commands of the departments responsible for the entry, and of the credit office."""
Intake = RequestRepair | FileObjection
"""Commands of any department: documents differ in who receives them (row 16).

The credit centre in 002, implementers in 001 and 003, the credit office in 004.
"""
Command = Adopt | Expire | Decision | Intake
