"""An import (批量导入): a file of rows that is checked, approved by another officer, and then published row by row.

Each row becomes an entry with a stream of its own. This aggregate holds only the steps of the file as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.initiator.domain.approval import import_publisher_faults, require_another_officer, wrong_step
from services.initiator.domain.commands import (
    ApproveImport,
    Finish,
    ImportCommand,
    Officer,
    Receive,
    RefuseFile,
    ReportCheck,
    Withdraw,
)
from services.initiator.domain.events import (
    ImportApproved,
    ImportChecked,
    ImportEvent,
    ImportFinished,
    ImportReceived,
    ImportRefused,
    WhyRefused,
)
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, DomainId, Event
from shared.decider import Decider
from shared.rejection import reject, reject_all


class ImportStatus(StrEnum):
    CHECKING = "checking"  # 校验中
    CHECKED = "checked"  # 待审核
    PUBLISHING = "publishing"  # 发布中
    DONE = "done"  # 已完成
    REFUSED = "refused"  # 已拒绝


# --- states


@dataclass(frozen=True, slots=True)
class NoImport:
    """No event exists under this id."""


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


ExistingImport = Checking | Checked | Publishing | Closed
ImportState = NoImport | ExistingImport
INITIAL: ImportState = NoImport()


def require_existing(state: ImportState) -> ExistingImport:
    """The state of an import that exists. Raises Rejected (`unknown_id`) otherwise."""
    if isinstance(state, NoImport):
        raise reject("unknown_id")
    return state


def status_of(state: ExistingImport) -> ImportStatus:
    match state:
        case Checking():
            return ImportStatus.CHECKING
        case Checked():
            return ImportStatus.CHECKED
        case Publishing():
            return ImportStatus.PUBLISHING
        case Closed(status=status):
            return status
        case _:
            assert_never(state)


# --- decisions


def decide(state: ImportState, command: ImportCommand, now: datetime) -> Sequence[ImportEvent]:
    """Raises Rejected with the reason why this command is refused now."""
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
            return _approve(state, command, now)
        case Finish():
            return _finish(state, command)


def _receive(state: ImportState, command: Receive) -> Sequence[ImportEvent]:
    if not isinstance(state, NoImport):
        raise wrong_step(status_of(state))
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
    state = require_existing(state)
    if not isinstance(state, Checking):
        raise wrong_step(status_of(state), ImportStatus.CHECKING)
    return [
        ImportChecked(
            rows=command.rows,
            good=command.good,
            rejected=command.rejected,
            domains=command.domains,
            lawbook_version=command.book.version,
            hidden_rows=command.hidden_rows,
        )
    ]


def _refuse(state: ImportState, command: RefuseFile) -> Sequence[ImportEvent]:
    state = require_existing(state)
    if isinstance(state, Closed):
        raise wrong_step(status_of(state), ImportStatus.CHECKING, ImportStatus.CHECKED, ImportStatus.PUBLISHING)
    faults = tuple(WhyRefused(code=fault.code, field=fault.field, facts=fault.facts) for fault in command.faults)
    return [ImportRefused(faults=faults, published=command.published)]


def _withdraw(state: ImportState, command: Withdraw) -> Sequence[ImportEvent]:
    state = require_existing(state)
    if not isinstance(state, Checking | Checked):
        raise wrong_step(status_of(state), ImportStatus.CHECKING, ImportStatus.CHECKED)
    if state.department != command.by.department:
        raise reject("forbidden_department")
    return [ImportRefused(faults=(WhyRefused(code="import_withdrawn"),), by=command.by.account)]


def _approve(state: ImportState, command: ApproveImport, now: datetime) -> Sequence[ImportEvent]:
    """Four eyes, and a department that may publish in every domain of the file."""
    state = require_existing(state)
    if not isinstance(state, Checked):
        raise wrong_step(status_of(state), ImportStatus.CHECKED)
    require_another_officer({state.imported_by}, command.by)
    if not state.good:
        raise reject("nothing_to_publish")
    reject_all(import_publisher_faults(state.domains, state.department, command.by, command.book, today(now)))
    return [
        ImportApproved(by=command.by.account, department=command.by.department, lawbook_version=command.book.version)
    ]


def _finish(state: ImportState, command: Finish) -> Sequence[ImportEvent]:
    state = require_existing(state)
    if not isinstance(state, Publishing):
        raise wrong_step(status_of(state), ImportStatus.PUBLISHING)
    return [ImportFinished(published=command.published, rejected=command.rejected)]


# --- evolution


def evolve(state: ImportState, event: Event) -> ImportState:
    match event, state:
        case ImportReceived(), _:
            return Checking(event.department, event.by)
        case ImportChecked(), Checking():
            return Checked(state.department, state.imported_by, event.good, event.domains)
        case ImportApproved(), Checked():
            return Publishing(state.department, state.imported_by, Officer(event.by, event.department))
        case ImportRefused(), Checking() | Checked() | Publishing():
            return Closed(state.department, ImportStatus.REFUSED)
        case ImportFinished(), Publishing():
            return Closed(state.department, ImportStatus.DONE)
        case _:
            return state


IMPORT: Decider[ImportState, ImportCommand] = Decider("import", INITIAL, decide, evolve)
"""The aggregate. Streams: `import-<id>`."""
