"""What feedback concludes from the ledger: that a loop closed (or is open again), and that an obligation is overdue.

Each conclusion is drawn once: a loop that is closed does not close again before it was open, and of the same obligation
it is said once that it is overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar

from services.feedback.domain.line import Owes
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, SubjectKey
from shared.contracts.feedback import LoopClosed, ObligationOverdue
from shared.contracts.vocabulary import Vocabulary


class LoopReopened(Event):
    """A closed loop is open again: the entry's end was ordered anew, or an effect was reported late."""

    TYPE: ClassVar[str] = "feedback.loop_reopened.v1"
    entry_id: EntryId


VOCABULARY = Vocabulary([LoopReopened])


@dataclass(frozen=True, slots=True)
class Loop:
    """The loop of one entry, as it was last told."""

    closed: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    entry_id: EntryId
    subject: SubjectKey
    lines: int


@dataclass(frozen=True, slots=True)
class Reopen:
    entry_id: EntryId


OPEN = Loop()


def decide_loop(loop: Loop, command: Close | Reopen, now: datetime) -> Sequence[Event]:
    """Row N1. What has been told already is not told again."""
    match command:
        case Close() if not loop.closed:
            return [LoopClosed(entry_id=command.entry_id, subject=command.subject, lines=command.lines)]
        case Reopen() if loop.closed:
            return [LoopReopened(entry_id=command.entry_id)]
        case _:
            return []


def evolve_loop(loop: Loop, event: Event) -> Loop:
    match event:
        case LoopClosed():
            return replace(loop, closed=True)
        case LoopReopened():
            return replace(loop, closed=False)
        case _:
            return loop


@dataclass(frozen=True, slots=True)
class Noticed:
    """Of which obligations of a line it was said that they are overdue."""

    obligations: frozenset[tuple[str, date]] = frozenset()


@dataclass(frozen=True, slots=True)
class NoticeOverdue:
    entry_id: EntryId
    line_id: LineId
    department: DepartmentId
    subject: SubjectKey
    owes: Owes
    due_on: date


NEVER_NOTICED = Noticed()


def decide_notice(noticed: Noticed, command: NoticeOverdue, now: datetime) -> Sequence[Event]:
    """Rows 17 and 22."""
    if (command.owes.value, command.due_on) in noticed.obligations:
        return []
    return [
        ObligationOverdue(
            entry_id=command.entry_id,
            subject=command.subject,
            line_id=command.line_id,
            department=command.department,
            owes=command.owes.value,
            due_on=command.due_on,
        )
    ]


def evolve_notice(noticed: Noticed, event: Event) -> Noticed:
    match event:
        case ObligationOverdue():
            return Noticed(noticed.obligations | {(event.owes, event.due_on)})
        case _:
            return noticed
