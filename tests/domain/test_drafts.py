"""A draft is filed by one officer and decided about by another."""

from datetime import UTC, datetime

import pytest

from services.catalogue.domain.content import Content, pieces
from services.catalogue.domain.drafts import (
    DRAFT,
    Closed,
    ClosePublished,
    Command,
    FileDraft,
    Open,
    Return,
    Withdraw,
)
from services.catalogue.domain.events import DraftFiled, DraftGrew, Officer
from services.catalogue.files.shipped import shipped
from shared.contracts.event import DepartmentId
from tests.decider import given

OFFICE, TAX = DepartmentId("example-credit-office"), DepartmentId("example-tax")
FIRST, SECOND = Officer(subject="first", department=OFFICE), Officer(subject="second", department=OFFICE)
SHIPPED = shipped().content()
UNFILED = given(DRAFT, now=datetime(2026, 5, 6, 1, tzinfo=UTC))
FILED = UNFILED.having(FileDraft(FIRST, "示例", SHIPPED))


def test_a_draft_has_what_was_filed_in_pieces_each_small_enough_for_one_event() -> None:
    assert isinstance(FILED.state, Open)
    assert FILED.state.content == SHIPPED
    filed, *grown = UNFILED.when(FileDraft(FIRST, "示例", SHIPPED)).events
    assert isinstance(filed, DraftFiled)
    assert len(grown) > 1
    assert all(isinstance(event, DraftGrew) for event in grown)
    assert all(len(event.model_dump_json().encode()) < 512 * 1024 for event in grown)


def test_empty_content_has_no_pieces() -> None:
    assert list(pieces(Content())) == []


def test_another_officer_publishes_it() -> None:
    assert FILED.when(ClosePublished(SECOND, 7)).state == Closed("published")


@pytest.mark.parametrize("decision", [ClosePublished(FIRST, 7), Return(FIRST, "示例")])
def test_the_officer_who_filed_it_does_not_decide_about_it(decision: Command) -> None:
    FILED.when(decision).then_rejected("four_eyes")


def test_the_officer_who_filed_it_does_not_decide_about_it_in_another_department_either() -> None:
    elsewhere = Officer(subject="first", department=DepartmentId("other-credit-office"))
    FILED.when(ClosePublished(elsewhere, 7)).then_rejected("four_eyes")


def test_another_officer_returns_it_and_its_department_withdraws_it() -> None:
    assert FILED.when(Return(SECOND, "示例")).state == Closed("returned")
    assert FILED.when(Withdraw(FIRST, "示例")).state == Closed("withdrawn")
    third = Officer(subject="third", department=TAX)
    FILED.when(Withdraw(third, "示例")).then_rejected("forbidden_department")


@pytest.mark.parametrize("closing", [ClosePublished(SECOND, 7), Return(SECOND, "示例"), Withdraw(FIRST, "示例")])
@pytest.mark.parametrize("later", [ClosePublished(SECOND, 8), Return(SECOND, "示例"), Withdraw(FIRST, "示例")])
def test_what_is_closed_stays_closed(closing: Command, later: Command) -> None:
    FILED.having(closing).when(later).then_rejected("draft_closed")


def test_a_draft_that_does_not_exist_cannot_be_decided_and_one_that_exists_cannot_be_filed() -> None:
    UNFILED.when(ClosePublished(SECOND, 7)).then_rejected("unknown_id")
    FILED.when(FileDraft(FIRST, "示例", SHIPPED)).then_rejected("draft_exists")
