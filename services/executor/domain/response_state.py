"""The state of a response, and how events change it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from services.executor.domain import task
from services.executor.domain.events import (
    Effect,
    EndedLine,
    EndOrdered,
    LateEffectsOwed,
    LinesDirected,
    LinesResumed,
    LinesSuspended,
    TermAmended,
)
from services.executor.domain.task import Task, ToConfirm, ToUndo
from shared.contracts import execution
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, ResponseId, SubjectKey
from shared.contracts.execution import ExecutionEvent, WithoutBasis


class Response(NamedTuple):
    """A response that was directed: everything that one department must do about one subject because of one entry."""

    response_id: ResponseId
    entry_id: EntryId
    department: DepartmentId
    subject: SubjectKey
    until: date | None
    tasks: Mapping[LineId, Task]


INITIAL: Response | None = None


def evolve(response: Response | None, event: Event) -> Response:
    if isinstance(event, LinesDirected):
        return _with_lines(response, event)
    if response is None:
        raise TypeError(f"{event.TYPE} before the response was directed")
    match event:
        case TermAmended():
            return response._replace(until=event.until)
        case LateEffectsOwed():
            return response
        case LinesSuspended():
            return _with_tasks(
                response, {i: response.tasks[i]._replace(suspended_since=event.since) for i in event.lines}
            )
        case LinesResumed():
            ids = [line.line_id for line in event.lines]
            return _with_tasks(response, {i: _not_suspended(response.tasks[i], event.resumed_at) for i in ids})
        case EndOrdered():
            return _with_tasks(
                response, {end.line_id: _after_end(response.tasks[end.line_id], end, event) for end in event.lines}
            )
        case ExecutionEvent():
            return _with_tasks(response, {i: _after_answer(response.tasks[i], event) for i in event.lines})
        case _:
            raise TypeError(f"{event.TYPE} is not an event of a response")


def _with_lines(response: Response | None, event: LinesDirected) -> Response:
    new = {line.line_id: Task(line, event.directed_at) for line in event.lines}
    return Response(
        response_id=event.response_id,
        entry_id=event.entry_id,
        department=event.department,
        subject=event.subject,
        until=event.until,
        tasks={**response.tasks, **new} if response else new,
    )


def _with_tasks(response: Response, changed: Mapping[LineId, Task]) -> Response:
    return response._replace(tasks={**response.tasks, **changed})


def _not_suspended(held: Task, until: datetime | None) -> Task:
    """The task after its suspension. A suspension whose end is not known is not remembered."""
    since = held.suspended_since
    past = held.past_suspensions if since is None or until is None else (*held.past_suspensions, (since, until))
    return held._replace(suspended_since=None, past_suspensions=past)


def _after_end(held: Task, end: EndedLine, event: EndOrdered) -> Task:
    state: task.State
    if end.effect is not None and end.demand is not None:
        state = ToUndo(event.mode, end.effect, end.demand, task.unfounded(held.state))
    elif isinstance(held.state, task.Undone):
        state = replace(held.state, mode=event.mode)
    elif isinstance(held.state, task.Withdrawn):
        state = task.Undone(event.mode, held.state.how, Effect.APPLIED, held.state.at)
    else:
        state = ToConfirm(event.mode, task.state_name(held.state), task.reason_given(held.state))
    ended_at = held.ended_at if isinstance(held.state, task.Ended) else event.ordered_at
    return _not_suspended(held, event.ordered_at)._replace(state=state, ended_at=ended_at)


def _after_answer(held: Task, event: ExecutionEvent) -> Task:
    state: task.State
    match event:
        case execution.Acknowledged():
            state = task.Acknowledged()
        case execution.Armed():
            state = task.Armed()
        case execution.Applied():
            state = _after_effect(held, event.without_basis)
        case execution.NotApplicable():
            state = task.NotApplicable(event.reason)
        case execution.Refused():
            state = task.Refused(event.reason)
        case execution.Failed():
            state = task.Failed(event.reason)
        case execution.EffectUndone():
            state = _after_undoing(held, event)
        case _:
            raise TypeError(f"{event.TYPE} is not an answer")
    return held._replace(state=state)


def _after_effect(held: Task, without_basis: WithoutBasis | None) -> task.State:
    """A real effect is always accepted. Reported after the end, or applied without a basis, it owes its undoing."""
    mode = held.state.mode if isinstance(held.state, task.Ended) else None
    if without_basis is not None:
        demand = task.unfounded_demand(held.line, mode)
        if mode is None:
            return task.Unfounded(without_basis, demand)
        return ToUndo(mode, Effect.APPLIED, demand, without_basis)
    return task.Applied() if mode is None else ToUndo(mode, Effect.APPLIED, task.line_demand(held.line, mode))


def _after_undoing(held: Task, event: execution.EffectUndone) -> task.State:
    match held.state:
        case ToUndo(mode=mode, effect=effect):
            return task.Undone(mode, event.how, effect, event.done_at)
        case ToConfirm(mode=mode) | task.Undone(mode=mode):
            return task.Undone(mode, event.how, None, event.done_at)
        case task.Unfounded():
            return task.Withdrawn(event.how, event.done_at)
        case _:
            raise TypeError("an undoing without an end")
