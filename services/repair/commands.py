"""What may be asked of an entry after its publication."""

from dataclasses import dataclass

from services.repair.correction import Changes
from shared.contracts.event import DepartmentId
from shared.contracts.listing import Cause, Entry
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Officer:
    """For whom a command is given: a department, or the credit office (信用办), which may act on every entry."""

    department: DepartmentId | None
    credit_office: bool = False


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over an entry that was published as this event. Again: nothing happens."""

    entry: Entry
    lawbook_version: int
    published_as: str


@dataclass(frozen=True, slots=True)
class Correct:
    """The entry stands, with other content from the beginning."""

    by: Officer
    book: LawBook
    changes: Changes
    cause: Cause
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """The entry should never have been."""

    by: Officer
    book: LawBook
    cause: Cause
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class End:
    """The subject no longer qualifies, or the entry is withdrawn (退出)."""

    by: Officer
    book: LawBook
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """End the entry if its term has passed; otherwise nothing happens."""

    book: LawBook


@dataclass(frozen=True, slots=True)
class RequestRepair:
    book: LawBook
    case_id: str
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class GrantRepair:
    by: Officer
    book: LawBook
    case_id: str
    reason: str
    document_number: str


@dataclass(frozen=True, slots=True)
class RefuseRepair:
    by: Officer
    book: LawBook
    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileObjection:
    book: LawBook
    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class UpholdObjection:
    """With `changes` the entry is corrected, without them revoked."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str
    document_number: str
    changes: Changes | None = None


@dataclass(frozen=True, slots=True)
class RejectObjection:
    by: Officer
    book: LawBook
    case_id: str
    reason: str


Decision = Correct | Revoke | End | GrantRepair | RefuseRepair | UpholdObjection | RejectObjection
"""What only those who answer for the entry may do."""
Intake = RequestRepair | FileObjection
"""What any department takes in (row 16: the credit centre in 002, implementers in 001 and 003, the credit office in 004)."""
Command = Adopt | Expire | Decision | Intake
