"""Who receives an objection, what it suspends and from when, and what limits objections in a row (row 16)."""

from typing import Any

import pytest

from services.repair.domain.commands import BeginVerification, Officer
from services.repair.domain.correction import Changes
from services.repair.domain.events import Ground, ObjectionFiled, VerificationBegun
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import Target
from shared.contracts.listing import EntryResumed, EntrySuspended, Suspends
from shared.lawbook.book import LawBook
from tests.builders import a_book, a_department, a_measure, an_instrument, the_regions
from tests.domain.repair_inputs import (
    ALSO_PUBLICITY,
    BOOK,
    COURT,
    FROM_VERIFICATION,
    NOT_SUSPENDING,
    OFFICE,
    OFFICER,
    TAX,
    correct,
    entry,
    graded,
    listed,
    objection,
    reject_objection,
    uphold,
)
from tests.policies import a_policy

ROADS = DepartmentId("example-roads")
"""Implements a measure against black entries of the domain tax."""
QIDONG = DepartmentId("example-qidong")
"""Implements one of another region."""
CITY = DepartmentId("city-office")
ELSEWHERE = DepartmentId("other-office")


def law_of(*receivers: str) -> LawBook:
    given: dict[str, Any] = {"objection_received_by": receivers} if receivers else {}
    offices = [
        a_department(name, region=region, credit_office=True)
        for name, region in ((CITY, "410300"), (ELSEWHERE, "410900"))
    ]
    target = Target(lists=(entry().list_kind,), domains=(entry().domain_id,))
    return a_book(
        [
            *the_regions(),
            *offices,
            *(a_department(name) for name in (TAX, ROADS, QIDONG)),
            graded("tax"),
            an_instrument(),
            an_instrument("elsewhere", region="410900"),
            a_measure("m1", implementers=(ROADS,), target=target),
            a_measure("m2", implementers=(QIDONG,), target=target, instrument_id="elsewhere"),
            a_policy(**given),
        ]
    )


def accepted(law: LawBook) -> set[DepartmentId]:
    """Who may file an objection."""
    departments = (TAX, COURT, OFFICE, ROADS, QIDONG, CITY, ELSEWHERE)
    tried = {one: listed().when(objection(law=law, by=Officer("chen", one))) for one in departments}
    refused = {one for one, outcome in tried.items() if outcome.rejected}
    assert all(tried[one].faults == [("may_not_receive_objections", None)] for one in refused)
    return set(departments) - refused


@pytest.mark.parametrize(
    ("receivers", "named"),
    [
        (("implementers",), {ROADS}),
        (("credit_centre",), {CITY}),
        (("credit_office",), {CITY}),
        (("implementers", "credit_office"), {ROADS, CITY}),
        ((), {ROADS}),
    ],
)
def test_objections_are_received_by_those_whom_the_policy_names_and_by_those_that_answer_for_the_entry(
    receivers: tuple[str, ...], named: set[DepartmentId]
) -> None:
    assert accepted(law_of(*receivers)) == {TAX, COURT, OFFICE, *named}


def test_the_suspension_names_who_received_the_objection() -> None:
    [_, suspended] = listed().when(objection(law=law_of("credit_office"), by=Officer("chen", CITY))).events
    assert isinstance(suspended, EntrySuspended)
    assert suspended.received_by == CITY


def test_the_policy_says_what_else_is_suspended() -> None:
    [_, suspended] = listed().when(objection(law=ALSO_PUBLICITY)).events
    assert isinstance(suspended, EntrySuspended)
    assert suspended.suspends == tuple(Suspends)


def test_a_suspension_that_grows_or_shrinks_is_published_anew() -> None:
    state = listed(objection("A"))
    grown = state.when(objection("B", law=ALSO_PUBLICITY)).then_types(ObjectionFiled, EntrySuspended)
    shrunk = grown.when(reject_objection("B")).events[-1]
    assert isinstance(shrunk, EntrySuspended)
    assert (shrunk.case_id, shrunk.suspends) == ("A", (Suspends.MEASURES,))


def test_where_the_policy_says_so_the_suspension_begins_with_the_verification() -> None:
    filed = listed().when(objection(law=FROM_VERIFICATION)).then_types(ObjectionFiled)
    begun = filed.when(BeginVerification(OFFICER, BOOK, "A")).then_types(VerificationBegun, EntrySuspended)
    begun.when(BeginVerification(OFFICER, BOOK, "A")).then_nothing()
    assert isinstance(begun.when(reject_objection()).events[-1], EntryResumed)
    filed.when(BeginVerification(Officer("li", ROADS), BOOK, "A")).then_rejected("forbidden_department")


def test_a_verification_suspends_nothing_where_the_policy_does_not() -> None:
    listed(objection(law=NOT_SUSPENDING)).when(BeginVerification(OFFICER, BOOK, "A")).then_types(VerificationBegun)


def test_one_objection_on_a_ground_is_open_at_a_time() -> None:
    state = listed(objection("A", ground=Ground.FACTS))
    state.when(objection("B", ground=Ground.FACTS)).then_rejected(("objection_is_being_verified", "ground"))
    state.when(objection("B", ground=Ground.TERM)).then_types(ObjectionFiled)


def test_a_rejected_objection_is_repeated_with_new_evidence_only_and_does_not_suspend() -> None:
    state = listed(objection("A", ground=Ground.FACTS), reject_objection("A"))
    for nothing in ("", "  "):
        again = state.when(objection("B", ground=Ground.FACTS, new=nothing))
        again.then_rejected(("objection_repeated", "new_evidence"))
    state.when(objection("B", ground=Ground.FACTS, new="新判决")).then_types(ObjectionFiled)
    state.when(objection("B", ground=Ground.TERM)).then_types(ObjectionFiled, EntrySuspended)


def test_an_upheld_objection_may_be_followed_by_another_on_the_same_ground() -> None:
    state = listed(objection("A", ground=Ground.FACTS), uphold("A", Changes(grade="ordinary")))
    state.when(objection("B", ground=Ground.FACTS)).then_types(ObjectionFiled, EntrySuspended)


def test_a_correction_that_ends_nothing_leaves_the_suspension_as_it_is() -> None:
    assert len(listed(objection("A")).when(correct(facts="更正后的事实")).events) == 1
