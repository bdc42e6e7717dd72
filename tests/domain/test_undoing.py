"""Which undoing an end demands, and which undoing is enough (row 18)."""

import pytest

from shared.contracts.execution import Undone
from shared.contracts.lawbook import Undoing
from shared.contracts.response import EndMode
from shared.contracts.undoing import demand_for, satisfies

ENOUGH = [
    (Undoing.NOTHING, set(Undone)),
    (Undoing.STOP, {Undone.STOPPED, Undone.RESTORED}),
    (Undoing.RESTORE, {Undone.RESTORED}),
]


@pytest.mark.parametrize(("demand", "enough"), ENOUGH)
def test_never_applied_is_enough_only_where_no_effect_was_reported(demand: Undoing, enough: set[Undone]) -> None:
    assert {how for how in Undone if satisfies(how, demand, effect_reported=True)} == enough
    without_effect = {how for how in Undone if satisfies(how, demand, effect_reported=False)}
    assert without_effect == enough | {Undone.NEVER_APPLIED}


def test_an_end_from_the_beginning_demands_what_an_error_demands() -> None:
    assert demand_for(Undoing.STOP, Undoing.RESTORE, EndMode.FROM_NOW) is Undoing.STOP
    assert demand_for(Undoing.STOP, Undoing.RESTORE, EndMode.FROM_BEGINNING) is Undoing.RESTORE


def test_only_the_first_end_and_one_from_the_beginning_go_further() -> None:
    further = [(mode, earlier) for mode in EndMode for earlier in (None, *EndMode) if mode.goes_further_than(earlier)]
    assert further == [
        (EndMode.FROM_NOW, None),
        (EndMode.FROM_BEGINNING, None),
        (EndMode.FROM_BEGINNING, EndMode.FROM_NOW),
    ]
