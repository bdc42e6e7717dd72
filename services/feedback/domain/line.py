"""A line (措施行) of the ledger: what the registry ordered, what the department did, and what follows from both.

The two sides do not depend on each other while they are filled. The registry's side (directed, suspended, resumed, ended) is
folded in the order of `liandong.response`, the department's side (acknowledged, answered, undone) in that of
`liandong.execution`. Everything that needs both sides is computed from the finished row. So the two topics may be read in
any order between them.
"""

from datetime import date, datetime
from typing import NamedTuple

from services.feedback.domain.states import OWES_IN, Answer, LineState, OpenReason, Owes
from shared.calendar.working_days import WorkingDay, add_working_days, today, unknown_years
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId, SubjectKey
from shared.contracts.execution import Undone, WithoutBasis
from shared.contracts.lawbook import Undoing
from shared.contracts.response import EndMode
from shared.contracts.undoing import demand_for, satisfies, stronger, undo_within


class LedgerLine(NamedTuple):
    """One measure that one department must apply because of one entry. Times are those of the events, unless a field says
    otherwise.

    A named tuple for speed: a batch reads, changes and writes thousands of them.
    """

    line_id: LineId
    entry_id: EntryId
    response_id: ResponseId | None = None
    department: DepartmentId | None = None
    subject: SubjectKey | None = None
    """The subject that the measure reaches. It is the key of the line's events on both topics."""

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
    """The first answer other than a failure."""
    applied_at: datetime | None = None
    """When the department armed or applied the measure, as it reported; None: no effect was ever reported."""
    effect_told_at: datetime | None = None
    """When the department reported the effect, which may be after the end was ordered."""
    told_late: bool = False
    """An effect was reported after the end was ordered."""
    undone: Undone | None = None
    """How the line was undone. None again after a later report of an effect, because that voids the undoing."""
    undone_at: datetime | None = None
    evidence: str = ""
    undone_told_at: datetime | None = None
    """When the department reported that it undid an effect without a basis: the direction is to be answered again since then."""
    without_basis: WithoutBasis | None = None
    """Why the last reported effect had no basis (004 四(三)). It stays when that effect is undone; a later effect with a basis
    ends it."""

    noticed: bool = False
    """It was published that the current obligation is overdue."""

    @property
    def directed(self) -> bool:
        """The direction of the line was read."""
        return self.measure_id is not None

    @property
    def ended(self) -> bool:
        """The end of the line was ordered."""
        return self.end_mode is not None

    @property
    def effect_stands(self) -> bool:
        """An effect was reported and not undone afterwards."""
        return self.applied_at is not None and self.undone is None

    @property
    def unfounded(self) -> bool:
        """An effect without a basis is in force: it is to be undone at once."""
        return self.without_basis is not None and self.effect_stands

    @property
    def end_answered(self) -> bool:
        """The undoing satisfies what the last end order demands.

        The registry orders an end once or twice: from now on, and later from the beginning, if a repaired entry proves to have
        been wrong. An undoing does not name its order, and the department may report it while the second order is on its way.
        The executor refuses an undoing that does not satisfy the orders that it has read. So an undoing that does not satisfy
        the last order was reported for the first one, and the line owes another undoing.

        `never_applied` satisfies every demand. The executor accepts it only for a line without a known effect, and an effect
        that is reported later voids it (`undone` is None again). An answer that the measure was not applied is no such
        confirmation: a department that has not read the end yet may still apply the measure.
        """
        if self.undone is None or self.end_mode is None or self.on_end is None or self.on_error is None:
            return False
        demand = demand_for(self.on_end, self.on_error, self.end_mode)
        if self.without_basis is not None:
            demand = stronger(demand, self.on_error)
        return satisfies(self.undone, demand, effect_reported=False)

    @property
    def open_reason(self) -> OpenReason | None:
        """Why this line keeps the loop open; None when it is undone or was never applied.

        An invited body that never reported an effect owes no confirmation: it has no duty, and no effect is known.
        """
        if not self.directed:
            return OpenReason.NOT_DIRECTED
        if self.unfounded:
            return OpenReason.WITHOUT_BASIS
        if not self.ended:
            return OpenReason.END_NOT_ORDERED
        if self.end_answered:
            return None
        if self.applied_at is not None:
            return OpenReason.UNDOING_OWED
        return OpenReason.CONFIRMATION_OWED if self.owed else None

    @property
    def state(self) -> LineState:
        if not self.directed:
            return LineState.NOT_DIRECTED
        if not self.ended:
            return self._state_before_end
        if self.open_reason is not None:
            return LineState.UNDOING
        return LineState.CLOSED if self.undone else LineState.INVITED

    @property
    def _state_before_end(self) -> LineState:
        if self.unfounded:
            return LineState.UNDOING
        if self.answer is not None and self.answer is not Answer.FAILED:
            return LineState.ANSWERED
        return LineState.WAITING if self.owed else LineState.INVITED

    @property
    def owes(self) -> Owes:
        return OWES_IN.get(self.state, Owes.NOTHING)

    @property
    def answer_due(self) -> date | None:
        """The last day to answer: working days (Asia/Shanghai) from the direction, the last resumption, or the undoing of an
        effect without a basis."""
        return _date(self.answer_deadline)

    @property
    def answer_deadline(self) -> WorkingDay | None:
        """`answer_due`, and whether it is certain."""
        since = _later(self.directed_at, self.resumed_at)
        if self.without_basis is not None:
            since = _later(since, self.undone_told_at)
        return _last_day(since, self.answer_within_days) if self.directed and self.owed else None

    @property
    def undo_due(self) -> date | None:
        """The last day to undo: working days from the last end order, or from the effect that was reported after it. For an
        effect without a basis they are counted from its report (`shared/contracts/undoing.py`)."""
        return _date(self.undo_deadline)

    @property
    def undo_deadline(self) -> WorkingDay | None:
        """`undo_due`, and whether it is certain."""
        if not self.directed or not self.owed:
            return None
        if self.without_basis is not None and self.effect_told_at is not None:
            return _last_day(self.effect_told_at, undo_within(self.undo_within_days, without_basis=True))
        if self.end_ordered_at is None:
            return None
        return _last_day(_later(self.end_ordered_at, self.effect_told_at), self.undo_within_days)

    @property
    def due_on(self) -> date | None:
        """The last day for what is owed now. None when nothing is owed, while suspended, and for invited bodies."""
        return _date(self.due)

    @property
    def due(self) -> WorkingDay | None:
        """`due_on`, and whether it is certain."""
        return _due(self, self.state)

    @property
    def obligation(self) -> tuple[Owes, date | None]:
        """What is owed, and its last day. For equal values it is published only once that they are overdue."""
        return self.owes, self.due_on

    @property
    def answered_late(self) -> bool:
        return _answered_late(self)

    @property
    def undone_late(self) -> bool:
        """The department undid the effect after the last day. The day of the undoing counts, not that of its report."""
        return _undone_late(self, self.state)

    @property
    def derived(self) -> "Derived":
        """All derived columns; the state is computed only once."""
        state = self.state
        due = _due(self, state)
        return Derived(
            state,
            _date(due),
            due is None or due.certain,
            _unknown_year(self),
            _answered_late(self),
            _undone_late(self, state),
        )


class Derived(NamedTuple):
    """Columns that are computed from a line and stored with it, so that queries can use them."""

    state: LineState
    due_on: date | None
    due_certain: bool
    """False: a year on the way to `due_on` has no announced holidays, so nobody is overdue by it (row F12)."""
    unknown_year: int | None
    """The first year without announced holidays on the way to a deadline of the line: it is counted anew when that year is
    known. None: every deadline is certain."""
    answered_late: bool
    undone_late: bool


def _due(line: LedgerLine, state: LineState) -> WorkingDay | None:
    match OWES_IN.get(state):
        case Owes.ANSWER:
            return None if line.suspended else line.answer_deadline
        case Owes.UNDO:
            return line.undo_deadline
        case _:
            return None


def _unknown_year(line: LedgerLine) -> int | None:
    uncertain = [due.date for due in (line.answer_deadline, line.undo_deadline) if due and not due.certain]
    if not uncertain or line.directed_at is None:
        return None
    return next(iter(unknown_years(today(line.directed_at), max(uncertain))), None)


def _answered_late(line: LedgerLine) -> bool:
    return line.answered_at is not None and _passed(line.answer_deadline, line.answered_at)


def _undone_late(line: LedgerLine, state: LineState) -> bool:
    if state is not LineState.CLOSED or line.undone_at is None:
        return False
    return _passed(line.undo_deadline, line.undone_at)


def _passed(due: WorkingDay | None, at: datetime) -> bool:
    """Whether the day is over for certain."""
    return due is not None and due.certain and today(at) > due.date


def _date(due: WorkingDay | None) -> date | None:
    return due.date if due else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _last_day(since: datetime | None, working_days: int) -> WorkingDay | None:
    return add_working_days(today(since), working_days) if since else None
