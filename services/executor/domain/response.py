"""The aggregate: one response (entry, subject, department) with its tasks. Orders come from the registry, answers from
the department.

Orders never fail for what a line has become: repeated or overtaken ones change nothing. Answers are judged one by one, so
that of a thousand the good ones stand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from services.executor.domain import answers, task
from services.executor.domain.answers import LineAnswer
from services.executor.domain.events import (
    DueLine,
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
from shared.calendar.working_days import add_working_days, today
from shared.contracts import execution
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, ResponseId, SubjectKey
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import Duty, MeasureKind, Undoing
from shared.contracts.response import (
    EndMode,
    Line,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
)
from shared.lawbook.book import LawBook
from shared.rejection import Fault, Rejected, reject


class Response(NamedTuple):
    """A response that was directed."""

    response_id: ResponseId
    entry_id: EntryId
    department: DepartmentId
    subject: SubjectKey
    until: date | None
    tasks: Mapping[LineId, Task]


@dataclass(frozen=True, slots=True)
class Report:
    """A department's answers about lines of one response, at most one a line; judged by this law book."""

    answers: tuple[LineAnswer, ...]
    book: LawBook


Order = ResponseDirected | ResponseAmended | ResponseSuspended | ResponseResumed | ResponseEnded
"""What the registry orders; its events are the commands here."""

Command = Order | Report

INITIAL: Response | None = None


def decide(response: Response | None, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: for a report with any fault, and for an order about what was never directed."""
    if isinstance(command, ResponseDirected):
        return list(_direct(response, command, now))
    if response is None:
        raise reject("unknown_response")
    match command:
        case ResponseAmended():
            return _amend(response, command)
        case ResponseSuspended():
            return _suspend(response, command, now)
        case ResponseResumed():
            return _resume(response, command, today(now))
        case ResponseEnded():
            return list(_end(response, command, now))
        case Report():
            sifted = sift(response, command, now)
            if sifted.bad:
                raise Rejected(*(fault for faults in sifted.bad.values() for fault in faults))
            return list(_told(response, sifted.good, now))


# --- orders ----------------------------------------------------------------------------------------------------------


def _direct(response: Response | None, order: ResponseDirected, now: datetime) -> Iterator[Event]:
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
            due=tuple(_due(line, day, line.answer_within_days) for line in new),
        )


def _due(line: Line, day: date, working_days: int) -> date | None:
    """The last day for it, in working days after `day`; none for whoever was only invited (row 28)."""
    return None if line.duty is Duty.INVITED else add_working_days(day, working_days).date


def _amend(response: Response, order: ResponseAmended) -> list[Event]:
    if order.until == response.until:
        return []
    return [TermAmended(response_id=response.response_id, until=order.until)]


def _suspend(response: Response, order: ResponseSuspended, now: datetime) -> list[Event]:
    """Only punishments are suspended, and only those that have not ended (row 16)."""
    lines = tuple(
        line_id
        for line_id, held in _named(response, order.lines)
        if held.line.kind is MeasureKind.DISCIPLINE
        and held.suspended_since is None
        and not isinstance(held.state, task.Ended)
    )
    if not lines:
        return []
    return [LinesSuspended(response_id=response.response_id, lines=lines, reason=order.reason, since=now)]


def _resume(response: Response, order: ResponseResumed, day: date) -> list[Event]:
    lines = tuple(
        DueLine(line_id=line_id, due_on=_due(held.line, day, held.line.answer_within_days))
        for line_id, held in _named(response, order.lines)
        if held.suspended_since is not None
    )
    return [LinesResumed(response_id=response.response_id, lines=lines, reason=order.reason)] if lines else []


def _end(response: Response, order: ResponseEnded, now: datetime) -> Iterator[Event]:
    """The end of lines; what owes no undoing is declared undone at once, with the reason that nothing is owed."""
    day = today(now)
    ended = tuple(
        found
        for _, held in _named(response, order.lines)
        if (found := _ended(held, order.mode, _due(held.line, day, held.line.undo_within_days)))
    )
    if not ended:
        return
    event = EndOrdered(response_id=response.response_id, lines=ended, mode=order.mode, reason=order.reason)
    yield event
    yield from _owing_nothing(evolve(response, event), [line.line_id for line in ended], now)


def _ended(held: Task, mode: EndMode, due_on: date | None) -> EndedLine | None:
    """What this end means for one line; None when it changes nothing. From the beginning goes further than from now on."""
    line_id, demand = held.line.line_id, task.demanded(held.line, mode)
    no_effect = EndedLine(line_id=line_id, effect=None, demand=None, due_on=due_on)
    state = held.state
    if isinstance(state, task.Ended) and (mode is EndMode.FROM_NOW or state.mode is EndMode.FROM_BEGINNING):
        return None
    match state:
        case task.Armed() | task.Applied():
            effect = Effect(task.named(state).value)
            return EndedLine(line_id=line_id, effect=effect, demand=demand, due_on=due_on)
        case task.ToUndo(effect=effect, demand=before):
            more = task.stronger(before, demand)
            return EndedLine(line_id=line_id, effect=effect, demand=more, due_on=due_on)
        case task.Undone(how=how, effect=Effect() as effect) if not task.satisfies(how, demand):
            return EndedLine(line_id=line_id, effect=effect, demand=demand, due_on=due_on)
        case _:
            return no_effect


def _owing_nothing(response: Response, lines: Iterable[LineId], now: datetime) -> Iterator[Event]:
    """Of lines that have just ended: where the measure leaves nothing to undo, or the answer was that it did not apply."""
    found: dict[tuple[execution.Undone, str], list[LineId]] = {}
    for line_id in lines:
        held = response.tasks[line_id]
        match held.state:
            case ToUndo(demand=Undoing.NOTHING):
                key = execution.Undone.NOTHING_TO_UNDO, held.line.nothing_to_undo_because
            case ToConfirm(before=before, reason=reason) if before not in _UNHEARD:
                key = execution.Undone.NEVER_APPLIED, reason
            case _:
                continue
        found.setdefault(key, []).append(line_id)
    for (how, evidence), line_ids in found.items():
        yield execution.EffectUndone(
            entry_id=response.entry_id,
            response_id=response.response_id,
            department=response.department,
            subject=response.subject,
            lines=tuple(line_ids),
            done_at=now,
            how=how,
            evidence=evidence,
        )


_UNHEARD = frozenset({task.TaskState.DIRECTED, task.TaskState.ACKNOWLEDGED})
"""Nothing was said about the effect: the department may have applied the line without reporting it."""


def _named(response: Response, lines: Sequence[LineId]) -> Iterator[tuple[LineId, Task]]:
    for line_id in dict.fromkeys(lines):
        if line_id not in response.tasks:
            raise reject("unknown_line", line_id=line_id, response_id=response.response_id)
        yield line_id, response.tasks[line_id]


# --- answers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sifted:
    """Answers that may stand, and the faults of the others by their place in the report."""

    good: tuple[LineAnswer, ...]
    bad: Mapping[int, tuple[Fault, ...]] = field(default_factory=dict[int, tuple[Fault, ...]])


def sift(response: Response, report: Report, now: datetime) -> Sifted:
    """Judge every answer by itself. A second answer about the same line is a fault."""
    good: list[LineAnswer] = []
    bad: dict[int, tuple[Fault, ...]] = {}
    seen: set[LineId] = set()
    for place, answer in enumerate(report.answers):
        held = response.tasks.get(answer.line_id)
        if held is None:
            bad[place] = (Fault("unknown_id", "task_id"),)
        elif answer.line_id in seen:
            bad[place] = (Fault("task_repeated", "task_id"),)
        elif faults := tuple(answers.faults(held, answer, report.book, now)):
            bad[place] = faults
        else:
            good.append(answer)
        seen.add(answer.line_id)
    return Sifted(tuple(good), bad)


def _told(response: Response, told: Sequence[LineAnswer], now: datetime) -> Iterator[Event]:
    """One event for each kind of answer, with its lines; then what late effects owe, if anything."""
    groups: dict[answers.Kind, list[LineId]] = {}
    for answer in told:
        groups.setdefault(answers.kind(response.tasks[answer.line_id], answer, now), []).append(answer.line_id)
    events = [_event(response, kind, tuple(lines)) for kind, lines in groups.items()]
    yield from events
    late = [line for event in events if isinstance(event, execution.Applied) and event.late for line in event.lines]
    if late:
        after = response
        for event in events:
            after = evolve(after, event)
        yield from _late(after, late, now)


def _late(response: Response, lines: Sequence[LineId], now: datetime) -> Iterator[Event]:
    """What effects owe that were reported after the end: an undoing by a day, or none, and that is said at once."""
    day = today(now)
    owing = tuple(
        DueLine(line_id=line_id, due_on=_due(held.line, day, held.line.undo_within_days))
        for line_id in lines
        if isinstance((held := response.tasks[line_id]).state, ToUndo) and held.state.demand is not Undoing.NOTHING
    )
    if owing:
        yield LateEffectsOwed(response_id=response.response_id, lines=owing)
    yield from _owing_nothing(response, lines, now)


def _event(response: Response, kind: answers.Kind, lines: tuple[LineId, ...]) -> ExecutionEvent:
    return kind.event(
        entry_id=response.entry_id,
        response_id=response.response_id,
        department=response.department,
        subject=response.subject,
        lines=lines,
        done_at=kind.done_at,
        **dict(kind.said),
    )


# --- what events mean ------------------------------------------------------------------------------------------------


def evolve(response: Response | None, event: Event) -> Response:
    if isinstance(event, LinesDirected):
        return _opened(response, event)
    if response is None:
        raise TypeError(f"{event.TYPE} before the response was directed")
    match event:
        case TermAmended():
            return response._replace(until=event.until)
        case LateEffectsOwed():
            return response
        case LinesSuspended():
            return _with(response, {i: response.tasks[i]._replace(suspended_since=event.since) for i in event.lines})
        case LinesResumed():
            ids = [line.line_id for line in event.lines]
            return _with(response, {i: response.tasks[i]._replace(suspended_since=None) for i in ids})
        case EndOrdered():
            return _with(
                response, {end.line_id: _after_end(response.tasks[end.line_id], end, event) for end in event.lines}
            )
        case ExecutionEvent():
            return _with(response, {i: _after_answer(response.tasks[i], event) for i in event.lines})
        case _:
            raise TypeError(f"{event.TYPE} is no event of a response")


def _opened(response: Response | None, event: LinesDirected) -> Response:
    new = {line.line_id: Task(line, event.directed_at) for line in event.lines}
    return Response(
        response_id=event.response_id,
        entry_id=event.entry_id,
        department=event.department,
        subject=event.subject,
        until=event.until,
        tasks={**response.tasks, **new} if response else new,
    )


def _with(response: Response, changed: Mapping[LineId, Task]) -> Response:
    return response._replace(tasks={**response.tasks, **changed})


def _after_end(held: Task, end: EndedLine, event: EndOrdered) -> Task:
    state: task.State
    if end.effect is not None and end.demand is not None:
        state = ToUndo(event.mode, end.effect, end.demand)
    elif isinstance(held.state, task.Undone):
        state = replace(held.state, mode=event.mode)
    else:
        state = ToConfirm(event.mode, task.named(held.state), task.reason_of(held.state))
    return held._replace(state=state, suspended_since=None)


def _after_answer(held: Task, event: ExecutionEvent) -> Task:
    state: task.State
    match event:
        case execution.Acknowledged():
            state = task.Acknowledged()
        case execution.Armed():
            state = task.Armed()
        case execution.Applied():
            state = _after_effect(held)
        case execution.NotApplicable():
            state = task.NotApplicable(event.reason)
        case execution.Refused():
            state = task.Refused(event.reason)
        case execution.Failed():
            state = task.Failed(event.reason)
        case execution.EffectUndone():
            state = _after_undoing(held, event.how)
        case _:
            raise TypeError(f"{event.TYPE} is no answer")
    return held._replace(state=state)


def _after_effect(held: Task) -> task.State:
    """An effect reported after the end owes its undoing (a real effect is never refused)."""
    if isinstance(held.state, task.Ended):
        mode = held.state.mode
        return ToUndo(mode, Effect.APPLIED, task.demanded(held.line, mode))
    return task.Applied()


def _after_undoing(held: Task, how: execution.Undone) -> task.State:
    match held.state:
        case ToUndo(mode=mode, effect=effect):
            return task.Undone(mode, how, effect)
        case ToConfirm(mode=mode) | task.Undone(mode=mode):
            return task.Undone(mode, how, None)
        case _:
            raise TypeError("an undoing without an end")
