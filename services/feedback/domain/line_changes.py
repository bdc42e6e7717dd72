"""How events change a line: orders of the registry, and reports of the department."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.feedback.domain.line import LedgerLine
from services.feedback.domain.states import Answer
from shared.contracts.execution import (
    Acknowledged,
    Applied,
    Armed,
    EffectUndone,
    ExecutionEvent,
    Failed,
    NotApplicable,
    Refused,
)
from shared.contracts.lawbook import Duty
from shared.contracts.response import (
    ResponseDirected,
    ResponseEnded,
    ResponseEvent,
    ResponseResumed,
    ResponseSuspended,
)


def after_order(line: LedgerLine, event: ResponseEvent, at: datetime) -> LedgerLine:
    """The line after an order of the registry. `at`: the time of the event."""
    change = _BY_ORDER.get(type(event))
    return change(line, event, at) if change else line


def after_report(line: LedgerLine, event: ExecutionEvent, at: datetime) -> LedgerLine:
    """The line after a report of the department. `at`: the time of the event."""
    if line.department is None:
        line = line._replace(response_id=event.response_id, department=event.department, subject=event.subject)
    change = _BY_REPORT.get(type(event))
    return change(line, event, at) if change else line


# --- orders of the registry ------------------------------------------------------------------------------------------


def _directed(line: LedgerLine, event: ResponseDirected, at: datetime) -> LedgerLine:
    directed = next(one for one in event.lines if one.line_id == line.line_id)
    return line._replace(
        response_id=event.response_id,
        department=event.department,
        subject=event.subject,
        measure_id=directed.measure_id,
        measure_version=directed.measure_version,
        owed=directed.duty is Duty.OWED,
        on_end=directed.on_end,
        on_error=directed.on_error,
        answer_within_days=directed.answer_within_days,
        undo_within_days=directed.undo_within_days,
        directed_at=at,
    )


def _ended(line: LedgerLine, event: ResponseEnded, at: datetime) -> LedgerLine:
    """An order that goes no further than an earlier one changes nothing."""
    if not event.mode.goes_further_than(line.end_mode):
        return line
    return line._replace(end_mode=event.mode, end_orders=line.end_orders + 1, end_ordered_at=at, suspended=False)


def _suspended(line: LedgerLine, _: ResponseSuspended, __: datetime) -> LedgerLine:
    return line._replace(suspended=True)


def _resumed(line: LedgerLine, _: ResponseResumed, at: datetime) -> LedgerLine:
    return line._replace(suspended=False, resumed_at=at)


_BY_ORDER: dict[type[ResponseEvent], Callable[[LedgerLine, Any, datetime], LedgerLine]] = {
    ResponseDirected: _directed,
    ResponseEnded: _ended,
    ResponseSuspended: _suspended,
    ResponseResumed: _resumed,
}
"""By the type of the event. `match` would test each class in turn, which costs more than the change itself."""


# --- reports of the department ---------------------------------------------------------------------------------------


def _in_effect(line: LedgerLine, event: Applied | Armed, at: datetime) -> LedgerLine:
    """A real effect is never refused. Reported after an undoing, it voids that undoing and owes another one.

    What was applied without a basis is no answer to the direction.
    """
    applied = isinstance(event, Applied)
    without_basis = event.without_basis if isinstance(event, Applied) else None
    return line._replace(
        answer=Answer.APPLIED if applied else Answer.ARMED,
        answered_at=line.answered_at if without_basis else line.answered_at or at,
        without_basis=without_basis,
        applied_at=event.done_at,
        effect_told_at=at,
        told_late=line.told_late or (applied and event.late),
        undone=None,
        undone_at=None,
        undone_told_at=None,
        evidence="",
    )


def _undone(line: LedgerLine, event: EffectUndone, at: datetime) -> LedgerLine:
    """After the undoing of an effect without a basis, the direction is not answered."""
    return line._replace(
        undone=event.how,
        undone_at=event.done_at,
        undone_told_at=at if line.without_basis else None,
        evidence=event.evidence,
        answer=None if line.without_basis else line.answer,
    )


def _acknowledged(line: LedgerLine, _: Acknowledged, at: datetime) -> LedgerLine:
    return line if line.acknowledged_at else line._replace(acknowledged_at=at)


def _not_applicable(line: LedgerLine, _: NotApplicable, at: datetime) -> LedgerLine:
    return _answered(line, Answer.NOT_APPLICABLE, at)


def _refused(line: LedgerLine, _: Refused, at: datetime) -> LedgerLine:
    return _answered(line, Answer.REFUSED, at)


def _failed(line: LedgerLine, _: Failed, __: datetime) -> LedgerLine:
    return line._replace(answer=Answer.FAILED)


def _answered(line: LedgerLine, answer: Answer, at: datetime) -> LedgerLine:
    return line._replace(answer=answer, answered_at=line.answered_at or at)


_BY_REPORT: dict[type[ExecutionEvent], Callable[[LedgerLine, Any, datetime], LedgerLine]] = {
    Applied: _in_effect,
    Armed: _in_effect,
    EffectUndone: _undone,
    Acknowledged: _acknowledged,
    NotApplicable: _not_applicable,
    Refused: _refused,
    Failed: _failed,
}
