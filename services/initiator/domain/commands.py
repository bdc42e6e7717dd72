"""The commands of the initiator, to an entry and to an import."""

from dataclasses import dataclass

from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook
from shared.rejection import Fault


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who gives a command: the account at the identity provider, and its department."""

    account: str
    department: DepartmentId


# --- entry


@dataclass(frozen=True, slots=True)
class Draft:
    entry: Entry
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Revise:
    entry: Entry
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Submit:
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Return:
    reason: str
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Approve:
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class PublishImported:
    """Publish one row of an import: drafting and approval in one step. `imported_by` sent the file, `by` approved it."""

    entry: Entry
    import_id: str
    imported_by: str
    by: Officer
    book: LawBook


EntryCommand = Draft | Revise | Submit | Return | Approve | PublishImported


# --- import


@dataclass(frozen=True, slots=True)
class Receive:
    """`size`: bytes. `digest`: SHA-256 of the file, in hexadecimal."""

    by: Officer
    file_name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReportCheck:
    """Every row was judged. The counts are rows; `domains`: those of the good rows."""

    rows: int
    good: int
    rejected: int
    domains: tuple[DomainId, ...]
    book: LawBook
    hidden_rows: int = 0


@dataclass(frozen=True, slots=True)
class RefuseFile:
    """`published`: the rows that are published already, when the work on an approved import is given up."""

    faults: tuple[Fault, ...]
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The department withdraws its import before it is approved."""

    by: Officer


@dataclass(frozen=True, slots=True)
class ApproveImport:
    by: Officer
    book: LawBook


@dataclass(frozen=True, slots=True)
class Finish:
    published: int
    rejected: int


ImportCommand = Receive | ReportCheck | RefuseFile | Withdraw | ApproveImport | Finish
