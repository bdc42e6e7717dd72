"""Answers of departments to tasks: the faults of an answer, and the event that a valid answer becomes."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.executor.domain import task
from services.executor.domain.gate import refusal_reason
from services.executor.domain.task import Task
from shared.calendar.working_days import today
from shared.contracts import execution
from shared.contracts.event import LineId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import (
    Force,
    Undoing,
    Works,
)
from shared.contracts.undoing import satisfies, stronger
from shared.lawbook.book import LawBook
from shared.rejection import Fault


class AnswerKind(StrEnum):
    """What the department answers."""

    ACKNOWLEDGE = "acknowledge"
    APPLY = "apply"
    NOT_APPLICABLE = "not_applicable"
    REFUSE = "refuse"
    FAIL = "fail"
    UNDO = "undo"


class LineAnswer(NamedTuple):
    """The answer of a department to one task. `done_at`: when the department did it; None means now."""

    line_id: LineId
    kind: AnswerKind
    note: str = ""
    reason: str = ""
    how: execution.Undone | None = None
    evidence: str = ""
    done_at: datetime | None = None


class EventContent(NamedTuple):
    """The content of an event, without the lines. Answers with equal content become one event."""

    event_type: type[ExecutionEvent]
    done_at: datetime
    fields: tuple[tuple[str, object], ...]


def event_content(held: Task, answer: LineAnswer, now: datetime) -> EventContent:
    """The content of the event that a valid answer becomes."""
    event_type: type[ExecutionEvent]
    fields: tuple[tuple[str, object], ...]
    match answer.kind:
        case AnswerKind.ACKNOWLEDGE:
            event_type, fields = execution.Acknowledged, ()
        case AnswerKind.APPLY:
            late = isinstance(held.state, task.Ended)
            if held.line.works is Works.OCCASION and not late:
                event_type, fields = execution.Armed, (("note", answer.note),)
            else:
                event_type, fields = execution.Applied, (("note", answer.note), ("late", late))
        case AnswerKind.NOT_APPLICABLE:
            event_type, fields = execution.NotApplicable, (("reason", answer.reason),)
        case AnswerKind.REFUSE:
            event_type, fields = execution.Refused, (("reason", answer.reason),)
        case AnswerKind.FAIL:
            event_type, fields = execution.Failed, (("reason", answer.reason),)
        case AnswerKind.UNDO:
            event_type, fields = execution.EffectUndone, (("how", answer.how), ("evidence", answer.evidence))
    return EventContent(event_type, answer.done_at or now, fields)


def faults(held: Task, answer: LineAnswer, book: LawBook, now: datetime) -> Iterator[Fault]:
    """All faults of an answer; none when it is valid."""
    done_at = answer.done_at or now
    if done_at > now:
        yield Fault("date_in_future", "done_at", {"date": done_at})
    elif answer.done_at is not None and done_at < held.directed_at:
        # Only a given time is tested: the clocks of two machines may differ.
        yield Fault("done_before_directed", "done_at", {"directed_at": held.directed_at.isoformat()})
    yield from _missing_fields(answer)
    match answer.kind:
        case AnswerKind.APPLY:
            yield from _apply_faults(held, done_at, book)
        case AnswerKind.UNDO:
            yield from _undo_faults(held, answer.how)
        case _:
            yield from _other_faults(held, answer.kind)


_NEEDS_REASON = frozenset({AnswerKind.NOT_APPLICABLE, AnswerKind.REFUSE, AnswerKind.FAIL})


def _missing_fields(answer: LineAnswer) -> Iterator[Fault]:
    if answer.kind in _NEEDS_REASON and not answer.reason.strip():
        yield Fault("field_missing", "reason")
    if answer.kind is AnswerKind.UNDO and answer.how is None:
        yield Fault("field_missing", "how")
    if answer.kind is AnswerKind.UNDO and not answer.evidence.strip():
        yield Fault("field_missing", "evidence")


def _apply_faults(held: Task, done_at: datetime, book: LawBook) -> Iterator[Fault]:
    """Before the end, suspension and basis gate bar a punishment, judged at the time when it was done. After the end
    nothing bars it, because the effect exists and must be recorded."""
    match held.state:
        case task.Armed() | task.Applied() | task.ToUndo():
            yield _already_answered(held)
        case task.Undone(effect=effect):
            if effect is not None:
                yield _already_answered(held)
        case task.ToConfirm():
            pass
        case _:
            if held.suspended_since is not None and done_at >= held.suspended_since:
                yield Fault("line_suspended", None, {"since": held.suspended_since.isoformat()})
            elif reason := refusal_reason(held.line, book, today(done_at)):
                yield Fault("basis_gone", None, {"reason": reason, "measure_id": held.line.measure_id})


def _undo_faults(held: Task, how: execution.Undone | None) -> Iterator[Fault]:
    match held.state:
        case task.Undone():
            yield _already_answered(held)
        case task.ToConfirm():
            if how not in (None, execution.Undone.NEVER_APPLIED):
                yield Fault("effect_not_reported", "how")
        case task.ToUndo(demand=demand):
            if how is not None and not satisfies(how, stronger(demand, Undoing.STOP), effect_reported=True):
                yield Fault("undoing_not_enough", "how", {"demand": demand})
        case _:
            yield Fault("end_not_ordered")


_ALLOWED_IN: dict[AnswerKind, tuple[type[task.State], ...]] = {
    AnswerKind.ACKNOWLEDGE: (task.Directed,),
    AnswerKind.NOT_APPLICABLE: (task.Directed, task.Acknowledged, task.Failed),
    AnswerKind.REFUSE: (task.Directed, task.Acknowledged, task.Failed),
    AnswerKind.FAIL: (task.Directed, task.Acknowledged),
}


def _other_faults(held: Task, kind: AnswerKind) -> Iterator[Fault]:
    if isinstance(held.state, task.Ended):
        yield _already_answered(held) if isinstance(held.state, task.Undone) else Fault("line_ended")
    elif not isinstance(held.state, _ALLOWED_IN[kind]):
        yield _already_answered(held)
    elif kind is AnswerKind.REFUSE and held.line.force is not Force.RECOMMENDED:
        yield Fault("refusal_not_allowed", None, {"measure_id": held.line.measure_id})


def _already_answered(held: Task) -> Fault:
    return Fault("already_answered", None, {"state": task.state_name(held.state)})
