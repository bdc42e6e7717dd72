"""The life of an import, and the rows of its file. Pure: no database, no clock, no file."""

from dataclasses import replace
from datetime import date

import pytest

from services.initiator.api.bodies import DecisionBody, EntryBody, SubjectBody
from services.initiator.domain.commands import (
    ApproveImport,
    Finish,
    ImportCommand,
    Officer,
    Receive,
    RefuseFile,
    ReportCheck,
    Withdraw,
)
from services.initiator.domain.events import ImportApproved, ImportFinished, ImportRefused
from services.initiator.domain.imports import IMPORT, ImportState
from services.initiator.files.columns import COLUMNS, REQUIRED, column_of, layout
from services.initiator.files.reading import Record
from services.initiator.files.rejects import decode_facts, encode_facts, masked, reject_rows
from services.initiator.files.rows import Layout, day_of, read_row
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import Origin
from shared.lawbook.publishers import WhyNotPublisher
from shared.rejection import Fault, Named
from shared.web.wording import Term
from tests.builders import a_book, a_department, a_domain
from tests.decider import Given, given
from tests.domain.initiator_inputs import (
    APPROVER,
    BOOK,
    COURT,
    LISTER,
    NOW,
    OFFICE,
    OTHER_LISTER,
    SAFETY,
    TODAY,
    faults_of,
    the_items,
)
from tests.subjects import INVENTED

# --- the life of an import

RECEIVE = Receive(LISTER, "示例.csv", 100, "digest")
REPORT = ReportCheck(3, 2, 1, (DomainId("safety"),), BOOK)


def after(*commands: ImportCommand) -> Given[ImportState, ImportCommand]:
    """The import after these commands."""
    return given(IMPORT, now=NOW).having(*commands)


def test_an_import_is_checked_approved_by_another_officer_and_finished() -> None:
    approved = ImportApproved(by="approver", department=SAFETY, lawbook_version=BOOK.version)
    publishing = after(RECEIVE, REPORT).when(ApproveImport(APPROVER, BOOK)).then(approved)
    publishing.when(Finish(2, 1)).then(ImportFinished(published=2, rejected=1))


def test_the_officer_who_imported_does_not_approve() -> None:
    after(RECEIVE, REPORT).when(ApproveImport(LISTER, BOOK)).then_rejected("four_eyes")


def test_an_import_is_approved_by_a_department_that_publishes_in_all_its_domains() -> None:
    both = replace(REPORT, domains=(DomainId("judgments"), DomainId("safety")))
    after(RECEIVE, both).when(ApproveImport(APPROVER, BOOK)).then_rejected("may_not_publish")


def test_a_file_is_approved_by_a_publisher_of_the_region_of_the_department_that_sent_it() -> None:
    judgments = replace(REPORT, domains=(DomainId("judgments"),))
    by_court = after(replace(RECEIVE, by=Officer("judge", COURT)), judgments)
    elsewhere = DepartmentId("elsewhere")
    publishers = (OFFICE, elsewhere)
    book = a_book(
        [
            *the_items(),
            a_department(elsewhere, region="410900"),
            a_domain("judgments", lists=(ListKind.BLACK,), may_list=(COURT,), may_publish=publishers),
        ]
    )
    by_court.when(ApproveImport(Officer("zhao", elsewhere), book)).then_rejected("may_not_publish")
    by_court.when(ApproveImport(Officer("zhao", OFFICE), book)).then_types(ImportApproved)


def test_a_file_of_a_region_whose_lists_the_credit_office_publishes_is_approved_by_the_credit_office() -> None:
    office = DepartmentId("example-credit-office")
    book = a_book([*the_items(lists_published_by_credit_office=True), a_department(office, credit_office=True)])
    checked = after(RECEIVE, REPORT)
    checked.when(ApproveImport(APPROVER, book)).then_rejected(
        "may_not_publish", why=WhyNotPublisher.CREDIT_OFFICE_PUBLISHES
    )
    checked.when(ApproveImport(Officer("zhao", office), book)).then_types(ImportApproved)


def test_a_file_of_a_third_party_is_approved_by_its_second_officer() -> None:
    bank = DepartmentId("example-bank")
    of_bank = after(replace(RECEIVE, by=Officer("zhao", bank)), REPORT)
    of_bank.when(ApproveImport(Officer("qian", bank), BOOK)).then_types(ImportApproved)
    of_bank.when(ApproveImport(APPROVER, BOOK)).then_rejected("may_not_publish")


def test_an_import_without_a_good_row_is_not_approved() -> None:
    nothing = replace(REPORT, good=0, rejected=3)
    after(RECEIVE, nothing).when(ApproveImport(APPROVER, BOOK)).then_rejected("nothing_to_publish")


def test_an_import_is_not_approved_before_it_is_checked_nor_twice() -> None:
    approve = ApproveImport(APPROVER, BOOK)
    after(RECEIVE).when(approve).then_rejected("wrong_step")
    after(RECEIVE, REPORT, approve).when(approve).then_rejected("wrong_step")


def test_an_unreadable_file_is_refused_with_the_reason() -> None:
    [event] = after(RECEIVE).when(RefuseFile((Fault("file_binary", "file"),))).events
    assert isinstance(event, ImportRefused)
    assert [fault.code for fault in event.faults] == ["file_binary"]


def test_only_its_own_department_withdraws_an_import() -> None:
    after(RECEIVE, REPORT).when(Withdraw(Officer("x", COURT))).then_rejected("forbidden_department")
    after(RECEIVE, REPORT, Withdraw(OTHER_LISTER)).when(Withdraw(LISTER)).then_rejected("wrong_step")


def test_no_command_but_the_upload_is_accepted_for_an_unknown_import() -> None:
    for command in (REPORT, RefuseFile(()), Withdraw(LISTER), ApproveImport(APPROVER, BOOK), Finish(0, 0)):
        after().when(command).then_rejected("unknown_id")


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
        "public": "否",
    }
    return [(row | values).get(column, "") for column in COLUMNS]


def test_a_row_becomes_a_form() -> None:
    entry, faults = read_row(the_cells(public="是", term_to="9999-12-31"), ALL)
    assert entry is not None and not faults
    assert faults_of(entry) == []
    assert entry.public and entry.term_to is None and entry.decision.decided_by == SAFETY


def test_a_file_demands_every_field_that_a_form_demands() -> None:
    """The decider is the importing department in both, and a list is the department's own unless it says otherwise."""
    demanded = {
        *(f"subject.{name}" for name, field in SubjectBody.model_fields.items() if field.is_required()),
        *(f"decision.{name}" for name, field in DecisionBody.model_fields.items() if field.is_required()),
        *(name for name, field in EntryBody.model_fields.items() if field.is_required()),
    } - {"subject", "decision"}
    assert {column_of(path) for path in demanded} == set(REQUIRED)


def test_a_file_without_a_demanded_column_is_refused_and_names_it() -> None:
    _, faults = layout([column for column in COLUMNS if column != "public"])
    assert [(fault.code, fault.facts) for fault in faults] == [("columns_missing", {"columns": ["public"]})]


@pytest.mark.parametrize(
    ("word", "origin"), [("", Origin.OWN), ("第三方", Origin.THIRD_PARTY), ("recognised", Origin.RECOGNISED)]
)
def test_a_row_says_whose_list_it_is_of(word: str, origin: Origin) -> None:
    entry, faults = read_row(the_cells(origin=word), ALL)
    assert entry is not None and not faults
    assert entry.origin is origin


def test_words_of_the_documents_are_understood() -> None:
    person = INVENTED.person(4)
    responsible = f'[{{"role": "法定代表人", "scheme": "身份证", "number": "{person.resident_id}", "name": "示例甲"}}]'
    entry, faults = read_row(the_cells(list_kind="黑名单", scheme="统一社会信用代码", responsible=responsible), ALL)
    assert entry is not None and not faults
    assert (entry.list_kind, entry.subject.scheme, entry.responsible[0].role) == (
        ListKind.BLACK,
        "uscc",
        Role.LEGAL_REPRESENTATIVE,
    )
    assert faults_of(entry) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"list_kind": "grey"}, ("word_unknown", "list_kind")),
        ({"list_kind": ""}, ("field_missing", "list_kind")),
        ({"decided_on": "2024-02-30"}, ("day_unreadable", "decided_on")),
        ({"public": "maybe"}, ("word_unknown", "public")),
        ({"public": ""}, ("field_missing", "public")),
        ({"origin": "somewhere"}, ("word_unknown", "origin")),
        ({"notice_served_on": "2024-05-06"}, ("field_missing", "plea_until")),
        ({"plea_until": "2024-05-06"}, ("field_missing", "notice_served_on")),
        ({"responsible": "{}"}, ("responsible_unreadable", "responsible")),
        ({"responsible": '[{"role": "x", "scheme": "person", "number": "1", "name": "示"}]'},
         ("word_unknown", "responsible")),
        ({"name": "示" * 201}, ("text_too_long", "name")),
    ],
)  # fmt: skip
def test_unreadable_cells_are_reported_by_column(values: dict[str, str], fault: tuple[str, str]) -> None:
    entry, faults = read_row(the_cells(**values), ALL)
    assert entry is None
    assert [(one.code, one.field) for one in faults] == [fault]


@pytest.mark.parametrize("text", ["2024-05-06", "20240506", "2024/5/6", "2024.05.06", "2024年5月6日", " 2024-5-6 ",
    "2024-05-06T00:00", "2024-05-06 00:00:00", "2024/5/6 00:00:00.000"])  # fmt: skip
def test_days_are_read_as_people_write_them(text: str) -> None:
    assert day_of(text.strip()) == date(2024, 5, 6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-13-01",
        "06/05/2024",
        "2024-05",
        "２０２４-05-06",
        "May 6",
        "2024-05-06T00:00Z",
        "2024-05-06T00:00:00+08:00",
        "2024-05-06 08:30",
        "0",
    ],
)
def test_an_unreadable_day_is_not_guessed(text: str) -> None:
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
