"""A task (任务): one line of a response, as the implementing department has to deal with it. Its states, and what it asks.

    directed → acknowledged → armed | applied | not applicable | refused | failed
    ended: to confirm (nothing was reported) | to undo (an effect is known) → undone

Suspension lies over the states that wait for an answer. An answer may come at any time before the end; a real effect that
is reported late is taken even after it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.executor.domain.events import Effect
from shared.contracts.execution import Undone as How
from shared.contracts.lawbook import Undoing
from shared.contracts.response import EndMode, Line


class TaskState(StrEnum):
    """What is known of the line's effect; whether its end was ordered is told beside it."""

    DIRECTED = "directed"
    ACKNOWLEDGED = "acknowledged"
    ARMED = "armed"
    APPLIED = "applied"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"
    FAILED = "failed"
    UNDONE = "undone"


class Asks(StrEnum):
    """What a task asks of the department now."""

    ANSWER = "answer"
    UNDO = "undo"
    CONFIRM = "confirm"
    """The end came before any answer: say that it was never applied, or report the effect after all."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Directed:
    pass


@dataclass(frozen=True, slots=True)
class Acknowledged:
    pass


@dataclass(frozen=True, slots=True)
class Armed:
    """An occasion measure is set up (已布控): whoever handles the matter meets it."""


@dataclass(frozen=True, slots=True)
class Applied:
    pass


@dataclass(frozen=True, slots=True)
class NotApplicable:
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A recommended measure was declined."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done; it is still to be done."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """Ended, and no effect is known: how it stood `before`, with the reason that the department gave then."""

    mode: EndMode
    before: TaskState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToUndo:
    """Ended, with an effect that is still there."""

    mode: EndMode
    effect: Effect
    demand: Undoing


@dataclass(frozen=True, slots=True)
class Undone:
    """Nothing is left in force; without `effect` there never was one."""

    mode: EndMode
    how: How
    effect: Effect | None


State = (
    Directed | Acknowledged | Armed | Applied | NotApplicable | Refused | Failed | ToConfirm | ToUndo | Undone
)  # closed: every match over it names all

Ended = ToConfirm | ToUndo | Undone


class Task(NamedTuple):
    """A line and how it stands. A named tuple: a department answers a thousand in one request."""

    line: Line
    directed_at: datetime
    state: State = Directed()
    suspended_since: datetime | None = None


def named(state: State) -> TaskState:
    """The name of a state for those outside."""
    match state:
        case Directed():
            return TaskState.DIRECTED
        case Acknowledged():
            return TaskState.ACKNOWLEDGED
        case Armed():
            return TaskState.ARMED
        case Applied():
            return TaskState.APPLIED
        case NotApplicable():
            return TaskState.NOT_APPLICABLE
        case Refused():
            return TaskState.REFUSED
        case Failed():
            return TaskState.FAILED
        case ToConfirm(before=before):
            return before
        case ToUndo(effect=effect):
            return TaskState(effect.value)
        case Undone():
            return TaskState.UNDONE


def reason_of(state: State) -> str:
    """Why the department said that it did not apply the measure; empty when it did not say so."""
    return state.reason if isinstance(state, NotApplicable | Refused | Failed | ToConfirm) else ""


AWAITING = frozenset({TaskState.DIRECTED, TaskState.ACKNOWLEDGED, TaskState.FAILED})
"""What still waits for an answer, as long as its end is not ordered."""

IN_EFFECT = frozenset({TaskState.ARMED, TaskState.APPLIED})


def asked(state: TaskState, *, ended: bool, suspended: bool) -> Asks:
    """What is asked now. The read model's column `open` says the same in SQL (views/tasks.py)."""
    if state is TaskState.UNDONE:
        return Asks.NOTHING
    if ended:
        return Asks.UNDO if state in IN_EFFECT else Asks.CONFIRM
    return Asks.ANSWER if state in AWAITING and not suspended else Asks.NOTHING


def asks(task: Task) -> Asks:
    """What the task asks of the department now."""
    return asked(named(task.state), ended=isinstance(task.state, Ended), suspended=task.suspended_since is not None)


_STRENGTH = {Undoing.NOTHING: 0, Undoing.STOP: 1, Undoing.RESTORE: 2}
_ACHIEVES = {
    How.NEVER_APPLIED: Undoing.NOTHING,
    How.NOTHING_TO_UNDO: Undoing.NOTHING,
    How.STOPPED: Undoing.STOP,
    How.RESTORED: Undoing.RESTORE,
}


def demanded(line: Line, mode: EndMode) -> Undoing:
    """What an effect of this line owes when it ends so."""
    return demanded_of(line.on_end, line.on_error, mode)


def demanded_of(on_end: Undoing, on_error: Undoing, mode: EndMode) -> Undoing:
    """From now on, what the measure says for an end; from the beginning, what it says for an error (row 18)."""
    return on_end if mode is EndMode.FROM_NOW else on_error


def stronger(one: Undoing, other: Undoing) -> Undoing:
    return max(one, other, key=_STRENGTH.__getitem__)


def satisfies(how: How, demand: Undoing) -> bool:
    """Whether an undoing is enough: what was restored is also stopped, not the other way round."""
    return _STRENGTH[_ACHIEVES[how]] >= _STRENGTH[demand]
