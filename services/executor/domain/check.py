"""The aggregate: one check (应查必查, row 11). What was asked and told, and, when it hit, what the department then did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.executor.domain.events import CheckMade, OutcomeRecorded
from shared.contracts.event import DepartmentId, Event
from shared.rejection import reject


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made; `awaits` an outcome as long as it has hits without one."""

    department: DepartmentId
    hits: int
    answered: bool = False

    @property
    def awaits(self) -> bool:
        return self.hits > 0 and not self.answered


@dataclass(frozen=True, slots=True)
class Make:
    """What was found is part of the command: looking it up is no decision."""

    found: CheckMade


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    check_id: str
    department: DepartmentId
    applied: bool
    note: str


Command = Make | RecordOutcome

INITIAL: Check | None = None


def decide(check: Check | None, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: an outcome of no check of this department, of a check without hits, or a second one."""
    match command:
        case Make(found=found):
            return [found]
        case RecordOutcome():
            if check is None or check.department != command.department:
                raise reject("unknown_id", "check_id")
            if check.answered:
                raise reject("outcome_recorded_already")
            if not check.awaits:
                raise reject("no_outcome_awaited")
            return [
                OutcomeRecorded(check_id=command.check_id, applied=command.applied, note=command.note, recorded_at=now)
            ]


def evolve(check: Check | None, event: Event) -> Check:
    match event:
        case CheckMade():
            return Check(event.department, len(event.hits))
        case OutcomeRecorded() if check is not None:
            return Check(check.department, check.hits, answered=True)
        case _:
            raise TypeError(f"{event.TYPE} is no event of a check")


def receipt_number(check_id: str, now: datetime) -> str:
    """What stands on the receipt: the day, and the end of the check's id, which is random."""
    return f"{now:%Y%m%d}-{check_id.replace('-', '')[-12:].upper()}"
