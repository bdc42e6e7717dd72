"""One line (措施行) of the ledger: what the registry ordered beside what the department did, and what follows from both.

The two sides never look at one another while they are filled. The registry's side (directed, suspended, resumed, ended)
is folded in the order of `liandong.response`, the department's (acknowledged, answered, undone) in that of
`liandong.execution`; every question that needs both is asked of the finished row. Hence the two topics may be read in any
order between them.
"""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from shared.calendar.working_days import add_working_days, today
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId, SubjectKey
from shared.contracts.execution import (
    Acknowledged,
    Applied,
    Armed,
    EffectUndone,
    ExecutionEvent,
    Failed,
    NotApplicable,
    Refused,
    Undone,
)
from shared.contracts.lawbook import Duty, Undoing
from shared.contracts.response import (
    EndMode,
    ResponseDirected,
    ResponseEnded,
    ResponseEvent,
    ResponseResumed,
    ResponseSuspended,
)


class Answer(StrEnum):
    """What a department said of a measure. To acknowledge is not yet to answer; what failed is still to be done."""

    ARMED = "armed"
    APPLIED = "applied"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"
    FAILED = "failed"


class Owes(StrEnum):
    """What a department still has to do about a line."""

    NOTHING = "nothing"
    ANSWER = "answer"
    UNDO = "undo"
    """Undo the effect and show it, or confirm that there never was one."""


class LineState(StrEnum):
    """Where a line stands."""

    NOT_DIRECTED = "not_directed"
    """Named by a settlement or answered by a department, but its direction was not read yet."""
    WAITING = "waiting"
    INVITED = "invited"
    """Invited (鼓励、引导、支持), not owed, and nothing was reported: neither an answer nor a confirmation is due."""
    ANSWERED = "answered"
    UNDOING = "undoing"
    CLOSED = "closed"
    """Ended, and undone or confirmed never applied."""


class Why(StrEnum):
    """Why a loop is not closed."""

    IN_FORCE = "in_force"
    """The entry stands on its list."""
    NOT_SETTLED = "not_settled"
    """The registry has not dealt with a list event yet."""
    LIST_EVENT_UNREAD = "list_event_unread"
    """The registry has dealt with a list event that this service has not read yet."""
    NOT_DIRECTED = "not_directed"
    """A line exists whose direction this service has not read yet."""
    END_NOT_ORDERED = "end_not_ordered"
    UNDOING_OWED = "undoing_owed"
    """An effect was reported and is not undone."""
    CONFIRMATION_OWED = "confirmation_owed"
    """No effect was reported, and nobody has confirmed that there was none."""


_ENOUGH: dict[Undoing, frozenset[Undone]] = {
    Undoing.STOP: frozenset({Undone.STOPPED, Undone.RESTORED, Undone.NEVER_APPLIED}),
    Undoing.RESTORE: frozenset({Undone.RESTORED, Undone.NEVER_APPLIED}),
    Undoing.NOTHING: frozenset(Undone),
}
"""Which undoing satisfies which demand: what was restored is also stopped, not the other way round."""


class LedgerLine(NamedTuple):
    """One measure that one department is to apply because of one entry. Times are those of the events that told of them.

    A named tuple, because a batch reads, changes and writes thousands of them.
    """

    line_id: LineId
    entry_id: EntryId
    response_id: ResponseId | None = None
    department: DepartmentId | None = None
    subject: SubjectKey | None = None
    """Whom the measure reaches; the key of the line's events on both topics."""

    measure_id: MeasureId | None = None
    measure_version: int | None = None
    owed: bool = False
    on_end: Undoing | None = None
    on_error: Undoing | None = None
    answer_within_days: int = 0
    undo_within_days: int = 0
    directed_at: datetime | None = None
    suspended: bool = False
    resumed_at: datetime | None = None
    end_mode: EndMode | None = None
    end_orders: int = 0
    end_ordered_at: datetime | None = None

    acknowledged_at: datetime | None = None
    answer: Answer | None = None
    answered_at: datetime | None = None
    """When the department first answered with more than a failure."""
    applied_at: datetime | None = None
    """When it armed or applied the measure, by its own account; none: no effect was ever reported."""
    effect_told_at: datetime | None = None
    """When it reported that, which may be after the end was ordered."""
    told_late: bool = False
    undone: Undone | None = None
    """How it was undone; none again when an effect is reported after the undoing, which makes that void."""
    undone_at: datetime | None = None
    evidence: str = ""

    noticed: bool = False
    """That what is owed now is overdue has been said."""

    @property
    def directed(self) -> bool:
        return self.measure_id is not None

    @property
    def ended(self) -> bool:
        """Its end was ordered."""
        return self.end_mode is not None

    @property
    def effect_stands(self) -> bool:
        """An effect was reported, and no undoing after it."""
        return self.applied_at is not None and self.undone is None

    @property
    def end_answered(self) -> bool:
        """What was undone is enough for what the end demands.

        The registry orders an end once, or twice: from then on, and later from the beginning (a repaired entry proves to
        have been wrong). An undoing does not name the order that it answers, and may have crossed with the second one.
        It need not: the executor takes no undoing that falls short of what was ordered by then, so that one which falls
        short of the last order was given for the first, and the line owes again. A department's word that it did not
        apply the measure is no confirmation: before it hears of the end it may still apply it. The executor confirms.
        """
        demand = self.on_error if self.end_mode == EndMode.FROM_BEGINNING else self.on_end
        return demand is not None and self.undone in _ENOUGH[demand]

    @property
    def why(self) -> Why | None:
        """What of this line keeps the loop open; nothing, when it is undone or was never applied.

        Who was invited and never reported an effect owes no confirmation: there is no duty, and no effect is known.
        """
        if not self.directed:
            return Why.NOT_DIRECTED
        if not self.ended:
            return Why.END_NOT_ORDERED
        if self.end_answered:
            return None
        if self.applied_at is not None:
            return Why.UNDOING_OWED
        return Why.CONFIRMATION_OWED if self.owed else None

    @property
    def state(self) -> LineState:
        if not self.directed:
            return LineState.NOT_DIRECTED
        if not self.ended:
            return self._standing_state
        if self.why is not None:
            return LineState.UNDOING
        return LineState.CLOSED if self.undone else LineState.INVITED

    @property
    def _standing_state(self) -> LineState:
        if self.answer is not None and self.answer is not Answer.FAILED:
            return LineState.ANSWERED
        return LineState.WAITING if self.owed else LineState.INVITED

    @property
    def owes(self) -> Owes:
        return _OWES.get(self.state, Owes.NOTHING)

    @property
    def answer_due(self) -> date | None:
        """The last day to answer: working days (Asia/Shanghai) from the direction, or anew from the last resumption."""
        since = _later(self.directed_at, self.resumed_at)
        return _after(since, self.answer_within_days) if self.directed and self.owed else None

    @property
    def undo_due(self) -> date | None:
        """The last day to undo: working days from the last end order, or from the effect that was reported after it."""
        if not self.directed or not self.owed or self.end_ordered_at is None:
            return None
        return _after(_later(self.end_ordered_at, self.effect_told_at), self.undo_within_days)

    @property
    def due_on(self) -> date | None:
        """The last day for what is owed now. None when nothing is, while suspended, and for who is only invited."""
        return _due_on(self, self.state)

    @property
    def obligation(self) -> tuple[Owes, date | None]:
        """What is owed and until when: of what is the same, it is said once that it is overdue."""
        return self.owes, self.due_on

    @property
    def answered_late(self) -> bool:
        return _answered_late(self)

    @property
    def undone_late(self) -> bool:
        """By when the department did it, which may be before it reported."""
        return _undone_late(self, self.state)

    @property
    def following(self) -> "Following":
        """What follows from the line as it is; its state is found once."""
        state = self.state
        return Following(state, _due_on(self, state), _answered_late(self), _undone_late(self, state))


class Following(NamedTuple):
    """What follows from a line, and is kept beside it to be asked for."""

    state: LineState
    due_on: date | None
    answered_late: bool
    undone_late: bool


_OWES = {LineState.WAITING: Owes.ANSWER, LineState.UNDOING: Owes.UNDO}


def _due_on(line: LedgerLine, state: LineState) -> date | None:
    match _OWES.get(state):
        case Owes.ANSWER:
            return None if line.suspended else line.answer_due
        case Owes.UNDO:
            return line.undo_due
        case _:
            return None


def _answered_late(line: LedgerLine) -> bool:
    if line.answered_at is None:
        return False
    due = line.answer_due
    return due is not None and today(line.answered_at) > due


def _undone_late(line: LedgerLine, state: LineState) -> bool:
    if state is not LineState.CLOSED or line.undone_at is None:
        return False
    due = line.undo_due
    return due is not None and today(line.undone_at) > due


def ordered(line: LedgerLine, event: ResponseEvent, at: datetime) -> LedgerLine:
    """The line after what the registry ordered."""
    change = _ORDERED.get(type(event))
    return change(line, event, at) if change else line


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
    """From the beginning goes further than from now on; an order that does not go further changes nothing."""
    if line.ended and (event.mode is EndMode.FROM_NOW or line.end_mode is EndMode.FROM_BEGINNING):
        return line
    return line._replace(end_mode=event.mode, end_orders=line.end_orders + 1, end_ordered_at=at, suspended=False)


def _suspended(line: LedgerLine, _: ResponseSuspended, __: datetime) -> LedgerLine:
    return line._replace(suspended=True)


def _resumed(line: LedgerLine, _: ResponseResumed, at: datetime) -> LedgerLine:
    return line._replace(suspended=False, resumed_at=at)


_ORDERED: dict[type[ResponseEvent], Callable[[LedgerLine, Any, datetime], LedgerLine]] = {
    ResponseDirected: _directed,
    ResponseEnded: _ended,
    ResponseSuspended: _suspended,
    ResponseResumed: _resumed,
}
"""By the event's type: `match` would ask of every event whether it is one of each, which costs more than the change."""


def executed(line: LedgerLine, event: ExecutionEvent, at: datetime) -> LedgerLine:
    """The line after what the department reported."""
    if line.department is None:
        line = line._replace(response_id=event.response_id, department=event.department, subject=event.subject)
    change = _EXECUTED.get(type(event))
    return change(line, event, at) if change else line


def _undone(line: LedgerLine, event: EffectUndone, _: datetime) -> LedgerLine:
    return line._replace(undone=event.how, undone_at=event.done_at, evidence=event.evidence)


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


def _in_effect(line: LedgerLine, event: Applied | Armed, at: datetime) -> LedgerLine:
    """A real effect is never refused: reported after an undoing, it makes that undoing void and owes another."""
    applied = isinstance(event, Applied)
    return line._replace(
        answer=Answer.APPLIED if applied else Answer.ARMED,
        answered_at=line.answered_at or at,
        applied_at=event.done_at,
        effect_told_at=at,
        told_late=line.told_late or (applied and event.late),
        undone=None,
        undone_at=None,
        evidence="",
    )


_EXECUTED: dict[type[ExecutionEvent], Callable[[LedgerLine, Any, datetime], LedgerLine]] = {
    Applied: _in_effect,
    Armed: _in_effect,
    EffectUndone: _undone,
    Acknowledged: _acknowledged,
    NotApplicable: _not_applicable,
    Refused: _refused,
    Failed: _failed,
}


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _after(moment: datetime | None, working_days: int) -> date | None:
    return add_working_days(today(moment), working_days).date if moment else None
