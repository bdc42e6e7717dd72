"""An entry after its publication: who may do what to it, and what follows. Rows 14 to 18 and 29."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.repair.domain.acts import end_of_term
from services.repair.domain.commands import (
    Adopt,
    BeginVerification,
    Command,
    Expire,
    Officer,
)
from services.repair.domain.correction import Changes
from services.repair.domain.entry import ENTRY
from services.repair.domain.events import (
    CaseLapsed,
    DecisionConfirmed,
    EntryAdopted,
    Ground,
    HowLeft,
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    RepairRequested,
)
from services.repair.domain.state import NotAdopted, OffList, OnList, State, Status, status_of
from services.repair.domain.suspension import suspensions
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import (
    ListKind,
)
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ListEvent,
    Suspends,
)
from shared.lawbook.book import LawBook
from shared.rejection import Rejected
from tests.decider import given
from tests.domain.repair_inputs import (
    ALSO_PUBLICITY,
    BOOK,
    COURT,
    FROM_VERIFICATION,
    NOON,
    NOT_SUSPENDING,
    OFFICE,
    OFFICER,
    TAX,
    UNREAD,
    adopt,
    awaiting,
    book,
    carried_out,
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

# --- adoption --------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_published_is_adopted_once() -> None:
    adopted = UNREAD.when(adopt(entry())).then_types(EntryAdopted)
    adopted.when(adopt(entry())).then_nothing()


def test_the_same_entry_under_another_event_id_changes_nothing() -> None:
    listed().when(Adopt(entry(), 4, "event-2")).then_nothing()


def test_another_entry_under_the_same_id_is_refused() -> None:
    listed().when(Adopt(entry(grade="ordinary"), 4, "event-2")).then_rejected(("entry_published_twice", None))


def test_a_redelivery_after_a_correction_changes_nothing() -> None:
    listed(correct(grade="ordinary")).when(adopt(entry())).then_nothing()


def test_nothing_can_be_done_to_an_entry_that_was_not_read() -> None:
    UNREAD.when(revoke()).then_rejected(("unknown_id", "entry_id"))


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by",
    [
        *(Officer("li", TAX), Officer("li", COURT), Officer("li", OFFICE)),
        Officer("li", DepartmentId("city-office"), credit_office=True),
        Officer("li", DepartmentId("province-office"), credit_office=True),
    ],
)
def test_initiator_decider_publisher_and_credit_office_decide(by: Officer) -> None:
    assert listed().when(revoke(by)).events


@pytest.mark.parametrize("name", ["county-office", "other-office", "example-tax-of-nowhere"])
def test_a_credit_office_of_another_region_does_not_decide(name: str) -> None:
    by = Officer("li", DepartmentId(name), credit_office=True)
    listed().when(revoke(by)).then_rejected("outside_responsibility")


def test_the_jurisdiction_cannot_be_corrected() -> None:
    assert "jurisdiction" not in Changes.model_fields


@pytest.mark.parametrize("by", [Officer("li", DepartmentId("example-water")), Officer("li", None)])
def test_no_other_officer_decides(by: Officer) -> None:
    state = listed(objection(), request())
    commands = [
        *(revoke(by), correct(by, grade="ordinary"), end(by=by), grant(by=by), refuse(by=by)),
        *(uphold(by=by), reject_objection(by=by)),
    ]
    assert [state.when(command).faults for command in commands] == [[("forbidden_department", None)]] * 7


# --- the end of the term (row 14) ------------------------------------------------------------------------------------


def test_a_term_ends_with_its_last_day_in_shanghai() -> None:
    assert end_of_term(entry()) == shanghai(2027, 3, 2)
    listed().when(Expire(BOOK), shanghai(2027, 3, 1, 23, 59)).then_nothing()
    [ended] = listed().when(Expire(BOOK), shanghai(2027, 3, 2)).events
    assert isinstance(ended, EntryEnded)
    assert (ended.cause, ended.ended_on) == (Cause.TERM, date(2027, 3, 2))


def test_an_expiry_that_comes_late_counts_from_the_end_of_the_term() -> None:
    [ended] = listed().when(Expire(BOOK), shanghai(2027, 3, 9)).events
    assert isinstance(ended, EntryEnded)
    assert ended.ended_on == date(2027, 3, 2)


@pytest.mark.parametrize("no_end", [None, date(2999, 12, 31), date(9999, 12, 31)])
def test_a_term_without_end_never_ends_nor_do_the_dates_that_mean_no_end(no_end: date | None) -> None:
    state = listed(of=entry(term_to=no_end))
    assert end_of_term(entry(term_to=no_end)) is None
    state.when(Expire(BOOK), shanghai(3000, 1, 1)).then_nothing()


def test_a_term_extended_at_23_59_is_not_ended_by_the_timer_of_00_00() -> None:
    state = listed()
    extension = correct(law=BOOK, term_to=date(2027, 6, 1))
    state = state.having(extension, now=shanghai(2027, 3, 1, 23, 59))
    state.when(Expire(BOOK), shanghai(2027, 3, 2)).then_nothing()
    state.when(Expire(BOOK), shanghai(2027, 6, 2)).then_types(EntryEnded)


def test_a_term_that_ended_at_00_00_is_not_extended_any_more() -> None:
    state = listed()
    state = state.having(Expire(BOOK), now=shanghai(2027, 3, 2))
    state.when(correct(term_to=date(2027, 6, 1))).then_rejected(("entry_has_left_the_list", None))


def test_an_expiry_that_fires_twice_ends_once() -> None:
    state = listed()
    state = state.having(Expire(BOOK), now=shanghai(2027, 3, 2))
    state.when(Expire(BOOK), shanghai(2027, 3, 2)).then_nothing()


@pytest.mark.parametrize("kind", list(ListKind))
@pytest.mark.parametrize("cause", [Cause.NO_LONGER_QUALIFIES, Cause.WITHDRAWN])
def test_an_entry_ends_by_decision_on_the_day_of_the_decision(kind: ListKind, cause: Cause) -> None:
    late_evening_in_utc = datetime(2026, 5, 6, 17, tzinfo=UTC)
    [ended] = follows(listed(of=entry(list_kind=kind, public=False)), end(cause), late_evening_in_utc)
    assert isinstance(ended, EntryEnded)
    assert (ended.cause, ended.ended_on) == (cause, date(2026, 5, 7))


@pytest.mark.parametrize("cause", [Cause.TERM, Cause.REPAIR, Cause.ERROR])
def test_an_ending_needs_a_cause_that_ends_from_then_on(cause: Cause) -> None:
    listed().when(end(cause)).then_rejected(("cause_does_not_fit", "cause"))


# --- correction and revocation (rows 18 and 29) ----------------------------------------------------------------------


def test_a_correction_carries_the_whole_entry_with_the_corrected_content() -> None:
    changes: dict[str, Any] = {"grade": "ordinary", "facts": "更正后的事实", "public": False, "term_to": None}
    [corrected, _] = follows(listed(), correct(**changes))
    assert isinstance(corrected, EntryCorrected)
    old = entry()
    assert corrected.entry == old.model_copy(
        update={
            "grade": "ordinary",
            "public": False,
            "term_to": None,
            "decision": old.decision.model_copy(update={"facts": "更正后的事实"}),
        }
    )
    assert corrected.lawbook_version == BOOK.version


def test_a_second_correction_builds_on_the_first() -> None:
    [second, _] = follows(listed(correct(grade="ordinary")), correct(public=False))
    assert isinstance(second, EntryCorrected)
    assert (second.entry.grade, second.entry.public) == ("ordinary", False)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, [("nothing_to_correct", "changes")]),
        ({"grade": "serious"}, [("nothing_to_correct", "changes")]),
        ({"grade": "slight"}, [("unknown_grade", "changes.grade")]),
        ({"grade": None}, [("grade_missing", "changes.grade")]),
        ({"domain_id": "nowhere"}, [("unknown_domain", "changes.domain_id")]),
        ({"domain_id": "customs"}, [("may_not_list", "changes.domain_id")]),
        ({"domain_id": "red-only"}, [("list_not_kept", "changes.domain_id")]),
        ({"term_to": date(2026, 3, 1)}, [("end_before_start", "changes.term_to")]),
        (
            {"grade": "slight", "term_to": date(2025, 1, 1)},
            [("unknown_grade", "changes.grade"), ("end_before_start", "changes.term_to")],
        ),
    ],
)
def test_a_correction_is_refused_with_every_fault(changes: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    listed().when(correct(**changes)).then_rejected(*faults)


def test_a_watch_entry_is_never_made_public() -> None:
    watch = listed(of=entry(list_kind=ListKind.WATCH, public=False))
    watch.when(correct(public=True)).then_rejected(("watch_entry_public", "changes.public"))


@pytest.mark.parametrize("too_long", [date(2029, 3, 3), None])
def test_the_longest_term_is_that_of_the_day_of_the_decision(too_long: date | None) -> None:
    three_years = a_policy("old", longest_term_months=36)
    one_year = a_policy("old", version=2, longest_term_months=12, effective_from=date(2026, 4, 1))
    law = book(three_years, one_year)
    assert listed().when(correct(law=law, term_to=date(2029, 3, 2))).events
    listed().when(correct(law=law, term_to=too_long)).then_rejected(("term_too_long", "changes.term_to"))


@pytest.mark.parametrize("cause", [Cause.TERM, Cause.REPAIR, Cause.WITHDRAWN])
def test_correction_and_revocation_need_a_cause_that_reaches_back_to_the_beginning(cause: Cause) -> None:
    listed().when(correct(cause=cause, grade="ordinary")).then_rejected(("cause_does_not_fit", "cause"))
    listed().when(revoke(cause=cause)).then_rejected(("cause_does_not_fit", "cause"))


def test_a_revoked_entry_is_not_corrected_by_an_officer_with_a_stale_version() -> None:
    listed(revoke()).when(correct(grade="ordinary")).then_rejected(("entry_has_left_the_list", None))


def test_what_was_revoked_is_not_revoked_again() -> None:
    listed(revoke()).when(revoke()).then_rejected(("entry_has_left_the_list", None))


@pytest.mark.parametrize("left", [(end(),), (request(), grant())])
def test_what_ended_or_was_repaired_can_still_be_revoked_from_the_beginning(left: tuple[Command, ...]) -> None:
    state = listed(*left)
    assert [type(event) for event in follows(state, revoke())] == [EntryRevoked]
    carried_out(state, revoke()).when(revoke()).then_rejected(("entry_has_left_the_list", None))


@pytest.mark.parametrize("left", [(end(),), (revoke(),), (request(), grant())])
@pytest.mark.parametrize("command", [correct(grade="ordinary"), end(), objection(), request("R2")])
def test_nothing_else_is_done_to_what_has_left_the_list(left: tuple[Command, ...], command: Command) -> None:
    listed(*left).when(command).then_rejected(("entry_has_left_the_list", None))


# --- repair (row 15) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ListKind.BLACK, ListKind.WATCH])
def test_black_and_watch_entries_are_repaired_on_request(kind: ListKind) -> None:
    state = listed(request(), of=entry(list_kind=kind, public=False))
    [repaired] = follows(state, grant())
    assert isinstance(repaired, EntryRepaired)
    assert repaired.case_id == "R"
    assert status_of(_adopted(carried_out(state, grant()).state)) is Status.REPAIRED


def test_a_red_entry_is_never_repaired() -> None:
    listed(of=entry(list_kind=ListKind.RED)).when(request()).then_rejected(("red_entry_not_repaired", None))


def test_repair_is_granted_only_on_request() -> None:
    listed().when(grant()).then_rejected(("unknown_id", "case_id"))
    listed(objection("A")).when(grant("A")).then_rejected(("unknown_id", "case_id"))


@pytest.mark.parametrize("evidence", ["", " ", "\u3000\n"])
def test_a_repair_needs_evidence(evidence: str) -> None:
    listed().when(request(evidence=evidence)).then_rejected(("evidence_missing", "evidence"))


LENGTHS: dict[str, Any] = {
    "repair_needs": ["minimum_publicity_passed"],
    "publicity_lengths": [{"at_least_months": 3, "at_most_months": 12}],
}


def test_a_public_entry_is_repaired_when_its_minimum_of_publicity_has_passed() -> None:
    """Decided on 2 March: the minimum of three months lasts through 2 June."""
    law = book(a_policy(**LENGTHS))
    [requested] = listed().when(replace(request(), book=law)).events
    assert isinstance(requested, RepairRequested)
    assert requested.earliest_on == date(2026, 6, 3)
    state = listed(replace(request(), book=law))
    early = state.when(grant(law=law), shanghai(2026, 6, 2, 23, 59))
    early.then_rejected("minimum_publicity_not_passed", earliest=date(2026, 6, 3))
    assert follows(state, grant(law=law), shanghai(2026, 6, 3))


def test_the_minimum_of_publicity_is_tested_again_at_the_confirmation() -> None:
    state = listed(request()).having(grant())
    longer = book(a_policy(**LENGTHS))
    state.when(confirm(law=longer)).then_rejected("minimum_publicity_not_passed")


@pytest.mark.parametrize("of", [entry(public=False), entry(list_kind=ListKind.WATCH, public=False)])
def test_an_entry_that_is_not_public_has_no_minimum_of_publicity(of: Entry) -> None:
    assert follows(listed(request(), of=of), grant(law=book(a_policy(**LENGTHS))))


def test_without_the_need_in_the_policy_there_is_no_minimum() -> None:
    lengths: dict[str, Any] = {name: value for name, value in LENGTHS.items() if name != "repair_needs"}
    assert follows(listed(request()), grant(law=book(a_policy(**lengths))))


def test_a_refused_repair_may_be_asked_for_again() -> None:
    state = listed(request(), refuse())
    state.when(grant()).then_rejected(("case_is_closed", None))
    assert state.when(request("R2")).events


def test_one_request_for_repair_is_judged_at_a_time() -> None:
    listed(request()).when(request("R2")).then_rejected(("repair_is_being_judged", None))


@pytest.mark.parametrize(("command", "how"), [(end(), HowLeft.ENDED), (revoke(), HowLeft.REVOKED)])
def test_a_request_for_repair_lapses_when_the_entry_leaves_its_list(command: Command, how: HowLeft) -> None:
    events = follows(listed(request()), command)
    assert events[1:] == [CaseLapsed(entry_id=entry().entry_id, case_id="R", because=how)]


# --- objection (rows 16 and 17) --------------------------------------------------------------------------------------


def test_the_first_objection_suspends_and_the_last_resumes() -> None:
    state = listed()
    state.when(objection("A")).then_types(ObjectionFiled, EntrySuspended)
    state = listed(objection("A"))
    state.when(objection("B")).then_types(ObjectionFiled)
    state = listed(objection("A"), objection("B"))
    state.when(reject_objection("A")).then_types(ObjectionRejected)
    state = listed(objection("A"), objection("B"), reject_objection("A"))
    state.when(reject_objection("B")).then_types(ObjectionRejected, EntryResumed)


def test_after_a_resumption_the_next_objection_suspends_anew() -> None:
    state = listed(objection("A"), reject_objection("A"))
    state.when(objection("B")).then_types(ObjectionFiled, EntrySuspended)


def test_only_punishments_are_suspended() -> None:
    listed(of=entry(list_kind=ListKind.RED)).when(objection()).then_types(ObjectionFiled)


def test_the_policy_of_the_day_of_filing_decides_the_suspension_of_measures_and_the_time_limit_to_verify() -> None:
    [filed] = listed().when(objection(law=NOT_SUSPENDING)).events
    assert isinstance(filed, ObjectionFiled)
    # Wednesday 6 May 2026 and five working days; Saturday 9 May is a make-up day.
    assert (filed.suspends, filed.verify_by) == (False, date(2026, 5, 12))
    assert (filed.policy_id, filed.policy_version) == ("example", 1)


def test_a_policy_that_begins_later_does_not_govern_an_objection_of_today() -> None:
    later = a_policy(suspend_measures_on_objection=False, effective_from=date(2026, 5, 7))
    listed().when(objection(law=book(a_policy("before"), later))).then_types(ObjectionFiled, EntrySuspended)


def test_where_no_policy_governs_the_state_council_does() -> None:
    listed().when(objection(law=book())).then_types(ObjectionFiled, EntrySuspended)


def test_an_upheld_objection_revokes_from_the_beginning_and_closes_the_other_cases() -> None:
    upheld = follows(listed(objection("A"), objection("B"), request()), uphold("A"))
    assert [type(event) for event in upheld] == [ObjectionUpheld, EntryRevoked, CaseLapsed, CaseLapsed]
    revoked = upheld[1]
    assert isinstance(revoked, EntryRevoked)
    assert revoked.cause is Cause.OBJECTION_UPHELD


def test_an_objection_upheld_by_a_correction_resumes_the_measures() -> None:
    upheld = follows(listed(objection("A")), uphold("A", Changes(grade="ordinary")))
    assert [type(event) for event in upheld] == [ObjectionUpheld, EntryCorrected, EntryResumed]


def test_the_measures_do_not_resume_while_another_objection_is_open() -> None:
    upheld = follows(listed(objection("A"), objection("B")), uphold("A", Changes(grade="ordinary")))
    assert [type(event) for event in upheld] == [ObjectionUpheld, EntryCorrected]


def test_a_case_is_decided_once() -> None:
    state = listed(objection("A"), reject_objection("A"))
    state.when(reject_objection("A")).then_rejected(("case_is_closed", None))
    state.when(uphold("A")).then_rejected(("case_is_closed", None))
    state.when(uphold("B")).then_rejected(("unknown_id", "case_id"))


@pytest.mark.parametrize("left", [(end(),), (request(), grant())])
def test_an_objection_outlives_expiry_and_repair_and_can_still_undo_from_the_beginning(
    left: tuple[Command, ...],
) -> None:
    state = listed(objection("A"), objection("B"), *left)
    state.when(reject_objection("A")).then_types(ObjectionRejected)
    assert [type(event) for event in follows(state, uphold("A"))] == [ObjectionUpheld, EntryRevoked, CaseLapsed]
    state.when(uphold("A", Changes(grade="ordinary"))).then_rejected(("entry_has_left_the_list", None))


def _adopted(state: State) -> OnList | OffList:
    assert not isinstance(state, NotAdopted)
    return state


# --- commands in any order -------------------------------------------------------------------------------------------

CASES = st.sampled_from(["A", "B", "C"])
LAWS = st.sampled_from([BOOK, NOT_SUSPENDING, FROM_VERIFICATION, ALSO_PUBLICITY])


class CommandsInAnyOrder(RuleBasedStateMachine):
    """Commands in any order. A reader of the public events alone must derive the same state."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = listed().state
        self.now = NOON
        self.public: list[ListEvent] = []
        self.filed = 0
        self.confirmed = 0

    def attempt(self, command: Command) -> None:
        try:
            events = ENTRY.decide(self.state, command, self.now)
        except Rejected:
            return
        for event in events:
            self.state = ENTRY.evolve(self.state, event)
            self.confirmed += isinstance(event, DecisionConfirmed)
            if isinstance(event, ListEvent):
                self.public.append(event)

    @rule(law=LAWS, ground=st.sampled_from(Ground), new=st.sampled_from(["", "新证据"]))
    def an_objection_is_filed(self, law: LawBook, ground: Ground, new: str) -> None:
        self.filed += 1
        self.attempt(objection(f"O{self.filed}", law, ground=ground, new=new))

    @rule(nth=st.integers(1, 6))
    def an_objection_is_verified(self, nth: int) -> None:
        self.attempt(BeginVerification(OFFICER, BOOK, f"O{nth}"))

    @rule()
    def the_decision_is_confirmed(self) -> None:
        if (decision_id := awaiting(self.state)) is not None:
            self.attempt(confirm(decision_id))

    @rule()
    def the_decision_is_returned(self) -> None:
        if (decision_id := awaiting(self.state)) is not None:
            self.attempt(return_(decision_id=decision_id))
            assert awaiting(self.state) is None

    @rule(nth=st.integers(1, 6))
    def an_objection_is_rejected(self, nth: int) -> None:
        self.attempt(reject_objection(f"O{nth}"))

    @rule(nth=st.integers(1, 6), grade=st.sampled_from([None, "serious", "ordinary"]), revoking=st.booleans())
    def an_objection_is_upheld(self, nth: int, grade: str | None, revoking: bool) -> None:
        self.attempt(uphold(f"O{nth}", None if revoking else Changes(grade=grade)))

    @rule(case=CASES)
    def repair_is_requested(self, case: str) -> None:
        self.attempt(request(case))

    @rule(case=CASES, granted=st.booleans())
    def repair_is_decided(self, case: str, granted: bool) -> None:
        self.attempt(grant(case) if granted else refuse(case))

    @rule(days=st.integers(-400, 400))
    def the_term_is_corrected(self, days: int) -> None:
        self.attempt(correct(term_to=date(2027, 3, 1) + timedelta(days=days)))

    @rule(days=st.integers(0, 300))
    def time_passes_and_the_timer_fires(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.attempt(Expire(BOOK))

    @rule(command=st.sampled_from([revoke(), end()]))
    def it_is_revoked_or_ended(self, command: Command) -> None:
        self.attempt(command)

    @rule()
    def its_publication_is_delivered_twice(self) -> None:
        before = self.state
        self.attempt(adopt(entry()))
        assert self.state == before

    @invariant()
    def the_published_suspension_is_what_open_cases_and_the_decision_suspend(self) -> None:
        published: list[frozenset[Suspends]] = [frozenset()]
        for event in self.public:
            if isinstance(event, EntrySuspended):
                assert event.suspends
                published.append(frozenset(event.suspends))
            if isinstance(event, EntryResumed):
                published.append(frozenset())
        assert all(one != other for one, other in pairwise(published)), "nothing is published twice"
        if isinstance(self.state, OnList):
            wanted = frozenset[Suspends]().union(*(one.suspends for one in suspensions(self.state)))
            assert published[-1] == wanted == self.state.suspended

    @invariant()
    def nothing_that_ends_follows_without_a_second_officer(self) -> None:
        ending = (EntryRevoked, EntryRepaired)
        assert sum(isinstance(event, ending) for event in self.public) <= self.confirmed

    @invariant()
    def what_left_the_list_stays_off_and_only_a_revocation_follows(self) -> None:
        ends = [n for n, e in enumerate(self.public) if isinstance(e, EntryRevoked | EntryRepaired | EntryEnded)]
        if not ends:
            assert isinstance(self.state, OnList)
            return
        behind = self.public[ends[0] + 1 :]
        assert isinstance(self.state, OffList)
        assert all(isinstance(event, EntryRevoked) for event in behind)
        assert sum(isinstance(event, EntryRevoked) for event in self.public) <= 1
        assert (self.state.how is HowLeft.REVOKED) == any(isinstance(e, EntryRevoked) for e in self.public)

    @invariant()
    def nothing_is_open_once_it_is_revoked_and_no_repair_once_it_has_left(self) -> None:
        if isinstance(self.state, OffList):
            still_open = [case.kind for case in self.state.cases.values() if case.open]
            assert "repair" not in still_open
            assert not still_open or self.state.how is not HowLeft.REVOKED

    @invariant()
    def the_content_follows_from_the_public_events(self) -> None:
        corrected = [event.entry for event in self.public if isinstance(event, EntryCorrected)]
        assert _adopted(self.state).entry == (corrected[-1] if corrected else entry())


CommandsInAnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestCommandsInAnyOrder = CommandsInAnyOrder.TestCase


def test_the_state_is_what_its_events_say() -> None:
    adopted = EntryAdopted(entry_id=entry().entry_id, entry=entry(), lawbook_version=4, published_as="event-1")
    assert given(ENTRY, adopted).state == listed().state
    with pytest.raises(ValueError, match="never adopted"):
        given(ENTRY, *listed().when(objection()).events)
