"""An import (批量导入): a file of rows that is checked, approved by another officer, and then published row by row.

The rows themselves become entries, each with a stream of its own; here stands only what happens to the file as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from services.initiator.domain.entry import Officer
from shared.contracts.event import Contract, DepartmentId, DomainId, Event
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import publishers
from shared.rejection import Fault, Named, reject, reject_all


class ImportStatus(StrEnum):
    """Where an import stands."""

    CHECKING = "checking"  # 校验中
    CHECKED = "checked"  # 待审核
    PUBLISHING = "publishing"  # 发布中
    DONE = "done"  # 已完成
    REFUSED = "refused"  # 已拒绝


# --- events


class WhyRefused(Contract):
    """A fault of the file as a whole."""

    code: str
    field: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)


class ImportReceived(Event):
    """A department handed in a file. `digest` is its SHA-256: what was handed in can be proved later."""

    TYPE: ClassVar[str] = "initiator.import.received.v1"
    department: DepartmentId
    by: str
    file_name: str
    size: int
    digest: str


class ImportChecked(Event):
    """Every row was judged: `good` of them may be published, by the law book of this version."""

    TYPE: ClassVar[str] = "initiator.import.checked.v1"
    rows: int
    good: int
    rejected: int
    domains: tuple[DomainId, ...]
    lawbook_version: int


class ImportRefused(Event):
    """The file is not what it says, or was taken back; nothing of it is published."""

    TYPE: ClassVar[str] = "initiator.import.refused.v1"
    faults: tuple[WhyRefused, ...]
    by: str | None = None


class ImportApproved(Event):
    """Another officer approved the publication of what was found good."""

    TYPE: ClassVar[str] = "initiator.import.approved.v1"
    by: str
    department: DepartmentId
    lawbook_version: int


class ImportFinished(Event):
    """Every row was published or rejected."""

    TYPE: ClassVar[str] = "initiator.import.finished.v1"
    published: int
    rejected: int


ImportEvent = ImportReceived | ImportChecked | ImportRefused | ImportApproved | ImportFinished


# --- commands


@dataclass(frozen=True, slots=True)
class Receive:
    by: Officer
    file_name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReportCheck:
    rows: int
    good: int
    rejected: int
    domains: tuple[DomainId, ...]
    book: LawBook


@dataclass(frozen=True, slots=True)
class RefuseFile:
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The department takes its import back before it is approved."""

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


# --- states


@dataclass(frozen=True, slots=True)
class NoImport:
    """There is no import of this id."""


@dataclass(frozen=True, slots=True)
class Checking:
    department: DepartmentId
    imported_by: str


@dataclass(frozen=True, slots=True)
class Checked:
    department: DepartmentId
    imported_by: str
    good: int
    domains: tuple[DomainId, ...]


@dataclass(frozen=True, slots=True)
class Publishing:
    department: DepartmentId
    imported_by: str
    approved_by: Officer


@dataclass(frozen=True, slots=True)
class Closed:
    """Done or refused."""

    department: DepartmentId
    status: ImportStatus


ImportState = NoImport | Checking | Checked | Publishing | Closed
INITIAL: ImportState = NoImport()


def status_of(state: ImportState) -> ImportStatus:
    """Raises Rejected (`unknown_id`) when there is no import."""
    match state:
        case NoImport():
            raise reject("unknown_id")
        case Checking():
            return ImportStatus.CHECKING
        case Checked():
            return ImportStatus.CHECKED
        case Publishing():
            return ImportStatus.PUBLISHING
        case Closed(status=status):
            return status


# --- decisions


def decide(state: ImportState, command: ImportCommand, now: datetime) -> Sequence[ImportEvent]:
    """Raises Rejected with the reason why this cannot happen to this import now."""
    match command:
        case Receive():
            return _receive(state, command)
        case ReportCheck():
            return _report(state, command)
        case RefuseFile():
            return _refuse(state, command)
        case Withdraw():
            return _withdraw(state, command)
        case ApproveImport():
            return _approve(state, command)
        case Finish():
            return _finish(state, command)


def _receive(state: ImportState, command: Receive) -> Sequence[ImportEvent]:
    if not isinstance(state, NoImport):
        raise _wrong_step(state)
    return [
        ImportReceived(
            department=command.by.department,
            by=command.by.account,
            file_name=command.file_name,
            size=command.size,
            digest=command.digest,
        )
    ]


def _report(state: ImportState, command: ReportCheck) -> Sequence[ImportEvent]:
    if not isinstance(state, Checking):
        raise _wrong_step(state, ImportStatus.CHECKING)
    return [
        ImportChecked(
            rows=command.rows,
            good=command.good,
            rejected=command.rejected,
            domains=command.domains,
            lawbook_version=command.book.version,
        )
    ]


def _refuse(state: ImportState, command: RefuseFile) -> Sequence[ImportEvent]:
    if not isinstance(state, Checking | Checked):
        raise _wrong_step(state, ImportStatus.CHECKING, ImportStatus.CHECKED)
    faults = tuple(WhyRefused(code=fault.code, field=fault.field, facts=fault.facts) for fault in command.faults)
    return [ImportRefused(faults=faults)]


def _withdraw(state: ImportState, command: Withdraw) -> Sequence[ImportEvent]:
    if not isinstance(state, Checking | Checked):
        raise _wrong_step(state, ImportStatus.CHECKING, ImportStatus.CHECKED)
    if state.department != command.by.department:
        raise reject("forbidden_department")
    return [ImportRefused(faults=(WhyRefused(code="import_withdrawn"),), by=command.by.account)]


def _approve(state: ImportState, command: ApproveImport) -> Sequence[ImportEvent]:
    """Four eyes, by a department that may publish in every domain of the file."""
    if not isinstance(state, Checked):
        raise _wrong_step(state, ImportStatus.CHECKED)
    if state.imported_by == command.by.account:
        raise reject("four_eyes")
    if not state.good:
        raise reject("nothing_to_publish")
    reject_all(_may_not_publish(state.domains, command))
    return [
        ImportApproved(by=command.by.account, department=command.by.department, lawbook_version=command.book.version)
    ]


def _may_not_publish(domains: Sequence[DomainId], command: ApproveImport) -> list[Fault]:
    found = [domain for one in domains if (domain := command.book.domain(one)) is not None]
    return [
        Fault("may_not_publish", None, {"domain": Named(domain.domain_id, domain.name_zh, domain.name_en)})
        for domain in found
        if command.by.department not in publishers(domain)
    ]


def _finish(state: ImportState, command: Finish) -> Sequence[ImportEvent]:
    if not isinstance(state, Publishing):
        raise _wrong_step(state, ImportStatus.PUBLISHING)
    return [ImportFinished(published=command.published, rejected=command.rejected)]


def _wrong_step(state: ImportState, *wanted: ImportStatus) -> Exception:
    return reject("wrong_step", status=status_of(state), wanted=list(wanted))


# --- evolution


def evolve(state: ImportState, event: Event) -> ImportState:
    match event, state:
        case ImportReceived(), _:
            return Checking(event.department, event.by)
        case ImportChecked(), Checking():
            return Checked(state.department, state.imported_by, event.good, event.domains)
        case ImportApproved(), Checked():
            return Publishing(state.department, state.imported_by, Officer(event.by, event.department))
        case ImportRefused(), Checking() | Checked():
            return Closed(state.department, ImportStatus.REFUSED)
        case ImportFinished(), Publishing():
            return Closed(state.department, ImportStatus.DONE)
        case _:
            return state
