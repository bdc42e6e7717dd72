"""What each order of the registry changes in a response."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from services.executor.domain import task
from services.executor.domain.events import (
    DueLine,
    Effect,
    EndedLine,
    EndOrdered,
    LinesDirected,
    LinesResumed,
    LinesSuspended,
    TermAmended,
)
from services.executor.domain.response_state import Response, evolve
from services.executor.domain.task import Task, due_on
from services.executor.domain.undoing import undone_at_once
from shared.calendar.working_days import today
from shared.contracts.event import Event, LineId
from shared.contracts.lawbook import MeasureKind
from shared.contracts.response import (
    EndMode,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
)
from shared.contracts.undoing import satisfies, stronger
from shared.rejection import reject

Order = ResponseDirected | ResponseAmended | ResponseSuspended | ResponseResumed | ResponseEnded
"""Orders of the registry. Its public events are the commands here."""


def direct(response: Response | None, order: ResponseDirected, now: datetime) -> Iterator[Event]:
    """New lines join the response; known lines change nothing."""
    known: Mapping[LineId, Task] = response.tasks if response else {}
    new = tuple(line for line in order.lines if line.line_id not in known)
    if new:
        day = today(now)
        yield LinesDirected(
            response_id=order.response_id,
            entry_id=order.entry_id,
            department=order.department,
            subject=order.subject,
            of=order.of,
            list_kind=order.list_kind,
            domain_id=order.domain_id,
            entry_subject=order.entry_subject,
            jurisdiction=order.jurisdiction,
            until=order.until,
            lawbook_version=order.lawbook_version,
            list_event_id=order.list_event_id,
            directed_at=now,
            lines=new,
            due=tuple(due_on(line, day, line.answer_within_days) for line in new),
        )


def amend(response: Response, order: ResponseAmended) -> list[Event]:
    if order.until == response.until:
        return []
    return [TermAmended(response_id=response.response_id, until=order.until)]


def suspend(response: Response, order: ResponseSuspended, now: datetime) -> list[Event]:
    """Only punishments that have not ended are suspended (row 16)."""
    lines = tuple(
        line_id
        for line_id, held in _tasks(response, order.lines)
        if held.line.kind is MeasureKind.DISCIPLINE
        and held.suspended_since is None
        and not isinstance(held.state, task.Ended)
    )
    if not lines:
        return []
    return [LinesSuspended(response_id=response.response_id, lines=lines, reason=order.reason, since=now)]


def resume(response: Response, order: ResponseResumed, now: datetime) -> list[Event]:
    """The time to answer starts again. The last day to undo an effect without a basis stays as it is."""
    day = today(now)
    lines = tuple(
        DueLine(
            line_id=line_id,
            due_on=None if task.unfounded(held.state) else due_on(held.line, day, held.line.answer_within_days),
        )
        for line_id, held in _tasks(response, order.lines)
        if held.suspended_since is not None
    )
    if not lines:
        return []
    return [LinesResumed(response_id=response.response_id, lines=lines, reason=order.reason, resumed_at=now)]


def end(response: Response, order: ResponseEnded, now: datetime) -> Iterator[Event]:
    """The end of lines. A line that owes no undoing is declared undone at once, with the reason."""
    day = today(now)
    ended = tuple(
        found
        for _, held in _tasks(response, order.lines)
        if (found := _ended(held, order.mode, due_on(held.line, day, held.line.undo_within_days)))
    )
    if not ended:
        return
    event = EndOrdered(
        response_id=response.response_id, lines=ended, mode=order.mode, reason=order.reason, ordered_at=now
    )
    yield event
    yield from undone_at_once(evolve(response, event), [line.line_id for line in ended], now)


def _ended(held: Task, mode: EndMode, due: date | None) -> EndedLine | None:
    """What this end changes for one line; None if it goes no further than an earlier one."""
    line_id, demand = held.line.line_id, task.line_demand(held.line, mode)
    state = held.state
    if isinstance(state, task.Ended) and not mode.goes_further_than(state.mode):
        return None
    match state:
        case task.Armed() | task.Applied():
            effect = Effect(task.state_name(state).value)
            return EndedLine(line_id=line_id, effect=effect, demand=demand, due_on=due)
        case task.ToUndo(effect=effect, demand=before, without_basis=why):
            return EndedLine(
                line_id=line_id, effect=effect, demand=stronger(before, demand), due_on=None if why else due
            )
        case task.Unfounded(demand=before):
            return EndedLine(line_id=line_id, effect=Effect.APPLIED, demand=stronger(before, demand), due_on=None)
        case task.Undone(how=how, effect=Effect() as effect) if not satisfies(how, demand, effect_reported=True):
            return EndedLine(line_id=line_id, effect=effect, demand=demand, due_on=due)
        case task.Withdrawn(how=how) if not satisfies(how, demand, effect_reported=True):
            return EndedLine(line_id=line_id, effect=Effect.APPLIED, demand=demand, due_on=due)
        case _:
            return EndedLine(line_id=line_id, effect=None, demand=None, due_on=due)


def _tasks(response: Response, lines: Sequence[LineId]) -> Iterator[tuple[LineId, Task]]:
    """The tasks of these lines, each once. Raises Rejected: `unknown_line`."""
    for line_id in dict.fromkeys(lines):
        if line_id not in response.tasks:
            raise reject("unknown_line", line_id=line_id, response_id=response.response_id)
        yield line_id, response.tasks[line_id]
