"""What bars the application of a line at a moment (rows 5 and 16; 004 四(三)): its end, its suspension, or the basis gate.

The moment is that of the act. So the law book is asked for the day on which the measure was applied, not for the day of its
report.
"""

from dataclasses import dataclass
from datetime import datetime

from services.executor.domain import task
from services.executor.domain.gate import refusal_reason
from services.executor.domain.task import Task
from shared.calendar.working_days import today
from shared.contracts.execution import WithoutBasis
from shared.lawbook.book import LawBook
from shared.rejection import Fault


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a line must not be applied, and the fault of an intention to apply it."""

    why: WithoutBasis
    fault: Fault


def bar_of(held: Task, book: LawBook, at: datetime, now: datetime) -> Bar | None:
    """What bars the line at the moment `at`, which is not after `now`; None when it may be applied.

    When the end was ordered is not known of older events. Then the line is over now, and nothing is said about earlier.
    """
    if isinstance(held.state, task.Ended) and at >= (held.ended_at or now):
        return Bar(WithoutBasis.AFTER_END, Fault("line_ended"))
    if held.was_suspended(at):
        since = held.suspended_since.isoformat() if held.suspended_since else at.isoformat()
        return Bar(WithoutBasis.SUSPENDED, Fault("line_suspended", None, {"since": since}))
    if reason := refusal_reason(held.line, book, today(at)):
        fault = Fault("basis_gone", None, {"reason": reason, "measure_id": held.line.measure_id})
        return Bar(WithoutBasis.BASIS_GONE, fault)
    return None
