"""Answers of departments to tasks: the faults of an answer, and the event that a valid answer becomes."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.executor.domain import task
from services.executor.domain.bars import Bar, bar_of
from services.executor.domain.events import Effect
from services.executor.domain.task import ON_OCCASION, Task
from shared.contracts import execution
from shared.contracts.event import LineId
from shared.contracts.execution import ExecutionEvent, WithoutBasis
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
    """The answer of a department to one task. `done_at`: when the department did it; None means now.

    `apply` without `done_at` is the intention to apply now; with it, the report of an effect.
    """

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


def event_content(held: Task, answer: LineAnswer, book: LawBook, now: datetime) -> EventContent:
    """The content of the event that a valid answer becomes."""
    event_type: type[ExecutionEvent]
    fields: tuple[tuple[str, object], ...]
    match answer.kind:
        case AnswerKind.ACKNOWLEDGE:
            event_type, fields = execution.Acknowledged, ()
        case AnswerKind.APPLY:
            event_type, fields = _effect(held, answer, book, now)
        case AnswerKind.NOT_APPLICABLE:
            event_type, fields = execution.NotApplicable, (("reason", answer.reason),)
        case AnswerKind.REFUSE:
            event_type, fields = execution.Refused, (("reason", answer.reason),)
        case AnswerKind.FAIL:
            event_type, fields = execution.Failed, (("reason", answer.reason),)
        case AnswerKind.UNDO:
            event_type, fields = execution.EffectUndone, (("how", answer.how), ("evidence", answer.evidence))
    return EventContent(event_type, answer.done_at or now, fields)


def _effect(
    held: Task, answer: LineAnswer, book: LawBook, now: datetime
) -> tuple[type[ExecutionEvent], tuple[tuple[str, object], ...]]:
    """An occasion measure is armed, any other applied. A late effect, and one without a basis, is always an application."""
    late, bar = isinstance(held.state, task.Ended), bar_of(held, book, answer.done_at or now, now)
    judged = (("note", answer.note), ("lawbook_version", book.version))
    if held.line.works is Works.OCCASION and not late and bar is None:
        return execution.Armed, judged
    told = (("late", late), ("evidence", answer.evidence), ("without_basis", bar.why if bar else None))
    return execution.Applied, (*judged, *told)


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
            yield from _apply_faults(held, answer, book, now)
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


def _apply_faults(held: Task, answer: LineAnswer, book: LawBook, now: datetime) -> Iterator[Fault]:
    """What is barred now is not applied now. That it was applied is always accepted, with the time and with evidence, because
    the effect exists and must be recorded: it was lawful if nothing barred it at that time."""
    then = bar_of(held, book, answer.done_at or now, now)
    if _is_known(held, answer.done_at, then):
        yield _already_answered(held)
    elif (bar := then or bar_of(held, book, now, now)) and not (answer.done_at and answer.evidence.strip()):
        yield bar.fault


def _is_known(held: Task, done_at: datetime | None, bar: Bar | None) -> bool:
    """Whether the effect is one that was reported before. An effect after an undoing is another one; so is the application of a
    measure on an occasion on which it was barred."""
    match held.state:
        case task.Unfounded() | task.ToUndo(without_basis=WithoutBasis()):
            return True
        case task.Armed() | task.Applied() | task.ToUndo():
            return bar is None or held.line.works not in ON_OCCASION
        case task.Undone(effect=Effect(), at=undone_at):
            return done_at is None or done_at <= undone_at
        case task.Withdrawn(at=undone_at):
            return done_at is not None and done_at <= undone_at
        case _:
            return False


def _undo_faults(held: Task, how: execution.Undone | None) -> Iterator[Fault]:
    match held.state:
        case task.Undone():
            yield _already_answered(held)
        case task.ToConfirm():
            if how not in (None, execution.Undone.NEVER_APPLIED):
                yield Fault("effect_not_reported", "how")
        case task.ToUndo(demand=demand) | task.Unfounded(demand=demand):
            if how is not None and not satisfies(how, stronger(demand, Undoing.STOP), effect_reported=True):
                yield Fault("undoing_not_enough", "how", {"demand": demand})
        case _:
            yield Fault("end_not_ordered")


_ALLOWED_IN: dict[AnswerKind, tuple[type[task.State], ...]] = {
    AnswerKind.ACKNOWLEDGE: (task.Directed,),
    AnswerKind.NOT_APPLICABLE: (task.Directed, task.Acknowledged, task.Failed, task.Withdrawn),
    AnswerKind.REFUSE: (task.Directed, task.Acknowledged, task.Failed, task.Withdrawn),
    AnswerKind.FAIL: (task.Directed, task.Acknowledged, task.Withdrawn),
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
