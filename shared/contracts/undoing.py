"""Which undoing an end demands, and which undoing satisfies a demand (row 18)."""

from shared.contracts.execution import Undone
from shared.contracts.lawbook import Undoing
from shared.contracts.response import EndMode

_SATISFIED_BY: dict[Undoing, frozenset[Undone]] = {
    Undoing.NOTHING: frozenset(Undone),
    Undoing.STOP: frozenset({Undone.STOPPED, Undone.RESTORED}),
    Undoing.RESTORE: frozenset({Undone.RESTORED}),
}
"""The undoings of an effect that satisfy each demand. A restored effect is also stopped; a stopped one is not restored."""

_STRENGTH = {Undoing.NOTHING: 0, Undoing.STOP: 1, Undoing.RESTORE: 2}


def demand_for(on_end: Undoing, on_error: Undoing, mode: EndMode) -> Undoing:
    """The undoing that a measure demands: `on_end` for an end from now on, `on_error` for one from the beginning (row 18)."""
    return on_error if mode == EndMode.FROM_BEGINNING else on_end


def stronger(one: Undoing, other: Undoing) -> Undoing:
    """The undoing that achieves more."""
    return max(one, other, key=_STRENGTH.__getitem__)


AT_ONCE_WORKING_DAYS = 1
"""An effect that was applied without a basis is to be undone by the next working day after its report (004 四(三)). No document
gives a number: this one is the choice of this project."""


def undo_within(undo_within_days: int, *, without_basis: bool) -> int:
    """The working days to undo an effect: those of the measure; at most one when it was applied without a basis."""
    return min(undo_within_days, AT_ONCE_WORKING_DAYS) if without_basis else undo_within_days


def satisfies(how: Undone, demand: Undoing, *, effect_reported: bool) -> bool:
    """Whether an undoing is enough for the demand.

    `never_applied` undoes no effect, so it is not enough where an effect was reported. Where none was reported, it satisfies
    every demand: there is nothing to stop and nothing to restore.
    """
    return how in _SATISFIED_BY[demand] or (how == Undone.NEVER_APPLIED and not effect_reported)
