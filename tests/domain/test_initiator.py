"""How an entry is judged, and how it goes from a draft to its publication. Pure: no database, no clock."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.initiator.domain import entry as entries
from services.initiator.domain import imports as files
from services.initiator.domain.entry import (
    Approve,
    Draft,
    EntryCommand,
    EntryDrafted,
    EntryReturned,
    EntryState,
    EntrySubmitted,
    Officer,
    PublishImported,
    Return,
    Revise,
    Submit,
)
from services.initiator.domain.imports import (
    ApproveImport,
    Finish,
    ImportApproved,
    ImportFinished,
    ImportRefused,
    ImportState,
    Receive,
    RefuseFile,
    ReportCheck,
    Withdraw,
)
from services.initiator.forms import Form, ResponsibleForm, SubjectForm, entry_of, name
from services.initiator.imports.columns import COLUMNS, REQUIRED, layout
from services.initiator.imports.reading import Record
from services.initiator.imports.rejects import decode_facts, encode_facts, masked, reject_rows
from services.initiator.imports.rows import Layout, day_of, read_form
from services.initiator.views.entries import decision_key
from shared.contracts.event import DepartmentId, DomainId, EntryId, Event, SubjectKey
from shared.contracts.lawbook import Department, Domain, Grade, ListKind, Role
from shared.contracts.lawbook_events import DepartmentPublished, DomainPublished, LawbookChange, PolicyPublished
from shared.contracts.listing import Decision, Entry, EntryPublished, Notice, Origin
from shared.contracts.policy import Policy
from shared.identity import SubjectKeys, mask_name
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.lawbook.terms import last_day, months_after
from shared.rejection import Fault, Named, Rejected
from shared.web.wording import Term
from tests.policies import a_policy
from tests.subjects import INVENTED

NOW = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
TODAY = date(2024, 6, 3)
KEYS = SubjectKeys(b"k" * 32)
COURT = DepartmentId("example-court")
SAFETY = DepartmentId("example-safety")
OFFICE = DepartmentId("example-office")

LISTER = Officer("lister", SAFETY)
OTHER_LISTER = Officer("second-lister", SAFETY)
APPROVER = Officer("approver", SAFETY)


def the_book(**policy: Any) -> LawBook:
    """Work safety lists with grades; judgments are listed by the court and published by the credit office."""
    departments = [
        Department(department_id=one, name_zh="示例", name_en="Example", region="410300")
        for one in (COURT, SAFETY, OFFICE)
    ]
    safety = Domain(
        domain_id=DomainId("safety"),
        name_zh="安全生产",
        name_en="Work safety",
        lists=(ListKind.BLACK, ListKind.RED, ListKind.WATCH),
        grades=(Grade(code="graver", name_zh="较重", name_en="Graver"),),
        may_list=(SAFETY,),
    )
    judgments = Domain(
        domain_id=DomainId("judgments"),
        name_zh="失信被执行人",
        name_en="Judgment defaulters",
        lists=(ListKind.BLACK,),
        may_list=(COURT,),
        may_publish=(OFFICE,),
    )
    rules = a_policy(effective_from=date(2020, 1, 1), **policy)
    things: list[Department | Domain | Policy] = [*departments, safety, judgments, rules]
    return LawBook.empty().with_changes(_change(thing, at) for at, thing in enumerate(things, start=1))


def _change(thing: Department | Domain | Policy, version: int) -> LawbookChange:
    match thing:
        case Department():
            return DepartmentPublished(lawbook_version=version, department=thing)
        case Domain():
            return DomainPublished(lawbook_version=version, domain=thing)
        case Policy():
            return PolicyPublished(lawbook_version=version, policy=thing)


BOOK = the_book()
SOUND = Form(
    list_kind=ListKind.BLACK,
    domain_id=DomainId("safety"),
    grade="graver",
    subject=SubjectForm("uscc", INVENTED.company(1).credit_code, INVENTED.company(1).name),
    responsible=(),
    initiated_by=SAFETY,
    decision=Decision(
        document_number="示例〔2024〕1号",
        decided_by=SAFETY,
        decided_on=date(2024, 5, 20),
        facts="示例事实",
        legal_basis="示例法第一条",
        act_ended_on=date(2024, 4, 1),
    ),
    notice=None,
    jurisdiction="410300",
    term_from=date(2024, 5, 20),
    term_to=date(2026, 5, 19),
    public=True,
    able_but_unwilling=False,
)


def but(**changes: Any) -> Form:
    """The sound form with changes; those of the decision by their own names."""
    of_decision = {name: changes.pop(name) for name in list(changes) if name in Decision.model_fields}
    return replace(SOUND, decision=SOUND.decision.model_copy(update=of_decision), **changes)


def faults_of(form: Form, book: LawBook = BOOK) -> list[tuple[str, str | None]]:
    """Everything that is wrong with a form, as it is judged when it is sent."""
    _, of_numbers = name(form, KEYS)
    return [(fault.code, fault.field) for fault in (*entry_faults(form, book, TODAY), *of_numbers)]


# --- judging


def test_a_sound_entry_has_no_fault() -> None:
    assert faults_of(SOUND) == []


@pytest.mark.parametrize(
    ("form", "fault"),
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
        (but(jurisdiction="4103"), ("jurisdiction_not_a_region", "jurisdiction")),
        (but(jurisdiction="４１０３００"), ("jurisdiction_not_a_region", "jurisdiction")),
        (but(subject=SubjectForm("uscc", "91410300MA0000000X", "示例")), ("credit_code_check_digit", "subject.number")),
        (but(subject=SubjectForm("Ship No", "1", "示例")), ("subject_scheme", "subject.scheme")),
        (but(subject=SubjectForm("uscc", INVENTED.company(1).credit_code, " ")), ("field_missing", "subject.name")),
        (but(facts=f"当事人{INVENTED.person(1).resident_id}"), ("personal_number_in_text", "decision.facts")),
        (but(responsible=(ResponsibleForm(SOUND.subject, Role.DIRECTOR),)),
         ("responsible_not_a_person", "responsible[0].subject.scheme")),
        (but(responsible=(ResponsibleForm(SubjectForm("person", "1", "示例"), Role.DIRECTOR),)),
         ("resident_id_length", "responsible[0].subject.number")),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_field(form: Form, fault: tuple[str, str | None]) -> None:
    assert faults_of(form) == [fault]


def test_all_faults_are_told_at_once() -> None:
    form = but(grade=None, legal_basis="", decided_on=date(2024, 6, 4), term_to=date(2024, 1, 1), jurisdiction="x")
    assert [code for code, _ in faults_of(form)] == [
        "jurisdiction_not_a_region",
        "grade_missing",
        "missing_basis",
        "date_in_future",
        "end_before_start",
    ]


def test_today_is_a_date_in_shanghai() -> None:
    late = datetime(2024, 6, 3, 17, 0, tzinfo=UTC)  # 01:00 on 4 June in Shanghai
    assert when(None, Draft(the_entry(but(decided_on=date(2024, 6, 4))), LISTER, BOOK), now=late)


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
    assert faults_of(but(grade=grade, list_kind=list_kind, public=list_kind is ListKind.BLACK), TIERS) == expected


def test_a_list_of_a_third_party_is_published_only_where_a_document_says_so() -> None:
    theirs = but(origin=Origin.THIRD_PARTY)
    assert faults_of(theirs) == [("third_party_entry_public", "public")]
    assert faults_of(but(origin=Origin.THIRD_PARTY, public=False)) == []
    assert faults_of(theirs, the_book(third_party_lists="website")) == []


PLEA = the_book(notice_before_listing=True, plea_working_days=5)
SERVED = date(2024, 5, 6)  # a Monday; five working days with the make-up Saturday of 11 May end on that day
WINDOW_ENDS = date(2024, 5, 11)


def test_nobody_is_black_listed_without_notice_where_the_policy_asks_for_it() -> None:
    assert faults_of(SOUND, PLEA) == [("notice_missing", "notice")]
    assert faults_of(but(list_kind=ListKind.RED, grade=None), PLEA) == []


def test_nobody_is_black_listed_before_the_plea_window_is_over() -> None:
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


def test_what_is_known_of_a_person_is_sealed() -> None:
    person = INVENTED.person(3)
    form = but(subject=SubjectForm("person", person.resident_id, person.name))
    named, faults = name(form, KEYS)
    assert named is not None and not faults
    entry = entry_of(form, named, EntryId("e"), lambda text: f"sealed({len(text)})")
    assert entry.subject.name == mask_name(person.name)
    assert entry.subject.sealed_number == "sealed(18)"
    assert person.resident_id not in entry.model_dump_json() and person.name not in entry.model_dump_json()
    assert person.resident_id not in repr(form)


# --- the life of an entry


def the_entry(form: Form = SOUND) -> Entry:
    named, faults = name(form, KEYS)
    assert named is not None, faults
    return entry_of(form, named, EntryId("entry"), lambda text: "sealed")


def given(*events: Event) -> EntryState:
    state = entries.INITIAL
    for event in events:
        state = entries.evolve(state, event)
    return state


def when(state: EntryState | None, command: EntryCommand, now: datetime = NOW) -> Sequence[Event]:
    return entries.decide(entries.INITIAL if state is None else state, command, now)


def refused(state: EntryState | None, command: EntryCommand) -> list[str]:
    with pytest.raises(Rejected) as rejected:
        when(state, command)
    return [fault.code for fault in rejected.value.faults]


DRAFTED = EntryDrafted(entry=the_entry(), by="lister", lawbook_version=BOOK.version)
SUBMITTED = EntrySubmitted(by="lister", lawbook_version=BOOK.version)
RETURNED = EntryReturned(by="approver", reason="依据不全")


def test_a_sound_entry_is_drafted_under_the_law_book_that_judged_it() -> None:
    assert when(None, Draft(the_entry(), LISTER, BOOK)) == [DRAFTED]


def test_a_faulty_entry_is_not_drafted() -> None:
    assert refused(None, Draft(the_entry(but(grade=None, legal_basis="")), LISTER, BOOK)) == [
        "grade_missing",
        "missing_basis",
    ]


def test_a_draft_is_submitted() -> None:
    assert when(given(DRAFTED), Submit(LISTER, BOOK)) == [SUBMITTED]


def test_another_officer_publishes_what_was_submitted() -> None:
    [event] = when(given(DRAFTED, SUBMITTED), Approve(APPROVER, BOOK))
    assert isinstance(event, EntryPublished)
    assert (event.entry, event.lawbook_version, event.import_id) == (the_entry(), BOOK.version, None)


def test_whoever_drafted_or_submitted_does_not_publish() -> None:
    submitted_by_another = SUBMITTED.model_copy(update={"by": "second-lister"})
    state = given(DRAFTED, submitted_by_another)
    for by in (LISTER, OTHER_LISTER):
        assert refused(state, Approve(by, BOOK)) == ["four_eyes"]


def test_whoever_revised_does_not_publish_either() -> None:
    state = given(DRAFTED, SUBMITTED, RETURNED)
    [revised] = when(state, Revise(the_entry(), OTHER_LISTER, BOOK))
    assert refused(given(DRAFTED, SUBMITTED, RETURNED, revised, SUBMITTED), Approve(OTHER_LISTER, BOOK)) == [
        "four_eyes"
    ]


def test_a_returned_entry_is_submitted_again() -> None:
    assert when(given(DRAFTED, SUBMITTED), Return("依据不全", APPROVER, BOOK)) == [RETURNED]
    assert when(given(DRAFTED, SUBMITTED, RETURNED), Submit(LISTER, BOOK)) == [SUBMITTED]


def test_where_the_law_book_says_so_only_another_department_publishes() -> None:
    form = but(domain_id=DomainId("judgments"), grade=None, initiated_by=COURT, decided_by=COURT)
    state = given(DRAFTED.model_copy(update={"entry": the_entry(form)}), SUBMITTED)
    assert refused(state, Approve(Officer("judge", COURT), BOOK)) == ["may_not_publish"]
    [event] = when(state, Approve(Officer("officer", OFFICE), BOOK))
    assert isinstance(event, EntryPublished)
    assert event.entry.published_by == OFFICE and event.entry.initiated_by == COURT


def test_an_entry_is_judged_again_on_the_day_of_its_publication() -> None:
    stricter = the_book(longest_term_months=12)
    assert refused(given(DRAFTED, SUBMITTED), Approve(APPROVER, stricter)) == ["term_too_long"]
    assert refused(given(DRAFTED), Submit(LISTER, stricter)) == ["term_too_long"]


def test_another_department_has_no_hand_in_a_draft() -> None:
    assert refused(given(DRAFTED), Submit(Officer("x", COURT), BOOK)) == ["forbidden_department"]
    assert refused(given(DRAFTED), Revise(the_entry(), Officer("x", COURT), BOOK)) == ["forbidden_department"]


def test_steps_out_of_order_are_refused() -> None:
    published = given(DRAFTED, SUBMITTED, *when(given(DRAFTED, SUBMITTED), Approve(APPROVER, BOOK)))
    assert refused(given(DRAFTED), Approve(APPROVER, BOOK)) == ["wrong_step"]
    assert refused(given(DRAFTED, SUBMITTED), Submit(LISTER, BOOK)) == ["wrong_step"]
    assert refused(given(DRAFTED, SUBMITTED), Revise(the_entry(), LISTER, BOOK)) == ["wrong_step"]
    for command in (Submit(LISTER, BOOK), Approve(APPROVER, BOOK), Return("?", APPROVER, BOOK)):
        assert refused(published, command) == ["wrong_step"]
        assert refused(None, command) == ["unknown_id"]


def test_a_row_of_an_import_is_published_in_one_step_by_other_eyes() -> None:
    [event] = when(None, PublishImported(the_entry(), "import", "lister", APPROVER, BOOK))
    assert isinstance(event, EntryPublished) and event.import_id == "import"
    assert refused(None, PublishImported(the_entry(), "import", "lister", LISTER, BOOK)) == ["four_eyes"]
    assert refused(given(event), PublishImported(the_entry(), "import", "lister", APPROVER, BOOK)) == ["wrong_step"]


_OFFICERS = st.sampled_from([LISTER, OTHER_LISTER, APPROVER])
_COMMANDS = st.one_of(
    st.builds(Draft, st.just(the_entry()), _OFFICERS, st.just(BOOK)),
    st.builds(Revise, st.just(the_entry()), _OFFICERS, st.just(BOOK)),
    st.builds(Submit, _OFFICERS, st.just(BOOK)),
    st.builds(Return, st.just("理由"), _OFFICERS, st.just(BOOK)),
    st.builds(Approve, _OFFICERS, st.just(BOOK)),
)


@examples(st.lists(_COMMANDS, max_size=25))
def test_whatever_is_tried_an_entry_is_published_once_and_by_other_eyes(commands: list[EntryCommand]) -> None:
    state, hands, published = entries.INITIAL, set[str](), 0
    for command in commands:
        try:
            events = when(state, command)
        except Rejected:
            continue
        for event in events:
            if isinstance(event, EntryPublished):
                assert command.by.account not in hands
                published += 1
            else:
                assert not published
                if not isinstance(event, EntryReturned):
                    hands.add(command.by.account)
            state = entries.evolve(state, event)
    assert published <= 1


# --- the life of an import

RECEIVE = Receive(LISTER, "示例.csv", 100, "digest")
REPORT = ReportCheck(3, 2, 1, (DomainId("safety"),), BOOK)


def import_after(*commands: files.ImportCommand) -> ImportState:
    state = files.INITIAL
    for command in commands:
        for event in files.decide(state, command, NOW):
            state = files.evolve(state, event)
    return state


def import_refuses(state: ImportState, command: files.ImportCommand) -> list[str]:
    with pytest.raises(Rejected) as rejected:
        files.decide(state, command, NOW)
    return [fault.code for fault in rejected.value.faults]


def test_an_import_is_checked_approved_by_another_officer_and_finished() -> None:
    checked = import_after(RECEIVE, REPORT)
    [approved] = files.decide(checked, ApproveImport(APPROVER, BOOK), NOW)
    assert approved == ImportApproved(by="approver", department=SAFETY, lawbook_version=BOOK.version)
    publishing = import_after(RECEIVE, REPORT, ApproveImport(APPROVER, BOOK))
    assert list(files.decide(publishing, Finish(2, 1), NOW)) == [ImportFinished(published=2, rejected=1)]


def test_whoever_imports_does_not_approve() -> None:
    assert import_refuses(import_after(RECEIVE, REPORT), ApproveImport(LISTER, BOOK)) == ["four_eyes"]


def test_an_import_is_approved_by_who_may_publish_in_all_its_domains() -> None:
    both = replace(REPORT, domains=(DomainId("judgments"), DomainId("safety")))
    assert import_refuses(import_after(RECEIVE, both), ApproveImport(APPROVER, BOOK)) == ["may_not_publish"]


def test_an_import_without_a_good_row_is_not_approved() -> None:
    nothing = replace(REPORT, good=0, rejected=3)
    assert import_refuses(import_after(RECEIVE, nothing), ApproveImport(APPROVER, BOOK)) == ["nothing_to_publish"]


def test_an_import_is_not_approved_before_it_is_checked_nor_twice() -> None:
    assert import_refuses(import_after(RECEIVE), ApproveImport(APPROVER, BOOK)) == ["wrong_step"]
    approve = ApproveImport(APPROVER, BOOK)
    assert import_refuses(import_after(RECEIVE, REPORT, approve), approve) == ["wrong_step"]


def test_a_file_that_is_not_what_it_says_is_refused_with_the_reason() -> None:
    [event] = files.decide(import_after(RECEIVE), RefuseFile((Fault("file_binary", "file"),)), NOW)
    assert isinstance(event, ImportRefused)
    assert [fault.code for fault in event.faults] == ["file_binary"]


def test_the_department_takes_its_import_back_and_nobody_else() -> None:
    checked = import_after(RECEIVE, REPORT)
    assert import_refuses(checked, Withdraw(Officer("x", COURT))) == ["forbidden_department"]
    assert import_refuses(import_after(RECEIVE, REPORT, Withdraw(OTHER_LISTER)), Withdraw(LISTER)) == ["wrong_step"]


# --- rows of a file

ALL = Layout(tuple(range(len(COLUMNS))), len(COLUMNS), SAFETY)


def the_cells(**values: str) -> list[str]:
    company = INVENTED.company(2)
    row = {
        "list_kind": "black",
        "domain_id": "safety",
        "grade": "graver",
        "scheme": "uscc",
        "number": company.credit_code,
        "name": company.name,
        "document_number": "示例〔2024〕2号",
        "decided_on": "2024-05-20",
        "facts": "示例事实",
        "legal_basis": "示例法第一条",
        "term_from": "2024-05-20",
        "jurisdiction": "410300",
    }
    return [(row | values).get(column, "") for column in COLUMNS]


def test_a_row_becomes_a_form() -> None:
    form, faults = read_form(the_cells(public="是", term_to="9999-12-31"), ALL)
    assert form is not None and not faults
    assert faults_of(form) == []
    assert form.public and form.term_to is None and form.decision.decided_by == SAFETY


def test_words_of_the_documents_are_understood() -> None:
    person = INVENTED.person(4)
    responsible = f'[{{"role": "法定代表人", "scheme": "身份证", "number": "{person.resident_id}", "name": "示例甲"}}]'
    form, faults = read_form(the_cells(list_kind="黑名单", scheme="统一社会信用代码", responsible=responsible), ALL)
    assert form is not None and not faults
    assert (form.list_kind, form.subject.scheme, form.responsible[0].role) == (
        ListKind.BLACK,
        "uscc",
        Role.LEGAL_REPRESENTATIVE,
    )
    assert faults_of(form) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"list_kind": "grey"}, ("word_unknown", "list_kind")),
        ({"list_kind": ""}, ("field_missing", "list_kind")),
        ({"decided_on": "2024-02-30"}, ("day_unreadable", "decided_on")),
        ({"public": "maybe"}, ("word_unknown", "public")),
        ({"notice_served_on": "2024-05-06"}, ("field_missing", "plea_until")),
        ({"plea_until": "2024-05-06"}, ("field_missing", "notice_served_on")),
        ({"responsible": "{}"}, ("responsible_unreadable", "responsible")),
        ({"responsible": '[{"role": "x", "scheme": "person", "number": "1", "name": "示"}]'},
         ("word_unknown", "responsible")),
        ({"name": "示" * 201}, ("text_too_long", "name")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_by_column(values: dict[str, str], fault: tuple[str, str]) -> None:
    form, faults = read_form(the_cells(**values), ALL)
    assert form is None
    assert [(one.code, one.field) for one in faults] == [fault]


@pytest.mark.parametrize("text", ["2024-05-06", "20240506", "2024/5/6", "2024.05.06", "2024年5月6日", " 2024-5-6 "])
def test_days_are_read_as_people_write_them(text: str) -> None:
    assert day_of(text.strip()) == date(2024, 5, 6)


@pytest.mark.parametrize(
    "text", ["", "2024-13-01", "06/05/2024", "2024-05", "２０２４-05-06", "May 6", "2024-05-06T00:00"]
)
def test_what_is_no_day_is_not_guessed(text: str) -> None:
    assert day_of(text) is None


def test_headings_are_understood_in_chinese_and_any_order() -> None:
    headings = ["名称", "名单类型", *[one for one in COLUMNS if one not in ("name", "list_kind")]]
    places, faults = layout(headings)
    assert not faults
    assert places[COLUMNS.index("name")] == 0 and places[COLUMNS.index("list_kind")] == 1


def test_missing_unknown_and_repeated_headings_are_listed() -> None:
    _, faults = layout([*REQUIRED[1:], "备注", "name"])
    assert [(fault.code, fault.facts["columns"]) for fault in faults] == [
        ("columns_missing", [REQUIRED[0]]),
        ("columns_unknown", ["备注"]),
        ("columns_twice", ["name"]),
    ]


def test_what_identifies_a_person_is_starred_out_in_a_rejected_row() -> None:
    person, other = INVENTED.person(5), INVENTED.person(6)
    responsible = f'[{{"role": "董事", "scheme": "person", "number": "{other.resident_id}", "name": "{other.name}"}}]'
    cells = the_cells(scheme="person", number=person.resident_id, name=person.name, responsible=responsible)
    row = masked(cells, ALL)
    for secret in (person.resident_id, person.name, other.resident_id, other.name):
        assert secret not in row
    assert "示例〔2024〕2号" in row


@pytest.mark.parametrize("scheme", ["uscc", "persn", ""])
def test_a_number_in_the_wrong_column_is_starred_out_too(scheme: str) -> None:
    number = INVENTED.person(5).resident_id
    assert number not in masked(the_cells(scheme=scheme, number=number), ALL)
    assert number not in masked([*the_cells(number=number), "one cell too many"], ALL)
    assert number not in masked([f'"{number},unfinished'], ALL)


def test_faults_of_a_row_are_kept_by_column() -> None:
    faults = [
        Fault("date_in_future", "decision.decided_on", {"date": TODAY}),
        Fault("resident_id_length", "responsible[0].x"),
    ]
    rows = reject_rows("i", Record(7, the_cells()), ALL, faults)
    assert [(row["line"], row["number"], row["field"]) for row in rows] == [(7, 0, "decided_on"), (7, 1, "responsible")]


def test_facts_are_kept_with_their_terms() -> None:
    domain = Named("judgments", "示例领域", "Example domain")
    facts: dict[str, object] = {"list": ListKind.BLACK, "day": TODAY, "days": 3, "kept": [ListKind.RED], "none": None}
    assert decode_facts(encode_facts({"domain": domain})) == {"domain": domain}
    assert decode_facts(encode_facts(facts)) == {
        "list": Term("ListKind.black"),
        "day": "2024-06-03",
        "days": 3,
        "kept": [Term("ListKind.red")],
        "none": None,
    }
