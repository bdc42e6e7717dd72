"""A report: the answers of a department to tasks of one response."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.executor.domain import answers
from services.executor.domain.answers import AnswerKind, EventContent, LineAnswer
from services.executor.domain.bars import bar_of
from services.executor.domain.check import RecordOutcome
from services.executor.domain.events import DueLine, LateEffectsOwed
from services.executor.domain.response_state import Response, evolve
from services.executor.domain.task import Task, ToUndo, Unfounded, due_on, unfounded
from services.executor.domain.undoing import undone_at_once
from shared.calendar.working_days import today
from shared.contracts import execution
from shared.contracts.event import Event, LineId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import Undoing
from shared.contracts.undoing import undo_within
from shared.lawbook.book import LawBook
from shared.rejection import Fault, Rejected


@dataclass(frozen=True, slots=True)
class Report:
    """Answers about lines of one response, at most one for each line; judged by this law book."""

    answers: tuple[LineAnswer, ...]
    book: LawBook


@dataclass(frozen=True, slots=True)
class Sifted:
    """The valid answers of a report, and the faults of the others by their index in the report."""

    valid: tuple[LineAnswer, ...]
    faults: Mapping[int, tuple[Fault, ...]] = field(default_factory=dict[int, tuple[Fault, ...]])


def sift(response: Response, report: Report, now: datetime) -> Sifted:
    """Judge every answer by itself. A second answer about the same line is a fault."""
    valid: list[LineAnswer] = []
    faults: dict[int, tuple[Fault, ...]] = {}
    seen: set[LineId] = set()
    for index, answer in enumerate(report.answers):
        held = response.tasks.get(answer.line_id)
        if held is None:
            faults[index] = (Fault("unknown_id", "task_id"),)
        elif answer.line_id in seen:
            faults[index] = (Fault("task_repeated", "task_id"),)
        elif found := tuple(answers.faults(held, answer, report.book, now)):
            faults[index] = found
        else:
            valid.append(answer)
        seen.add(answer.line_id)
    return Sifted(tuple(valid), faults)


def report(response: Response, command: Report, now: datetime) -> list[Event]:
    """The events of a report. Raises Rejected with all faults of all its answers."""
    sifted = sift(response, command, now)
    if sifted.faults:
        raise Rejected(*(fault for faults in sifted.faults.values() for fault in faults))
    return list(_events(response, sifted.valid, command.book, now))


def on_occasion(
    response: Response, lines: Sequence[LineId], outcome: RecordOutcome, book: LawBook, now: datetime
) -> Report:
    """What the outcome of a check reports about these lines of a response: those that were barred when they were applied.

    A line whose effect is known to be without a basis is left out. What was lawfully applied on an occasion needs no report.
    """
    at = outcome.done_at or now
    barred = [i for i in lines if not unfounded((held := response.tasks[i]).state) and bar_of(held, book, at, now)]
    return Report(
        tuple(
            LineAnswer(i, AnswerKind.APPLY, outcome.note, evidence=outcome.evidence, done_at=outcome.done_at)
            for i in barred
        ),
        book,
    )


def _events(response: Response, valid: Sequence[LineAnswer], book: LawBook, now: datetime) -> Iterator[Event]:
    """One event for answers of equal content, with all their lines; then what effects owe that are late or without a basis."""
    groups: dict[EventContent, list[LineId]] = {}
    for answer in valid:
        content = answers.event_content(response.tasks[answer.line_id], answer, book, now)
        groups.setdefault(content, []).append(answer.line_id)
    events = [_event(response, content, tuple(lines)) for content, lines in groups.items()]
    yield from events
    owing = [line for event in events if _owes_an_undoing(event) for line in event.lines]
    if owing:
        after = response
        for event in events:
            after = evolve(after, event)
        yield from _undoings_owed(after, owing, now)


def _owes_an_undoing(event: ExecutionEvent) -> bool:
    return isinstance(event, execution.Applied) and (event.late or event.without_basis is not None)


def _event(response: Response, content: EventContent, lines: tuple[LineId, ...]) -> ExecutionEvent:
    return content.event_type(
        entry_id=response.entry_id,
        response_id=response.response_id,
        department=response.department,
        subject=response.subject,
        lines=lines,
        done_at=content.done_at,
        **dict(content.fields),
    )


def _undoings_owed(response: Response, lines: Sequence[LineId], now: datetime) -> Iterator[Event]:
    """The day by which each of these effects must be undone, or, where nothing is owed, the undoing."""
    day = today(now)
    owing = tuple(
        DueLine(line_id=line_id, due_on=_undo_by(held, day))
        for line_id in lines
        if isinstance((held := response.tasks[line_id]).state, ToUndo | Unfounded)
        and held.state.demand is not Undoing.NOTHING
    )
    if owing:
        yield LateEffectsOwed(response_id=response.response_id, lines=owing)
    yield from undone_at_once(response, lines, now)


def _undo_by(held: Task, day: date) -> date | None:
    without_basis = unfounded(held.state) is not None
    return due_on(held.line, day, undo_within(held.line.undo_within_days, without_basis=without_basis))
