"""The aggregate `obligation`: what a department owes about one line is published as overdue once (rows 17 and 22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.feedback.domain.states import Owes
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, SubjectKey
from shared.contracts.feedback import ObligationOverdue
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class Notices:
    """The obligations of a line, as (owes, due_on), that were published as overdue."""

    published: frozenset[tuple[str, date]] = frozenset()


@dataclass(frozen=True, slots=True)
class NoticeOverdue:
    """Publish that an obligation is overdue: its last day, `due_on`, has passed."""

    entry_id: EntryId
    line_id: LineId
    department: DepartmentId
    subject: SubjectKey
    owes: Owes
    due_on: date


INITIAL = Notices()


def decide(notices: Notices, command: NoticeOverdue, now: datetime) -> Sequence[Event]:
    """The notice; nothing when the same obligation was published before."""
    if (command.owes.value, command.due_on) in notices.published:
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


def evolve(notices: Notices, event: Event) -> Notices:
    match event:
        case ObligationOverdue():
            return Notices(notices.published | {(event.owes, event.due_on)})
        case _:
            return notices


OBLIGATION: Decider[Notices, NoticeOverdue] = Decider("obligation", INITIAL, decide, evolve)
"""Streams `obligation-<line_id>`."""
