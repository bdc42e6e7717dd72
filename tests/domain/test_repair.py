"""An entry after its publication: what may be done to it, by whom, and what follows. Rows 14 to 18 and 29."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.repair.commands import (
    Adopt,
    Command,
    Correct,
    End,
    Expire,
    FileObjection,
    GrantRepair,
    Officer,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    Revoke,
    UpholdObjection,
)
from services.repair.correction import Changes
from services.repair.domain import (
    INITIAL,
    OffList,
    OnList,
    State,
    Status,
    Unread,
    decide,
    end_of_term,
    evolve,
    status_of,
)
from services.repair.events import CaseLapsed, EntryAdopted, HowLeft, ObjectionFiled
from shared.calendar.working_days import SHANGHAI
from shared.contracts.event import DepartmentId, DomainId, EntryId, Event, SubjectKey
from shared.contracts.lawbook import Domain, Grade, ListKind, SubjectKind
from shared.contracts.lawbook_events import DomainPublished, LawbookChange, PolicyPublished
from shared.contracts.listing import (
    Cause,
    Decision,
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ListEvent,
    Subject,
)
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.rejection import Rejected
from tests.policies import a_policy

ENTRY = EntryId("0197a000-0000-7000-8000-000000000001")
TAX = DepartmentId("example-tax")
COURT = DepartmentId("example-court")
OFFICE = DepartmentId("example-credit-office")
OFFICER = Officer(TAX)
NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)


def shanghai(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def domain(domain_id: str, lists: tuple[ListKind, ...] = tuple(ListKind), may_list: tuple[str, ...] = (TAX,)) -> Domain:
    return Domain(
        domain_id=DomainId(domain_id),
        name_zh="示例领域",
        name_en="Example",
        lists=lists,
        grades=(
            Grade(code="ordinary", name_zh="一般", name_en="Ordinary"),
            Grade(code="serious", name_zh="严重", name_en="Serious"),
        ),
        may_list=tuple(DepartmentId(one) for one in may_list),
    )


def book(*policies: Policy) -> LawBook:
    changes: list[LawbookChange] = [
        DomainPublished(lawbook_version=1, domain=domain("tax")),
        DomainPublished(lawbook_version=2, domain=domain("customs", may_list=("example-customs",))),
        DomainPublished(lawbook_version=3, domain=domain("red-only", lists=(ListKind.RED,))),
    ]
    changes += [PolicyPublished(lawbook_version=4 + nth, policy=policy) for nth, policy in enumerate(policies)]
    return LawBook.empty().with_changes(changes)


BOOK = book(a_policy())
NOT_SUSPENDING = book(a_policy(suspend_measures_on_objection=False, objection_verify_days=5))


def entry(**changes: Any) -> Entry:
    chosen: dict[str, Any] = {
        "entry_id": ENTRY,
        "list_kind": ListKind.BLACK,
        "domain_id": DomainId("tax"),
        "grade": "serious",
        "subject": Subject(key=SubjectKey("uscc:91410300MA40000011"), kind=SubjectKind.LEGAL, name="示例建材有限公司"),
        "initiated_by": TAX,
        "published_by": OFFICE,
        "decision": Decision(
            document_number="示例税罚〔2026〕1号",
            decided_by=COURT,
            decided_on=date(2026, 3, 2),
            facts="示例事实",
            legal_basis="示例办法 第三条",
        ),
        "jurisdiction": "410300",
        "term_from": date(2026, 3, 2),
        "term_to": date(2027, 3, 1),
        "public": True,
        **changes,
    }
    return Entry(**chosen)


# --- given, when, then -----------------------------------------------------------------------------------------------


def adopt(of: Entry) -> Adopt:
    return Adopt(of, lawbook_version=4, published_as="event-1")


def given(*commands: Command, of: Entry | None = None) -> State:
    """The state after the entry was adopted and these commands were carried out at noon."""
    state = INITIAL
    for command in (adopt(of or entry()), *commands):
        state = after(state, decide(state, command, NOON))
    return state


def after(state: State, events: Sequence[Event]) -> State:
    for event in events:
        state = evolve(state, event)
    return state


def when(state: State, command: Command, now: datetime = NOON) -> Sequence[Event]:
    return decide(state, command, now)


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def refused(state: State, command: Command, now: datetime = NOON) -> list[tuple[str, str | None]]:
    with pytest.raises(Rejected) as refusal:
        decide(state, command, now)
    return [(fault.code, fault.field) for fault in refusal.value.faults]


def correct(by: Officer = OFFICER, cause: Cause = Cause.ERROR, law: LawBook = BOOK, **changes: Any) -> Correct:
    return Correct(by, law, Changes(**changes), cause, "录入有误", "示例更正〔2026〕1号")


def revoke(by: Officer = OFFICER, cause: Cause = Cause.LITIGATION) -> Revoke:
    return Revoke(by, BOOK, cause, "判决撤销", "示例行初〔2026〕1号")


def end(cause: Cause = Cause.WITHDRAWN, by: Officer = OFFICER) -> End:
    return End(by, BOOK, cause, "示例理由")


def objection(case_id: str = "A", law: LawBook = BOOK) -> FileObjection:
    return FileObjection(law, case_id, "并非本公司所为")


def uphold(case_id: str = "A", changes: Changes | None = None, by: Officer = OFFICER) -> UpholdObjection:
    return UpholdObjection(by, BOOK, case_id, "经核实，异议成立", "示例异议〔2026〕1号", changes)


def reject_objection(case_id: str = "A", by: Officer = OFFICER) -> RejectObjection:
    return RejectObjection(by, BOOK, case_id, "经核实，认定无误")


def request(case_id: str = "R") -> RequestRepair:
    return RequestRepair(BOOK, case_id, "已补缴税款", "完税证明 示例1号")


def grant(case_id: str = "R", by: Officer = OFFICER) -> GrantRepair:
    return GrantRepair(by, BOOK, case_id, "符合修复条件", "示例修复〔2026〕1号")


def refuse(case_id: str = "R", by: Officer = OFFICER) -> RefuseRepair:
    return RefuseRepair(by, BOOK, case_id, "尚未履行义务")


# --- adoption --------------------------------------------------------------------------------------------------------


def test_an_entry_that_was_published_is_adopted_once() -> None:
    events = when(INITIAL, adopt(entry()))
    assert kinds(events) == ["EntryAdopted"]
    assert when(after(INITIAL, events), adopt(entry())) == []


def test_the_same_entry_under_another_event_id_changes_nothing() -> None:
    assert when(given(), Adopt(entry(), 4, "event-2")) == []


def test_another_entry_under_the_same_id_is_refused() -> None:
    assert refused(given(), Adopt(entry(grade="ordinary"), 4, "event-2")) == [("entry_published_twice", None)]


def test_a_redelivery_after_a_correction_changes_nothing() -> None:
    assert when(given(correct(grade="ordinary")), adopt(entry())) == []


def test_nothing_can_be_done_to_an_entry_that_was_not_read() -> None:
    assert refused(INITIAL, revoke()) == [("unknown_id", "entry_id")]


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [Officer(TAX), Officer(COURT), Officer(OFFICE), Officer(None, credit_office=True)])
def test_initiator_decider_publisher_and_credit_office_decide(by: Officer) -> None:
    assert when(given(), revoke(by))


@pytest.mark.parametrize("by", [Officer(DepartmentId("example-water")), Officer(None)])
def test_nobody_else_decides(by: Officer) -> None:
    state = given(objection(), request())
    commands = [
        *(revoke(by), correct(by, grade="ordinary"), end(by=by), grant(by=by), refuse(by=by)),
        *(uphold(by=by), reject_objection(by=by)),
    ]
    assert [refused(state, command) for command in commands] == [[("forbidden_department", None)]] * 7


# --- the end of the term (row 14) ------------------------------------------------------------------------------------


def test_a_term_ends_with_its_last_day_in_shanghai() -> None:
    assert end_of_term(entry()) == shanghai(2027, 3, 2)
    assert when(given(), Expire(BOOK), shanghai(2027, 3, 1, 23, 59)) == []
    (ended,) = when(given(), Expire(BOOK), shanghai(2027, 3, 2))
    assert isinstance(ended, EntryEnded)
    assert (ended.cause, ended.ended_on) == (Cause.TERM, date(2027, 3, 2))


def test_an_expiry_that_comes_late_counts_from_the_end_of_the_term() -> None:
    (ended,) = when(given(), Expire(BOOK), shanghai(2027, 3, 9))
    assert isinstance(ended, EntryEnded)
    assert ended.ended_on == date(2027, 3, 2)


@pytest.mark.parametrize("no_end", [None, date(2999, 12, 31), date(9999, 12, 31)])
def test_no_end_never_comes_nor_do_the_dates_that_mean_it(no_end: date | None) -> None:
    state = given(of=entry(term_to=no_end))
    assert end_of_term(entry(term_to=no_end)) is None
    assert when(state, Expire(BOOK), shanghai(3000, 1, 1)) == []


def test_a_term_extended_at_23_59_is_not_ended_by_the_timer_of_00_00() -> None:
    state = given()
    extension = correct(law=BOOK, term_to=date(2027, 6, 1))
    state = after(state, when(state, extension, shanghai(2027, 3, 1, 23, 59)))
    assert when(state, Expire(BOOK), shanghai(2027, 3, 2)) == []
    assert kinds(when(state, Expire(BOOK), shanghai(2027, 6, 2))) == ["EntryEnded"]


def test_a_term_that_ended_at_00_00_is_not_extended_any_more() -> None:
    state = given()
    state = after(state, when(state, Expire(BOOK), shanghai(2027, 3, 2)))
    assert refused(state, correct(term_to=date(2027, 6, 1))) == [("entry_has_left_the_list", None)]


def test_an_expiry_that_fires_twice_ends_once() -> None:
    state = given()
    state = after(state, when(state, Expire(BOOK), shanghai(2027, 3, 2)))
    assert when(state, Expire(BOOK), shanghai(2027, 3, 2)) == []


@pytest.mark.parametrize("kind", list(ListKind))
@pytest.mark.parametrize("cause", [Cause.NO_LONGER_QUALIFIES, Cause.WITHDRAWN])
def test_an_entry_ends_by_decision_on_the_day_of_the_decision(kind: ListKind, cause: Cause) -> None:
    late_evening_in_utc = datetime(2026, 5, 6, 17, tzinfo=UTC)
    (ended,) = when(given(of=entry(list_kind=kind, public=False)), end(cause), late_evening_in_utc)
    assert isinstance(ended, EntryEnded)
    assert (ended.cause, ended.ended_on) == (cause, date(2026, 5, 7))


@pytest.mark.parametrize("cause", [Cause.TERM, Cause.REPAIR, Cause.ERROR])
def test_an_ending_needs_a_cause_that_ends_from_then_on(cause: Cause) -> None:
    assert refused(given(), end(cause)) == [("cause_does_not_fit", "cause")]


# --- correction and revocation (rows 18 and 29) ----------------------------------------------------------------------


def test_a_correction_carries_the_whole_entry_with_the_corrected_content() -> None:
    (corrected,) = when(given(), correct(grade="ordinary", facts="更正后的事实", public=False, term_to=None))
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
    (second,) = when(given(correct(grade="ordinary")), correct(public=False))
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
    assert refused(given(), correct(**changes)) == faults


def test_a_watch_entry_is_never_made_public() -> None:
    watch = given(of=entry(list_kind=ListKind.WATCH, public=False))
    assert refused(watch, correct(public=True)) == [("watch_entry_public", "changes.public")]


@pytest.mark.parametrize("too_long", [date(2029, 3, 3), None])
def test_the_longest_term_is_that_of_the_day_of_the_decision(too_long: date | None) -> None:
    three_years = a_policy("old", longest_term_months=36)
    one_year = a_policy("old", version=2, longest_term_months=12, effective_from=date(2026, 4, 1))
    law = book(three_years, one_year)
    assert when(given(), correct(law=law, term_to=date(2029, 3, 2)))
    assert refused(given(), correct(law=law, term_to=too_long)) == [("term_too_long", "changes.term_to")]


@pytest.mark.parametrize("cause", [Cause.TERM, Cause.REPAIR, Cause.WITHDRAWN])
def test_correction_and_revocation_need_a_cause_that_reaches_back_to_the_beginning(cause: Cause) -> None:
    assert refused(given(), correct(cause=cause, grade="ordinary")) == [("cause_does_not_fit", "cause")]
    assert refused(given(), revoke(cause=cause)) == [("cause_does_not_fit", "cause")]


def test_what_was_revoked_is_not_corrected_by_someone_unaware() -> None:
    assert refused(given(revoke()), correct(grade="ordinary")) == [("entry_has_left_the_list", None)]


def test_what_was_revoked_is_not_revoked_again() -> None:
    assert refused(given(revoke()), revoke()) == [("entry_has_left_the_list", None)]


@pytest.mark.parametrize("left", [(end(),), (request(), grant())])
def test_what_ended_or_was_repaired_can_still_be_revoked_from_the_beginning(left: tuple[Command, ...]) -> None:
    state = given(*left)
    assert kinds(when(state, revoke())) == ["EntryRevoked"]
    assert refused(after(state, when(state, revoke())), revoke()) == [("entry_has_left_the_list", None)]


@pytest.mark.parametrize("left", [(end(),), (revoke(),), (request(), grant())])
@pytest.mark.parametrize("command", [correct(grade="ordinary"), end(), objection(), request("R2")])
def test_nothing_else_is_done_to_what_has_left_the_list(left: tuple[Command, ...], command: Command) -> None:
    assert refused(given(*left), command) == [("entry_has_left_the_list", None)]


# --- repair (row 15) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ListKind.BLACK, ListKind.WATCH])
def test_black_and_watch_entries_are_repaired_on_request(kind: ListKind) -> None:
    state = given(request(), of=entry(list_kind=kind, public=False))
    (repaired,) = when(state, grant())
    assert isinstance(repaired, EntryRepaired)
    assert repaired.case_id == "R"
    assert status_of(_known(after(state, [repaired]))) is Status.REPAIRED


def test_a_red_entry_is_never_repaired() -> None:
    assert refused(given(of=entry(list_kind=ListKind.RED)), request()) == [("red_entry_not_repaired", None)]


def test_repair_is_granted_only_on_request() -> None:
    assert refused(given(), grant()) == [("unknown_id", "case_id")]
    assert refused(given(objection("A")), grant("A")) == [("unknown_id", "case_id")]


def test_a_refused_repair_may_be_asked_for_again() -> None:
    state = given(request(), refuse())
    assert refused(state, grant()) == [("case_is_closed", None)]
    assert when(state, request("R2"))


def test_one_request_for_repair_is_judged_at_a_time() -> None:
    assert refused(given(request()), request("R2")) == [("repair_is_being_judged", None)]


@pytest.mark.parametrize(("command", "how"), [(end(), HowLeft.ENDED), (revoke(), HowLeft.REVOKED)])
def test_a_request_for_repair_lapses_when_the_entry_leaves_its_list(command: Command, how: HowLeft) -> None:
    events = when(given(request()), command)
    assert events[1:] == [CaseLapsed(entry_id=ENTRY, case_id="R", because=how)]


# --- objection (rows 16 and 17) --------------------------------------------------------------------------------------


def test_the_first_objection_suspends_and_the_last_resumes() -> None:
    state = given()
    assert kinds(when(state, objection("A"))) == ["ObjectionFiled", "EntrySuspended"]
    state = given(objection("A"))
    assert kinds(when(state, objection("B"))) == ["ObjectionFiled"]
    state = given(objection("A"), objection("B"))
    assert kinds(when(state, reject_objection("A"))) == ["ObjectionRejected"]
    state = given(objection("A"), objection("B"), reject_objection("A"))
    assert kinds(when(state, reject_objection("B"))) == ["ObjectionRejected", "EntryResumed"]


def test_after_a_resumption_the_next_objection_suspends_anew() -> None:
    state = given(objection("A"), reject_objection("A"))
    assert kinds(when(state, objection("B"))) == ["ObjectionFiled", "EntrySuspended"]


def test_only_punishments_are_suspended() -> None:
    assert kinds(when(given(of=entry(list_kind=ListKind.RED)), objection())) == ["ObjectionFiled"]


def test_the_policy_of_the_day_of_filing_says_whether_measures_rest_and_until_when_to_verify() -> None:
    (filed,) = when(given(), objection(law=NOT_SUSPENDING))
    assert isinstance(filed, ObjectionFiled)
    # Wednesday 6 May 2026 and five working days; Saturday 9 May is a make-up day.
    assert (filed.suspends, filed.verify_by) == (False, date(2026, 5, 12))
    assert (filed.policy_id, filed.policy_version) == ("example", 1)


def test_a_policy_not_yet_begun_says_nothing_about_an_objection_of_today() -> None:
    later = a_policy(suspend_measures_on_objection=False, effective_from=date(2026, 5, 7))
    assert kinds(when(given(), objection(law=book(a_policy("before"), later)))) == ["ObjectionFiled", "EntrySuspended"]


def test_where_no_policy_governs_the_state_council_does() -> None:
    assert kinds(when(given(), objection(law=book()))) == ["ObjectionFiled", "EntrySuspended"]


def test_an_upheld_objection_revokes_from_the_beginning_and_settles_the_others() -> None:
    events = when(given(objection("A"), objection("B"), request()), uphold("A"))
    assert kinds(events) == ["ObjectionUpheld", "EntryRevoked", "CaseLapsed", "CaseLapsed"]
    assert isinstance(events[1], EntryRevoked)
    assert events[1].cause is Cause.OBJECTION_UPHELD


def test_an_objection_upheld_by_a_correction_resumes_what_stands() -> None:
    events = when(given(objection("A")), uphold("A", Changes(grade="ordinary")))
    assert kinds(events) == ["ObjectionUpheld", "EntryCorrected", "EntryResumed"]


def test_it_does_not_resume_while_another_objection_is_open() -> None:
    events = when(given(objection("A"), objection("B")), uphold("A", Changes(grade="ordinary")))
    assert kinds(events) == ["ObjectionUpheld", "EntryCorrected"]


def test_a_case_is_decided_once() -> None:
    state = given(objection("A"), reject_objection("A"))
    assert refused(state, reject_objection("A")) == [("case_is_closed", None)]
    assert refused(state, uphold("A")) == [("case_is_closed", None)]
    assert refused(state, uphold("B")) == [("unknown_id", "case_id")]


@pytest.mark.parametrize("left", [(end(),), (request(), grant())])
def test_an_objection_outlives_expiry_and_repair_and_can_still_undo_from_the_beginning(
    left: tuple[Command, ...],
) -> None:
    state = given(objection("A"), objection("B"), *left)
    assert kinds(when(state, reject_objection("A"))) == ["ObjectionRejected"]
    assert kinds(when(state, uphold("A"))) == ["ObjectionUpheld", "EntryRevoked", "CaseLapsed"]
    assert refused(state, uphold("A", Changes(grade="ordinary"))) == [("entry_has_left_the_list", None)]


def _known(state: State) -> OnList | OffList:
    assert not isinstance(state, Unread)
    return state


# --- whatever happens, in whatever order -----------------------------------------------------------------------------

CASES = st.sampled_from(["A", "B", "C"])
LAWS = st.sampled_from([BOOK, NOT_SUSPENDING])


class AnEntryUnderFire(RuleBasedStateMachine):
    """Commands in any order. A reader of the public events alone must end up with what the state says."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = given()
        self.now = NOON
        self.public: list[ListEvent] = []
        self.filed = 0

    def attempt(self, command: Command) -> None:
        try:
            events = decide(self.state, command, self.now)
        except Rejected:
            return
        for event in events:
            self.state = evolve(self.state, event)
            if isinstance(event, ListEvent):
                self.public.append(event)

    @rule(law=LAWS)
    def an_objection_is_filed(self, law: LawBook) -> None:
        self.filed += 1
        self.attempt(objection(f"O{self.filed}", law))

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
    def its_publication_is_delivered_again(self) -> None:
        before = self.state
        self.attempt(adopt(entry()))
        assert self.state == before

    @invariant()
    def it_is_suspended_exactly_while_a_suspending_case_is_open(self) -> None:
        of_suspension = [event for event in self.public if isinstance(event, EntrySuspended | EntryResumed)]
        assert all(isinstance(event, EntrySuspended) == (nth % 2 == 0) for nth, event in enumerate(of_suspension))
        if isinstance(self.state, OnList):
            told = bool(of_suspension) and isinstance(of_suspension[-1], EntrySuspended)
            assert told == bool(self.state.suspended_by)

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
    def the_public_events_tell_the_content(self) -> None:
        corrected = [event.entry for event in self.public if isinstance(event, EntryCorrected)]
        assert _known(self.state).entry == (corrected[-1] if corrected else entry())


AnEntryUnderFire.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnEntryUnderFire = AnEntryUnderFire.TestCase


def test_the_state_is_what_its_events_say() -> None:
    adopted = EntryAdopted(entry_id=ENTRY, entry=entry(), lawbook_version=4, published_as="event-1")
    assert evolve(INITIAL, adopted) == given()
    with pytest.raises(ValueError, match="never adopted"):
        evolve(INITIAL, when(given(), revoke())[0])
