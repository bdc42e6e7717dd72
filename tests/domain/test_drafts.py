"""A draft is filed by one officer and decided about by another."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.catalogue.domain.content import Content, pieces
from services.catalogue.domain.drafts import (
    INITIAL,
    Closed,
    Command,
    Draft,
    DraftFiled,
    DraftGrew,
    Enact,
    File,
    Officer,
    Open,
    Return,
    Withdraw,
    decide,
    evolve,
)
from services.catalogue.shipped import shipped
from shared.contracts.event import DepartmentId, Event
from shared.rejection import Rejected

NOW = datetime(2026, 5, 6, 1, tzinfo=UTC)
OFFICE, TAX = DepartmentId("example-credit-office"), DepartmentId("example-tax")
FIRST, SECOND = Officer(subject="first", department=OFFICE), Officer(subject="second", department=OFFICE)
SHIPPED = shipped().content()


def given(*commands: Command) -> Draft:
    draft = INITIAL
    for command in commands:
        draft = then(draft, decide(draft, command, NOW))
    return draft


def then(draft: Draft, events: Sequence[Event]) -> Draft:
    for event in events:
        draft = evolve(draft, event)
    return draft


def refused(draft: Draft, command: Command) -> list[str]:
    with pytest.raises(Rejected) as refusal:
        decide(draft, command, NOW)
    return [fault.code for fault in refusal.value.faults]


FILED = given(File(FIRST, "示例", SHIPPED))


def test_a_draft_holds_what_was_filed_in_pieces_small_enough_for_an_event_each() -> None:
    assert isinstance(FILED, Open)
    assert FILED.content == SHIPPED
    filed, *grown = decide(INITIAL, File(FIRST, "示例", SHIPPED), NOW)
    assert isinstance(filed, DraftFiled)
    assert len(grown) > 1
    assert all(isinstance(event, DraftGrew) for event in grown)
    assert all(len(event.model_dump_json().encode()) < 512 * 1024 for event in grown)


def test_nothing_comes_in_no_pieces() -> None:
    assert list(pieces(Content())) == []


def test_another_officer_publishes_it() -> None:
    assert given(File(FIRST, "示例", SHIPPED), Enact(SECOND, 7)) == Closed("published")


@pytest.mark.parametrize("decision", [Enact(FIRST, 7), Return(FIRST, "示例")])
def test_whoever_filed_it_does_not_decide_about_it(decision: Command) -> None:
    assert refused(FILED, decision) == ["same_officer"]


def test_whoever_filed_it_does_not_decide_about_it_from_another_department_either() -> None:
    elsewhere = Officer(subject="first", department=DepartmentId("other-credit-office"))
    assert refused(FILED, Enact(elsewhere, 7)) == ["same_officer"]


def test_another_officer_returns_it_and_its_department_withdraws_it() -> None:
    assert given(File(FIRST, "示例", SHIPPED), Return(SECOND, "示例")) == Closed("returned")
    assert given(File(FIRST, "示例", SHIPPED), Withdraw(FIRST, "示例")) == Closed("withdrawn")
    assert refused(FILED, Withdraw(Officer(subject="third", department=TAX), "示例")) == ["not_own_draft"]


@pytest.mark.parametrize("closing", [Enact(SECOND, 7), Return(SECOND, "示例"), Withdraw(FIRST, "示例")])
@pytest.mark.parametrize("later", [Enact(SECOND, 8), Return(SECOND, "示例"), Withdraw(FIRST, "示例")])
def test_what_is_closed_stays_closed(closing: Command, later: Command) -> None:
    assert refused(given(File(FIRST, "示例", SHIPPED), closing), later) == ["draft_closed"]


def test_there_is_nothing_to_decide_about_a_draft_that_is_not_there() -> None:
    assert refused(INITIAL, Enact(SECOND, 7)) == ["unknown_id"]
    assert refused(FILED, File(FIRST, "示例", SHIPPED)) == ["draft_exists"]
