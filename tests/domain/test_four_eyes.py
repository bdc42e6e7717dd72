"""What ends an entry is decided by one officer and confirmed by another, and suspends the punishments meanwhile."""

from datetime import date
from typing import Any

import pytest

from services.repair.domain.commands import Command, Expire, Officer
from services.repair.domain.content import Correction
from services.repair.domain.correction import Changes, may_end_measures
from services.repair.domain.entry import ENTRY
from services.repair.domain.events import (
    VOCABULARY,
    DecisionConfirmed,
    DecisionLapsed,
    DecisionMade,
    DecisionReturned,
    EntryAdopted,
    Ground,
    ObjectionFiled,
    RepairRefused,
    RepairRequested,
)
from services.repair.domain.state import OffList, OnList
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ListKind, Role
from shared.contracts.listing import (
    Cause,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ResponsiblePerson,
    Suspends,
)
from tests.builders import a_book, a_department, a_subject, the_regions
from tests.decider import given
from tests.domain.repair_inputs import (
    BOOK,
    FILER,
    NOON,
    OFFICER,
    TAX,
    book,
    confirm,
    correct,
    end,
    entry,
    follows,
    grant,
    listed,
    objection,
    refuse,
    reject_objection,
    request,
    return_,
    revoke,
    shanghai,
    uphold,
)
from tests.policies import a_policy

DECISIONS = [revoke(), end(), correct(grade="ordinary"), correct(public=False)]
"""Each ends something."""
WATER = DepartmentId("example-water")

# --- decided, and not yet confirmed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", DECISIONS)
def test_a_decision_that_ends_something_awaits_confirmation_and_suspends_the_punishments(command: Command) -> None:
    decided = listed().when(command)
    decided.then_types(DecisionMade, EntrySuspended)
    made, suspended = decided.events
    assert isinstance(made, DecisionMade)
    assert isinstance(suspended, EntrySuspended)
    assert (made.account, made.department, made.suspends) == ("li", TAX, (Suspends.MEASURES,))
    assert (suspended.case_id, suspended.suspends, suspended.received_by) == ("D", (Suspends.MEASURES,), TAX)


def test_a_repair_and_an_upheld_objection_await_confirmation() -> None:
    listed(request()).when(grant()).then_types(DecisionMade, EntrySuspended)
    listed(objection()).when(uphold()).then_types(DecisionMade)  # the objection suspends already


@pytest.mark.parametrize(
    ("command", "following"),
    [
        (revoke(), [EntryRevoked]),
        (end(), [EntryEnded]),
        (correct(grade="ordinary"), [EntryCorrected, EntryResumed]),
    ],
)
def test_the_confirmation_of_another_officer_lets_it_take_effect(command: Command, following: list[type]) -> None:
    assert [type(event) for event in follows(listed(), command)] == following


def test_a_returned_decision_changes_nothing_and_the_measures_resume() -> None:
    before = listed().state
    returned = listed().having(revoke()).when(return_())
    returned.then_types(DecisionReturned, EntryResumed)
    assert returned.state == before
    resumed = returned.events[1]
    assert isinstance(resumed, EntryResumed)
    assert (resumed.case_id, resumed.reason) == ("D", "材料不全")


def test_the_officer_who_decided_may_take_it_back() -> None:
    listed().having(revoke()).when(return_(by=OFFICER)).then_types(DecisionReturned, EntryResumed)


def test_the_measures_stay_suspended_when_a_decision_is_returned_while_an_objection_is_open() -> None:
    listed(objection()).having(revoke()).when(return_()).then_types(DecisionReturned)


@pytest.mark.parametrize("command", [revoke(), end(), correct(public=False)])
def test_a_red_entry_is_never_suspended(command: Command) -> None:
    state = listed(of=entry(list_kind=ListKind.RED, grade=None))
    state.when(command).then_types(DecisionMade)
    assert [type(event) for event in follows(state, command)] in ([EntryRevoked], [EntryEnded], [EntryCorrected])
    state.when(objection()).then_types(ObjectionFiled)


# --- who confirms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["li", "Li", " LI "])
def test_the_officer_who_decided_does_not_confirm(account: str) -> None:
    listed().having(revoke()).when(confirm(by=Officer(account, TAX))).then_rejected("four_eyes")


def test_an_officer_with_the_same_account_in_another_department_does_not_confirm() -> None:
    by = Officer("LI", DepartmentId("city-office"), credit_office=True)
    listed().having(revoke()).when(confirm(by=by)).then_rejected("four_eyes")


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (Officer("wang", WATER), "forbidden_department"),
        (Officer("wang", None), "forbidden_department"),
        (Officer("wang", DepartmentId("county-office"), credit_office=True), "outside_responsibility"),
    ],
)
def test_an_officer_of_another_department_neither_confirms_nor_returns(by: Officer, code: str) -> None:
    listed().having(revoke()).when(confirm(by=by)).then_rejected(code)
    listed().having(revoke()).when(return_(by=by)).then_rejected(code)


def test_a_body_with_one_officer_names_in_the_law_book_who_confirms() -> None:
    one_officer = a_department(TAX, confirmed_by=(WATER,))
    law = a_book([*the_regions(), one_officer])
    by = Officer("wang", WATER)
    confirmed = listed().having(revoke()).when(confirm(by=by, law=law))
    confirmed.then_types(DecisionConfirmed, EntryRevoked)
    listed().when(revoke(by=by)).then_rejected("forbidden_department")


def test_who_filed_a_case_neither_decides_nor_confirms_it() -> None:
    same = Officer("CHEN", TAX)
    state = listed(objection(by=FILER), request(by=FILER))
    commands = [uphold(by=same), reject_objection(by=same), grant(by=same), refuse(by=same)]
    assert [state.when(command).faults for command in commands] == [[("four_eyes", None)]] * 4
    state.having(uphold()).when(confirm(by=same)).then_rejected("four_eyes")
    state.having(uphold()).when(return_(by=same)).then_rejected("four_eyes")
    state.having(grant()).when(confirm(by=same)).then_rejected("four_eyes")
    assert state.when(revoke(by=same)).events, "another matter than the case"


# --- one at a time, tested again -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", DECISIONS)
def test_one_decision_awaits_confirmation_at_a_time(command: Command) -> None:
    listed().having(end()).when(command).then_rejected("decision_awaits_confirmation")


def test_what_was_decided_about_a_case_is_not_refused_or_rejected_meanwhile() -> None:
    listed(objection()).having(uphold()).when(reject_objection()).then_rejected("decision_awaits_confirmation")
    listed(request()).having(grant()).when(refuse()).then_rejected("decision_awaits_confirmation")
    listed(objection(), request()).having(uphold()).when(refuse()).then_types(RepairRefused)


def test_a_decision_is_closed_once() -> None:
    state = listed().having(revoke())
    for closing in (confirm(), return_()):
        closed = state.having(closing)
        closed.when(confirm()).then_rejected("decision_is_closed")
        closed.when(return_()).then_rejected("decision_is_closed")


def test_the_content_is_tested_again_when_it_is_confirmed() -> None:
    three_months = book(a_policy(longest_term_months=3))
    state = listed().having(correct(term_to=date(2026, 12, 1)))
    state.when(confirm(law=three_months)).then_rejected(("term_too_long", "changes.term_to"))
    state.when(return_()).then_types(DecisionReturned, EntryResumed)


def test_a_confirmed_correction_changes_what_was_decided_and_keeps_what_was_corrected_since() -> None:
    nothing_left = listed().having(correct(public=False), correct(facts="更正后的事实")).when(confirm())
    corrected = nothing_left.events[1]
    assert isinstance(corrected, EntryCorrected)
    assert (corrected.entry.public, corrected.entry.decision.facts) == (False, "更正后的事实")


def test_the_end_of_the_term_needs_no_confirmation_and_closes_what_needs_the_list() -> None:
    due = shanghai(2027, 3, 2)
    ended = listed().having(end()).when(Expire(BOOK), due)
    ended.then_types(EntryEnded, DecisionLapsed)
    ended.next.when(confirm(), due).then_rejected("decision_is_closed")


def test_a_revocation_can_be_confirmed_after_the_term_has_passed() -> None:
    due = shanghai(2027, 3, 2)
    for state in (listed().having(revoke()), listed(objection()).having(uphold())):
        ended = state.when(Expire(BOOK), due)
        ended.then_types(EntryEnded)
        revoked = ended.next.when(confirm(), due)
        assert isinstance(revoked.state, OffList)
        assert any(isinstance(event, EntryRevoked) for event in revoked.events)


def test_an_ended_entry_is_revoked_by_two_officers_too() -> None:
    assert [type(event) for event in follows(listed(end()), revoke())] == [EntryRevoked]


# --- which corrections end something ---------------------------------------------------------------------------------

PERSON = ResponsiblePerson(subject=a_subject("uscc:91410300MA40000020"), role=Role.PRINCIPAL)


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        ({}, {"grade": "ordinary"}),
        ({}, {"domain_id": "customs"}),
        ({}, {"public": False}),
        ({}, {"term_to": date(2027, 2, 28)}),
        ({}, {"term_from": date(2026, 3, 3)}),
        ({}, {"term_from": date(2026, 3, 1)}),
        ({"term_to": None}, {"term_to": date(2030, 1, 1)}),
        ({"able_but_unwilling": True}, {"able_but_unwilling": False}),
        ({"responsible": (PERSON,)}, {"responsible": ()}),
        ({"responsible": (PERSON,)}, {"responsible": (PERSON.model_copy(update={"role": Role.DIRECTOR}),)}),
    ],
)
def test_a_correction_that_may_end_measures(old: dict[str, Any], changes: dict[str, Any]) -> None:
    assert may_end_measures(entry(**old), Changes(**changes).applied_to(entry(**old)))


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        ({}, {"facts": "更正后的事实", "legal_basis": "示例办法 第四条"}),
        ({}, {"act_ended_on": date(2026, 1, 1)}),
        ({}, {"term_to": date(2027, 6, 1)}),
        ({}, {"term_to": None}),
        ({"term_to": date(2999, 12, 31)}, {"term_to": None}),
        ({}, {"able_but_unwilling": True}),
        ({"public": False}, {"public": True}),
        ({}, {"responsible": (PERSON,)}),
    ],
)
def test_a_correction_that_ends_nothing(old: dict[str, Any], changes: dict[str, Any]) -> None:
    assert not may_end_measures(entry(**old), Changes(**changes).applied_to(entry(**old)))


def test_a_correction_that_ends_nothing_is_decided_by_one_officer() -> None:
    listed().when(correct(term_to=date(2027, 6, 1))).then_types(EntryCorrected)


def test_an_objection_upheld_by_such_a_correction_awaits_confirmation_without_suspending() -> None:
    state = listed(objection(law=BOOK))
    [made] = state.when(uphold(changes=Changes(facts="更正后的事实"))).events
    assert isinstance(made, DecisionMade)
    assert made.suspends == ()


# --- stored events ---------------------------------------------------------------------------------------------------


def test_a_stored_correction_corrects_what_was_given_and_nothing_else() -> None:
    content = Correction(
        changes=Changes(grade=None, public=False), cause=Cause.ERROR, reason="示例", document_number="示例"
    )
    read = Correction.model_validate_json(content.model_dump_json())
    assert read == content
    assert read.changes.model_fields_set == {"grade", "public"}


def test_cases_that_were_filed_before_accounts_were_recorded_are_read() -> None:
    filed = VOCABULARY.decode(
        ObjectionFiled.TYPE,
        '{"entry_id": "e", "case_id": "A", "reason": "示例", "suspends": true, "verify_by": null,'
        ' "policy_id": null, "policy_version": null, "lawbook_version": 4}',
    )
    requested = VOCABULARY.decode(
        RepairRequested.TYPE, '{"entry_id": "e", "case_id": "R", "reason": "示例", "evidence": "示例"}'
    )
    adopted = EntryAdopted(entry_id=entry().entry_id, entry=entry(), lawbook_version=4, published_as="event-1")
    old = given(ENTRY, adopted, filed, requested, now=NOON)
    assert isinstance(old.state, OnList)
    case = old.state.cases["A"]
    assert (case.suspends, case.suspending, case.ground) == (frozenset({Suspends.MEASURES}), True, Ground.OTHER)
    assert isinstance(follows(old, grant())[0], EntryRepaired)
