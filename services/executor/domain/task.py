"""A task (任务): one line of a response as its department sees it. The states of a task, and what the task asks for.

    directed → acknowledged → armed | applied | not applicable | refused | failed
    ended: to confirm (no effect is known) | to undo (an effect is known) → undone
    unfounded (applied without a basis before the end) → withdrawn (undone before the end; asks for an answer again)

Suspension is independent of these states; a suspended punishment asks for no answer. The department may answer at any time
before the end. A real effect is accepted whenever it is reported.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from services.executor.domain.events import Effect
from shared.calendar.working_days import add_working_days
from shared.contracts.execution import Undone as How
from shared.contracts.execution import WithoutBasis
from shared.contracts.lawbook import (
    Duty,
    Undoing,
    Works,
)
from shared.contracts.response import EndMode, Line
from shared.contracts.undoing import demand_for, stronger


class TaskState(StrEnum):
    """What is known about the effect of the line. Whether its end was ordered is stored separately."""

    DIRECTED = "directed"
    ACKNOWLEDGED = "acknowledged"
    ARMED = "armed"
    APPLIED = "applied"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"
    FAILED = "failed"
    UNDONE = "undone"


class Asks(StrEnum):
    """What a task asks of its department now."""

    ANSWER = "answer"
    UNDO = "undo"
    CONFIRM = "confirm"
    """The end was ordered before any answer: confirm that the line was never applied, or report the effect."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Directed:
    pass


@dataclass(frozen=True, slots=True)
class Acknowledged:
    pass


@dataclass(frozen=True, slots=True)
class Armed:
    """An occasion measure is set up (已布控): a check in its matter shows it."""


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
    """The measure could not be applied, and is still to be applied."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """Ended, and no effect is known. `before`: the state at the end; `reason`: what the department gave in that state."""

    mode: EndMode
    before: TaskState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToUndo:
    """Ended, with an effect that is not undone yet."""

    mode: EndMode
    effect: Effect
    demand: Undoing
    without_basis: WithoutBasis | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """Nothing is in force any more. `effect` is None when there never was one. `at`: when the department undid it."""

    mode: EndMode
    how: How
    effect: Effect | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Unfounded:
    """Applied without a basis (无依据实施), and the end is not ordered: to be undone at once (004 四(三))."""

    why: WithoutBasis
    demand: Undoing


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An effect without a basis was undone, and the end is not ordered: the line waits for an answer again."""

    how: How
    at: datetime


State = (
    Directed
    | Acknowledged
    | Armed
    | Applied
    | NotApplicable
    | Refused
    | Failed
    | ToConfirm
    | ToUndo
    | Undone
    | Unfounded
    | Withdrawn
)  # closed union: every `match` over it names all members

Ended = ToConfirm | ToUndo | Undone


class Task(NamedTuple):
    """A line and its state. A named tuple for speed: a department answers a thousand tasks in one request."""

    line: Line
    directed_at: datetime
    state: State = Directed()
    suspended_since: datetime | None = None
    past_suspensions: tuple[tuple[datetime, datetime], ...] = ()
    """Suspensions that are over: since, until. One whose end is not known (an older event) is left out."""
    ended_at: datetime | None = None
    """When the first end was ordered, as this service read it. None: it was not, or an older event does not tell."""

    def was_suspended(self, at: datetime) -> bool:
        """Whether the line was suspended at that time."""
        if self.suspended_since is not None and at >= self.suspended_since:
            return True
        return any(since <= at < until for since, until in self.past_suspensions)


def state_name(state: State) -> TaskState:
    """The public name of a state."""
    match state:
        case Directed():
            return TaskState.DIRECTED
        case Acknowledged():
            return TaskState.ACKNOWLEDGED
        case Armed():
            return TaskState.ARMED
        case Applied() | Unfounded():
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
        case Undone() | Withdrawn():
            return TaskState.UNDONE


def unfounded(state: State) -> WithoutBasis | None:
    """Why the effect that is in force has no basis; None when it has one, or when no effect is in force."""
    match state:
        case Unfounded(why=why):
            return why
        case ToUndo(without_basis=why):
            return why
        case _:
            return None


def reason_given(state: State) -> str:
    """The reason of the department for not applying the measure; empty when it gave none."""
    return state.reason if isinstance(state, NotApplicable | Refused | Failed | ToConfirm) else ""


AWAITING_ANSWER = frozenset({TaskState.DIRECTED, TaskState.ACKNOWLEDGED, TaskState.FAILED, TaskState.UNDONE})
"""States that wait for an answer, until the end is ordered. Undone before the end: an effect without a basis was undone."""

IN_EFFECT = frozenset({TaskState.ARMED, TaskState.APPLIED})


ON_OCCASION = frozenset({Works.OCCASION, Works.ACT_AND_OCCASION})
"""Measures that are applied whenever the subject appears in their matter."""


def asks_in_state(state: TaskState, *, ended: bool, suspended: bool, without_basis: bool) -> Asks:
    """What a task in this state asks. The column `open` of the read model computes the same in SQL (views/tasks.py).

    `without_basis`: the effect that is in force has no basis, so it must be undone, ended or not.
    """
    if ended:
        if state is TaskState.UNDONE:
            return Asks.NOTHING
        return Asks.UNDO if state in IN_EFFECT else Asks.CONFIRM
    if without_basis:
        return Asks.UNDO
    return Asks.ANSWER if state in AWAITING_ANSWER and not suspended else Asks.NOTHING


def asks_of(task: Task) -> Asks:
    """What the task asks of its department now."""
    return asks_in_state(
        state_name(task.state),
        ended=isinstance(task.state, Ended),
        suspended=task.suspended_since is not None,
        without_basis=unfounded(task.state) is not None,
    )


def line_demand(line: Line, mode: EndMode) -> Undoing:
    """The undoing that an effect of this line owes after an end of this mode."""
    return demand_for(line.on_end, line.on_error, mode)


def unfounded_demand(line: Line, mode: EndMode | None) -> Undoing:
    """The undoing that an effect without a basis owes: as if it was wrong from the beginning, and no less than an end demands."""
    from_beginning = line_demand(line, EndMode.FROM_BEGINNING)
    return from_beginning if mode is None else stronger(from_beginning, line_demand(line, mode))


def due_on(line: Line, day: date, working_days: int) -> date | None:
    """The last day for an action, in working days after `day` (Asia/Shanghai); None for an invited duty (row 28)."""
    return None if line.duty is Duty.INVITED else add_working_days(day, working_days).date
