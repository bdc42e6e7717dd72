"""The rules of an entry, and its life from the draft to the publication. Pure: no database, no clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.initiator.domain.commands import (
    Approve,
    Draft,
    EntryCommand,
    Officer,
    PublishImported,
    Return,
    Revise,
    Submit,
)
from services.initiator.domain.decision_key import decision_key
from services.initiator.domain.entry import ENTRY, EntryState
from services.initiator.domain.entry_input import (
    EntryInput,
    ResponsibleInput,
    SubjectInput,
    keys_of_input,
    sealed_entry,
)
from services.initiator.domain.events import EntryDrafted, EntryReturned, EntrySubmitted
from services.initiator.domain.visibility import EVERYTHING, visibility_of
from shared.contracts.event import DepartmentId, DomainId, EntryId, Event, SubjectKey
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import EntryPublished, Notice, Origin
from shared.identity import mask_name
from shared.lawbook.terms import last_day, months_after
from tests.builders import a_book, a_department, a_domain, the_regions
from tests.decider import Given, given
from tests.domain.initiator_inputs import (
    APPROVER,
    BOOK,
    COURT,
    KEYS,
    LISTER,
    NOW,
    OFFICE,
    OTHER_LISTER,
    SAFETY,
    SOUND,
    but,
    faults_of,
    the_book,
    the_entry,
)
from tests.subjects import INVENTED

# --- judging


def test_a_sound_entry_has_no_fault() -> None:
    assert faults_of(SOUND) == []


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (but(domain_id=DomainId("nowhere")), ("unknown_domain", "domain_id")),
        (but(domain_id=DomainId("judgments"), initiated_by=COURT, decided_by=COURT, list_kind=ListKind.RED, grade=None),
         ("list_not_kept", "list_kind")),
        (but(grade=None), ("grade_missing", "grade")),
        (but(grade="gravest"), ("unknown_grade", "grade")),
        (but(initiated_by=DepartmentId("nobody")), ("unknown_department", "initiated_by")),
        (but(initiated_by=COURT), ("may_not_list", "domain_id")),
        (but(decided_by=COURT), ("may_not_decide", "decision.decided_by")),
        (but(decided_by=DepartmentId("nobody")), ("unknown_department", "decision.decided_by")),
        (but(legal_basis="  "), ("missing_basis", "decision.legal_basis")),
        (but(document_number=""), ("document_number_missing", "decision.document_number")),
        (but(facts=""), ("field_missing", "decision.facts")),
        (but(decided_on=date(2024, 6, 4)), ("date_in_future", "decision.decided_on")),
        (but(act_ended_on=date(2024, 5, 21)), ("act_ends_after_decision", "decision.act_ended_on")),
        (but(term_to=date(2024, 5, 19)), ("end_before_start", "term_to")),
        (but(list_kind=ListKind.WATCH), ("watch_entry_public", "public")),
        (but(jurisdiction="999999"), ("unknown_region", "jurisdiction")),
        (but(jurisdiction="410900"), ("outside_responsibility", "jurisdiction")),
        (but(jurisdiction="410000"), ("outside_responsibility", "jurisdiction")),
        (but(jurisdiction="4103"), ("jurisdiction_not_a_region", "jurisdiction")),
        (but(jurisdiction="４１０３００"), ("jurisdiction_not_a_region", "jurisdiction")),
        (but(subject=SubjectInput("uscc", "91410300MA0000000X", "示例")), ("credit_code_check_digit", "subject.number")),
        (but(subject=SubjectInput("Ship No", "1", "示例")), ("subject_scheme", "subject.scheme")),
        (but(subject=SubjectInput("uscc", INVENTED.company(1).credit_code, " ")), ("field_missing", "subject.name")),
        (but(facts=f"当事人{INVENTED.person(1).resident_id}"), ("personal_number_in_text", "decision.facts")),
        (but(responsible=(ResponsibleInput(SOUND.subject, Role.DIRECTOR),)),
         ("responsible_not_a_person", "responsible[0].subject.scheme")),
        (but(responsible=(ResponsibleInput(SubjectInput("person", "1", "示例"), Role.DIRECTOR),)),
         ("resident_id_length", "responsible[0].subject.number")),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_field(sent: EntryInput, fault: tuple[str, str | None]) -> None:
    assert faults_of(sent) == [fault]


def test_all_faults_are_reported_at_once() -> None:
    sent = but(grade=None, legal_basis="", decided_on=date(2024, 6, 4), term_to=date(2024, 1, 1), jurisdiction="x")
    assert [code for code, _ in faults_of(sent)] == [
        "jurisdiction_not_a_region",
        "grade_missing",
        "missing_basis",
        "date_in_future",
        "end_before_start",
    ]


def test_today_is_a_date_in_shanghai() -> None:
    late = datetime(2024, 6, 3, 17, 0, tzinfo=UTC)  # 01:00 on 4 June in Shanghai
    given(ENTRY).when(Draft(the_entry(but(decided_on=date(2024, 6, 4))), LISTER, BOOK), now=late).then_types(
        EntryDrafted
    )


@pytest.mark.parametrize("day", [date(2999, 12, 31), date(9999, 12, 31), None])
def test_a_date_that_means_no_end_is_none(day: date | None) -> None:
    assert last_day(day) is None
    assert last_day(date(2026, 5, 19)) == date(2026, 5, 19)


def test_a_term_is_no_longer_than_the_policy_allows() -> None:
    book = the_book(longest_term_months=36)
    assert faults_of(but(term_from=date(2024, 2, 29), term_to=date(2027, 2, 28)), book) == []
    assert faults_of(but(term_from=date(2024, 2, 29), term_to=date(2027, 3, 1)), book) == [("term_too_long", "term_to")]
    assert faults_of(but(term_to=None), book) == [("term_too_long", "term_to")]


def test_months_end_within_their_month() -> None:
    assert months_after(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert months_after(date(2024, 12, 31), 2) == date(2025, 2, 28)
    assert months_after(date(9998, 1, 1), 24) == date.max


TIERS = the_book(
    grades=[
        {"code": "lesser", "name_zh": "较轻", "name_en": "Lesser", "rank": 1},
        {"code": "watched", "name_zh": "关注", "name_en": "Watched", "rank": 2, "list_kind": "watch"},
        {"code": "listed", "name_zh": "黑名单", "name_en": "Listed", "rank": 3, "list_kind": "black", "public": True},
    ]
)


@pytest.mark.parametrize(
    ("grade", "list_kind", "expected"),
    [
        ("listed", ListKind.BLACK, []),
        ("watched", ListKind.WATCH, []),
        ("lesser", ListKind.BLACK, [("grade_leads_elsewhere", "grade")]),
        ("watched", ListKind.BLACK, [("grade_leads_elsewhere", "grade")]),
        ("graver", ListKind.BLACK, []),
        ("none-such", ListKind.BLACK, [("unknown_grade", "grade")]),
    ],
)
def test_a_grade_of_the_jurisdiction_leads_to_the_list_that_its_policy_says(
    grade: str, list_kind: ListKind, expected: list[tuple[str, str | None]]
) -> None:
    assert faults_of(but(grade=grade, list_kind=list_kind, public=grade == "listed"), TIERS) == expected


@pytest.mark.parametrize("grade", ["lesser", "graver"])
def test_a_grade_that_the_policy_does_not_publish_is_not_listed_as_public(grade: str) -> None:
    assert ("grade_not_public", "public") in faults_of(but(grade=grade), TIERS)
    assert ("grade_not_public", "public") not in faults_of(but(grade=grade, public=False), TIERS)


def test_a_list_of_a_third_party_is_published_only_where_a_document_says_so() -> None:
    theirs = but(origin=Origin.THIRD_PARTY)
    assert faults_of(theirs) == [("third_party_entry_public", "public")]
    assert faults_of(but(origin=Origin.THIRD_PARTY, public=False)) == []
    assert faults_of(theirs, the_book(third_party_lists="website")) == []


PLEA = the_book(notice_before_listing=True, plea_working_days=5)
SERVED = date(2024, 5, 6)  # a Monday; five working days with the make-up Saturday of 11 May end on that day
WINDOW_ENDS = date(2024, 5, 11)


def test_no_subject_is_black_listed_without_notice_where_the_policy_asks_for_it() -> None:
    assert faults_of(SOUND, PLEA) == [("notice_missing", "notice")]
    assert faults_of(but(list_kind=ListKind.RED, grade=None), PLEA) == []


def test_no_subject_is_black_listed_before_the_plea_window_is_over() -> None:
    notice = Notice(served_on=SERVED, plea_until=WINDOW_ENDS)
    early = ("decided_before_plea_ended", "decision.decided_on")
    assert faults_of(but(notice=notice, decided_on=WINDOW_ENDS), PLEA) == [early]
    assert faults_of(but(notice=notice, decided_on=WINDOW_ENDS + timedelta(days=1)), PLEA) == []


def test_the_plea_window_has_as_many_working_days_as_the_policy_says() -> None:
    notice = Notice(served_on=SERVED, plea_until=date(2024, 5, 8))
    assert faults_of(but(notice=notice), PLEA) == [("plea_window_too_short", "notice.plea_until")]


def test_one_decision_is_the_same_however_its_number_is_typed() -> None:
    def key(document: str) -> str:
        return decision_key(SubjectKey("uscc:x"), DomainId("safety"), ListKind.BLACK, document)

    assert key("示例〔2024〕1号") == key("示例[2024]1号") == key("示例（2024） 1号") == key("示例【２０２４】1号")
    assert key("示例〔2024〕1号") != key("示例〔2024〕2号")


def test_name_and_number_of_a_person_are_sealed() -> None:
    person = INVENTED.person(3)
    sent = but(subject=SubjectInput("person", person.resident_id, person.name))
    keys, faults = keys_of_input(sent, KEYS)
    assert keys is not None and not faults
    entry = sealed_entry(sent, keys, EntryId("e"), lambda text: f"sealed({len(text)})")
    assert entry.subject.name == mask_name(person.name)
    assert entry.subject.sealed_number == "sealed(18)"
    assert person.resident_id not in entry.model_dump_json() and person.name not in entry.model_dump_json()
    assert person.resident_id not in repr(sent)


# --- the life of an entry


def the(*history: Event) -> Given[EntryState, EntryCommand]:
    """The entry after these events, on the day of the tests."""
    return given(ENTRY, *history, now=NOW)


DRAFTED = EntryDrafted(entry=the_entry(), by="lister", lawbook_version=BOOK.version)
SUBMITTED = EntrySubmitted(by="lister", lawbook_version=BOOK.version)
RETURNED = EntryReturned(by="approver", reason="依据不全")


def test_a_sound_entry_is_drafted_under_the_law_book_that_judged_it() -> None:
    the().when(Draft(the_entry(), LISTER, BOOK)).then(DRAFTED)


def test_a_faulty_entry_is_not_drafted() -> None:
    faulty = the_entry(but(grade=None, legal_basis=""))
    the().when(Draft(faulty, LISTER, BOOK)).then_rejected("grade_missing", "missing_basis")


def test_a_draft_is_submitted() -> None:
    the(DRAFTED).when(Submit(LISTER, BOOK)).then(SUBMITTED)


def test_another_officer_publishes_what_was_submitted() -> None:
    [event] = the(DRAFTED, SUBMITTED).when(Approve(APPROVER, BOOK)).events
    assert isinstance(event, EntryPublished)
    assert (event.entry, event.lawbook_version, event.import_id) == (the_entry(), BOOK.version, None)


def test_an_officer_who_drafted_or_submitted_does_not_publish() -> None:
    submitted_by_another = SUBMITTED.model_copy(update={"by": "second-lister"})
    for by in (LISTER, OTHER_LISTER):
        the(DRAFTED, submitted_by_another).when(Approve(by, BOOK)).then_rejected("four_eyes")


def test_accounts_that_differ_in_case_only_are_one_officer() -> None:
    shouting = Officer(LISTER.account.upper(), SAFETY)
    the(DRAFTED, SUBMITTED).when(Approve(shouting, BOOK)).then_rejected("four_eyes")


def test_another_lister_of_the_domain_does_not_publish_what_it_did_not_initiate() -> None:
    book = a_book(
        [
            *the_regions(),
            *(a_department(department) for department in (SAFETY, COURT)),
            a_domain("safety", grades=(), may_list=(SAFETY, COURT)),
        ]
    )
    entry = the_entry(but(grade=None))
    submitted = the(DRAFTED.model_copy(update={"entry": entry}), SUBMITTED)
    submitted.when(Approve(Officer("judge", COURT), book)).then_rejected("may_not_publish")
    submitted.when(Return("示例", Officer("judge", COURT), book)).then_rejected("may_not_publish")
    submitted.when(Approve(APPROVER, book)).then_types(EntryPublished)


@pytest.mark.parametrize(
    ("region", "allowed"), [("410300", True), ("410000", True), ("410308", False), ("410900", False)]
)
def test_a_publisher_publishes_for_others_in_its_own_regions_only(region: str, allowed: bool) -> None:
    publisher = DepartmentId("example-publisher")
    book = a_book(
        [
            *the_regions(),
            a_department(SAFETY),
            a_department(publisher, region=region),
            a_domain("safety", grades=(), may_list=(SAFETY,), may_publish=(publisher,)),
        ]
    )
    submitted = the(DRAFTED.model_copy(update={"entry": the_entry(but(grade=None))}), SUBMITTED)
    outcome = submitted.when(Approve(Officer("zhao", publisher), book))
    if allowed:
        outcome.then_types(EntryPublished)
    else:
        outcome.then_rejected("may_not_publish")


def test_an_officer_who_revised_does_not_publish() -> None:
    [revised] = the(DRAFTED, SUBMITTED, RETURNED).when(Revise(the_entry(), OTHER_LISTER, BOOK)).events
    resubmitted = the(DRAFTED, SUBMITTED, RETURNED, revised, SUBMITTED)
    resubmitted.when(Approve(OTHER_LISTER, BOOK)).then_rejected("four_eyes")


def test_a_returned_entry_is_submitted_again() -> None:
    the(DRAFTED, SUBMITTED).when(Return("依据不全", APPROVER, BOOK)).then(RETURNED)
    the(DRAFTED, SUBMITTED, RETURNED).when(Submit(LISTER, BOOK)).then(SUBMITTED)


def test_where_the_law_book_says_so_only_another_department_publishes() -> None:
    judgment = but(domain_id=DomainId("judgments"), grade=None, initiated_by=COURT, decided_by=COURT)
    submitted = the(DRAFTED.model_copy(update={"entry": the_entry(judgment)}), SUBMITTED)
    submitted.when(Approve(Officer("judge", COURT), BOOK)).then_rejected("may_not_publish")
    [event] = submitted.when(Approve(Officer("officer", OFFICE), BOOK)).events
    assert isinstance(event, EntryPublished)
    assert event.entry.published_by == OFFICE and event.entry.initiated_by == COURT


def test_an_entry_is_judged_again_on_the_day_of_its_publication() -> None:
    stricter = the_book(longest_term_months=12)
    the(DRAFTED, SUBMITTED).when(Approve(APPROVER, stricter)).then_rejected("term_too_long")
    the(DRAFTED).when(Submit(LISTER, stricter)).then_rejected("term_too_long")


def test_another_department_does_not_change_a_draft() -> None:
    the(DRAFTED).when(Submit(Officer("x", COURT), BOOK)).then_rejected("forbidden_department")
    the(DRAFTED).when(Revise(the_entry(), Officer("x", COURT), BOOK)).then_rejected("forbidden_department")


def test_steps_out_of_order_are_refused() -> None:
    published = the(DRAFTED, SUBMITTED).having(Approve(APPROVER, BOOK))
    the(DRAFTED).when(Approve(APPROVER, BOOK)).then_rejected("wrong_step")
    the(DRAFTED, SUBMITTED).when(Submit(LISTER, BOOK)).then_rejected("wrong_step")
    the(DRAFTED, SUBMITTED).when(Revise(the_entry(), LISTER, BOOK)).then_rejected("wrong_step")
    for command in (Submit(LISTER, BOOK), Approve(APPROVER, BOOK), Return("?", APPROVER, BOOK)):
        published.when(command).then_rejected("wrong_step")
        the().when(command).then_rejected("unknown_id")


def test_a_row_of_an_import_is_published_in_one_step_by_another_officer() -> None:
    row = PublishImported(the_entry(), "import", "lister", APPROVER, BOOK)
    [event] = the().when(row).events
    assert isinstance(event, EntryPublished) and event.import_id == "import"
    the().when(replace(row, by=LISTER)).then_rejected("four_eyes")
    the(event).when(row).then_rejected("wrong_step")


_OFFICERS = st.sampled_from([LISTER, OTHER_LISTER, APPROVER])
_COMMANDS = st.one_of(
    st.builds(Draft, st.just(the_entry()), _OFFICERS, st.just(BOOK)),
    st.builds(Revise, st.just(the_entry()), _OFFICERS, st.just(BOOK)),
    st.builds(Submit, _OFFICERS, st.just(BOOK)),
    st.builds(Return, st.just("理由"), _OFFICERS, st.just(BOOK)),
    st.builds(Approve, _OFFICERS, st.just(BOOK)),
)


@examples(st.lists(_COMMANDS, max_size=25))
def test_after_any_commands_an_entry_is_published_once_and_by_another_officer(commands: list[EntryCommand]) -> None:
    entry, officers, published = the(), set[str](), 0
    for command in commands:
        outcome = entry.when(command)
        for event in outcome.decided:
            if isinstance(event, EntryPublished):
                assert command.by.account not in officers
                published += 1
            else:
                assert not published
                if not isinstance(event, EntryReturned):
                    officers.add(command.by.account)
        entry = entry if outcome.rejected else outcome.next
    assert published <= 1


# --- visibility


def test_a_department_reads_its_own_entries_and_those_that_it_publishes_for_others() -> None:
    office = visibility_of(OFFICE, BOOK)
    assert office.may_read_entry(COURT, "judgments", draft=False)
    assert not office.may_read_entry(COURT, "judgments", draft=True)
    assert not office.may_read_entry(SAFETY, "safety", draft=False)
    assert visibility_of(COURT, BOOK).may_read_entry(COURT, "judgments", draft=True)
    assert not visibility_of(SAFETY, BOOK).may_read_entry(COURT, "judgments", draft=False)
    assert EVERYTHING.may_read_entry(COURT, "judgments", draft=True)


def test_a_department_reads_its_own_imports_and_those_with_a_row_that_it_publishes() -> None:
    office = visibility_of(OFFICE, BOOK)
    assert office.may_read_import(COURT, ["judgments", "safety"])
    assert not office.may_read_import(SAFETY, ["safety"])
    assert visibility_of(SAFETY, BOOK).may_read_import(SAFETY, [])
    assert EVERYTHING.may_read_import(COURT, [])
