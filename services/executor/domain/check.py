"""The aggregate `check` (应查必查, row 11): what was asked and found, and, after hits, what the department then did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.executor.domain.events import CheckMade, Hit, OutcomeRecorded
from shared.contracts.event import DepartmentId, Event
from shared.decider import Decider
from shared.rejection import reject


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made. It awaits an outcome while it has hits and no outcome."""

    department: DepartmentId
    hits: tuple[Hit, ...]
    answered: bool = False

    @property
    def awaits_outcome(self) -> bool:
        return bool(self.hits) and not self.answered


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """Record a check. The findings are part of the command, because reading them from the database is no decision."""

    made: CheckMade


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Record what the department did about the hits of its check."""

    check_id: str
    department: DepartmentId
    applied: bool
    note: str
    done_at: datetime | None = None
    evidence: str = ""


Command = RecordCheck | RecordOutcome

INITIAL: Check | None = None


def decide(check: Check | None, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `unknown_id` (no such check of this department), `no_outcome_awaited` (the check has no hits),
    `outcome_recorded_already` or `date_in_future`."""
    match command:
        case RecordCheck(made=made):
            return [made]
        case RecordOutcome():
            if check is None or check.department != command.department:
                raise reject("unknown_id", "check_id")
            if check.answered:
                raise reject("outcome_recorded_already")
            if not check.awaits_outcome:
                raise reject("no_outcome_awaited")
            if command.done_at is not None and command.done_at > now:
                raise reject("date_in_future", "done_at", date=command.done_at)
            return [
                OutcomeRecorded(
                    check_id=command.check_id,
                    applied=command.applied,
                    note=command.note,
                    recorded_at=now,
                    done_at=command.done_at,
                    evidence=command.evidence,
                )
            ]


def evolve(check: Check | None, event: Event) -> Check:
    match event:
        case CheckMade():
            return Check(event.department, event.hits)
        case OutcomeRecorded() if check is not None:
            return Check(check.department, check.hits, answered=True)
        case _:
            raise TypeError(f"{event.TYPE} is not an event of a check")


CHECK: Decider[Check | None, Command] = Decider("check", INITIAL, decide, evolve)
"""Streams `check-<check_id>`."""


def receipt_number(check_id: str, now: datetime) -> str:
    """The number of a receipt: the day (UTC), and the last twelve hexadecimal digits of the check's id, which are random."""
    return f"{now:%Y%m%d}-{check_id.replace('-', '')[-12:].upper()}"
