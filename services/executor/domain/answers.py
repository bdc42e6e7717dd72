"""What a department may say about a task, and when: the faults of an answer, and the event that a good one becomes."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.executor.domain import task
from services.executor.domain.gate import barred
from services.executor.domain.task import Task
from shared.calendar.working_days import today
from shared.contracts import execution
from shared.contracts.event import LineId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import Force, Undoing, Works
from shared.lawbook.book import LawBook
from shared.rejection import Fault


class Saying(StrEnum):
    """What is said about a task."""

    ACKNOWLEDGE = "acknowledge"
    APPLY = "apply"
    NOT_APPLICABLE = "not_applicable"
    REFUSE = "refuse"
    FAIL = "fail"
    UNDO = "undo"


class LineAnswer(NamedTuple):
    """One answer. `done_at` is when the department did it, now unless given."""

    line_id: LineId
    saying: Saying
    note: str = ""
    reason: str = ""
    how: execution.Undone | None = None
    evidence: str = ""
    done_at: datetime | None = None


class Kind(NamedTuple):
    """What answers must have in common to become one event."""

    event: type[ExecutionEvent]
    done_at: datetime
    said: tuple[tuple[str, object], ...]


def kind(held: Task, answer: LineAnswer, now: datetime) -> Kind:
    """The event that a good answer becomes."""
    event: type[ExecutionEvent]
    said: tuple[tuple[str, object], ...]
    match answer.saying:
        case Saying.ACKNOWLEDGE:
            event, said = execution.Acknowledged, ()
        case Saying.APPLY:
            late = isinstance(held.state, task.Ended)
            if held.line.works is Works.OCCASION and not late:
                event, said = execution.Armed, (("note", answer.note),)
            else:
                event, said = execution.Applied, (("note", answer.note), ("late", late))
        case Saying.NOT_APPLICABLE:
            event, said = execution.NotApplicable, (("reason", answer.reason),)
        case Saying.REFUSE:
            event, said = execution.Refused, (("reason", answer.reason),)
        case Saying.FAIL:
            event, said = execution.Failed, (("reason", answer.reason),)
        case Saying.UNDO:
            event, said = execution.EffectUndone, (("how", answer.how), ("evidence", answer.evidence))
    return Kind(event, answer.done_at or now, said)


def faults(held: Task, answer: LineAnswer, book: LawBook, now: datetime) -> Iterator[Fault]:
    """Everything that is wrong with an answer; nothing when it may stand."""
    done_at = answer.done_at or now
    if done_at > now:
        yield Fault("date_in_future", "done_at", {"date": done_at})
    elif answer.done_at is not None and done_at < held.directed_at:  # of two machines' clocks one may be behind
        yield Fault("done_before_directed", "done_at", {"directed_at": held.directed_at.isoformat()})
    yield from _missing(answer)
    match answer.saying:
        case Saying.APPLY:
            yield from _of_applying(held, done_at, book)
        case Saying.UNDO:
            yield from _of_undoing(held, answer.how)
        case _:
            yield from _of_answering(held, answer.saying)


_REASONED = frozenset({Saying.NOT_APPLICABLE, Saying.REFUSE, Saying.FAIL})


def _missing(answer: LineAnswer) -> Iterator[Fault]:
    if answer.saying in _REASONED and not answer.reason.strip():
        yield Fault("field_missing", "reason")
    if answer.saying is Saying.UNDO and answer.how is None:
        yield Fault("field_missing", "how")
    if answer.saying is Saying.UNDO and not answer.evidence.strip():
        yield Fault("field_missing", "evidence")


def _of_applying(held: Task, done_at: datetime, book: LawBook) -> Iterator[Fault]:
    """Before the end the suspension and the basis gate bar a punishment, as of the moment when it was done; after the end
    nothing does, because the effect is there."""
    match held.state:
        case task.Armed() | task.Applied() | task.ToUndo():
            yield _already(held)
        case task.Undone(effect=effect):
            if effect is not None:
                yield _already(held)
        case task.ToConfirm():
            pass
        case _:
            if held.suspended_since is not None and done_at >= held.suspended_since:
                yield Fault("line_suspended", None, {"since": held.suspended_since.isoformat()})
            elif reason := barred(held.line, book, today(done_at)):
                yield Fault("basis_gone", None, {"reason": reason, "measure_id": held.line.measure_id})


def _of_undoing(held: Task, how: execution.Undone | None) -> Iterator[Fault]:
    match held.state:
        case task.Undone():
            yield _already(held)
        case task.ToConfirm():
            if how not in (None, execution.Undone.NEVER_APPLIED):
                yield Fault("effect_not_reported", "how")
        case task.ToUndo(demand=demand):
            if how is not None and not task.satisfies(how, task.stronger(demand, Undoing.STOP)):
                yield Fault("undoing_not_enough", "how", {"demand": demand})
        case _:
            yield Fault("end_not_ordered")


_FROM: dict[Saying, tuple[type[task.State], ...]] = {
    Saying.ACKNOWLEDGE: (task.Directed,),
    Saying.NOT_APPLICABLE: (task.Directed, task.Acknowledged, task.Failed),
    Saying.REFUSE: (task.Directed, task.Acknowledged, task.Failed),
    Saying.FAIL: (task.Directed, task.Acknowledged),
}


def _of_answering(held: Task, saying: Saying) -> Iterator[Fault]:
    if isinstance(held.state, task.Ended):
        yield _already(held) if isinstance(held.state, task.Undone) else Fault("line_ended")
    elif not isinstance(held.state, _FROM[saying]):
        yield _already(held)
    elif saying is Saying.REFUSE and held.line.force is not Force.RECOMMENDED:
        yield Fault("refusal_not_allowed", None, {"measure_id": held.line.measure_id})


def _already(held: Task) -> Fault:
    return Fault("already_answered", None, {"state": task.named(held.state)})
