"""The commands on an entry after its publication."""

from dataclasses import dataclass

from services.repair.domain.content import Content
from services.repair.domain.events import Ground
from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who gives a command. A credit office (信用办) may act on the entries of its regions."""

    account: str
    department: DepartmentId | None
    credit_office: bool = False


@dataclass(frozen=True, slots=True)
class Adopt:
    """Take over an entry. `published_as`: the id of the event that published it. A repeated adoption changes nothing."""

    entry: Entry
    lawbook_version: int
    published_as: str


@dataclass(frozen=True, slots=True)
class Expire:
    """End the entry if its term has passed; otherwise do nothing."""

    book: LawBook


@dataclass(frozen=True, slots=True)
class RequestRepair:
    """Request repair (信用修复). `evidence`: what shows that the conduct was put right."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class FileObjection:
    """File an objection (异议) to the entry. `new_evidence`: what was not known when the same ground was rejected."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str
    ground: Ground = Ground.OTHER
    new_evidence: str = ""


@dataclass(frozen=True, slots=True)
class Decide:
    """Decide about the entry. It takes effect when another officer confirms it, if it ends anything."""

    by: Officer
    book: LawBook
    decision_id: str
    content: Content


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm what another officer decided (复核): it takes effect."""

    by: Officer
    book: LawBook
    decision_id: str


@dataclass(frozen=True, slots=True)
class Return:
    """Return a decision unconfirmed (退回), with the reason: nothing else changes."""

    by: Officer
    book: LawBook
    decision_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefuseRepair:
    """Refuse a request for repair, with the reason."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BeginVerification:
    """Begin to verify an objection (信息核实)."""

    by: Officer
    book: LawBook
    case_id: str


@dataclass(frozen=True, slots=True)
class RejectObjection:
    """Reject an objection: the record was verified and is right."""

    by: Officer
    book: LawBook
    case_id: str
    reason: str


Intake = RequestRepair | FileObjection
"""Commands of departments that need not answer for the entry: documents differ in who receives them (row 16)."""
Decision = Decide | Confirm | Return | RefuseRepair | BeginVerification | RejectObjection
"""Commands of the departments that answer for the entry, and of the credit office."""
AfterAdoption = Expire | Intake | Decision
Command = Adopt | AfterAdoption
