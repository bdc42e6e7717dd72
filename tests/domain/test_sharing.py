"""What of a subject's file a department sees (rows 20, 24, 25, 28), and the record of a reading of a person."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.registry.domain.events import Publicity
from services.registry.domain.file import EntryInFile, LineInFile, SubjectFile
from services.registry.domain.reading import (
    READING,
    Asked,
    Limit,
    Limits,
    PersonRead,
    Purpose,
    ReadingRefused,
    Recent,
    RecordReading,
    RecordRefusal,
)
from services.registry.domain.sharing import Extent, Question, Reader, reader, shown
from shared.contracts.event import DepartmentId, EntryId, LineId, SubjectKey
from shared.contracts.lawbook import ListKind, MeasureKind, SubjectKind
from shared.contracts.listing import Suspends
from shared.contracts.response import EndMode
from shared.trust import OfficerRole
from tests.builders import a_book, a_department, a_subject, an_entry, the_regions
from tests.decider import given

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
TAX, HOUSING, OFFICE, PUYANG, BANK = (
    DepartmentId(f"example-{name}") for name in ("tax", "housing", "office", "puyang-office", "bank")
)
BOOK = a_book(
    [
        *the_regions(),
        a_department(TAX),
        a_department(HOUSING),
        a_department(OFFICE, credit_office=True),
        a_department(PUYANG, credit_office=True, region="410900"),
        a_department(BANK, kind="bank"),
        a_department("example-other-bank", kind="bank", natural_persons=True),
    ]
)
COMPANY = a_subject()
PERSON = a_subject("person:ab12", kind=SubjectKind.PERSON, name="示＊")
NOW_ASKED = Question(TODAY, TODAY)
PAST = (
    Question(TODAY - timedelta(days=1), TODAY),
    Question(TODAY, TODAY, known_at=NOW),
    Question(TODAY, TODAY, history=True),
)


def a_file(*, department: DepartmentId | None = None, line_ended: EndMode | None = None, **changes: Any) -> SubjectFile:
    """An entry of the tax office; with `department` also its line."""
    of_entry = {name: changes.pop(name) for name in ("subject", "public", "list_kind") if name in changes}
    entry = an_entry("e1", **of_entry)
    if entry.public and entry.list_kind is not ListKind.WATCH:
        changes = {"publicity": Publicity(allowed=True, from_day=entry.term_from, until=None), **changes}
    lines: dict[LineId, LineInFile] = {}
    if department:
        line = LineInFile(LineId("l1"), EntryId("e1"), department, "m1", MeasureKind.DISCIPLINE, 1, ended=line_ended)
        lines[LineId("l1")] = line
    return SubjectFile(entry.subject, {EntryId("e1"): EntryInFile(entry, (), **changes)}, lines)


def officer(department: DepartmentId) -> Reader:
    return reader(BOOK, department, oversees=False)


def overseer(department: DepartmentId) -> Reader:
    return reader(BOOK, department, oversees=True)


def extents(file: SubjectFile, by: Reader, asked: Question = NOW_ASKED) -> list[Extent]:
    return [one.extent for one in shown(file, by, asked).entries]


def test_who_answers_for_an_entry_and_who_oversees_its_region_sees_it_whole() -> None:
    for subject in (COMPANY, PERSON):
        file = a_file(subject=subject, public=False)
        for by in (officer(TAX), overseer(OFFICE), overseer(HOUSING)):
            assert extents(file, by) == [Extent.WHOLE], by
        for by in (officer(OFFICE), overseer(PUYANG), officer(HOUSING), overseer(BANK)):
            assert extents(file, by) == [], by


def test_who_carries_a_line_out_sees_the_entry_as_far_as_it_acts() -> None:
    for kind in (ListKind.BLACK, ListKind.WATCH):
        file = a_file(subject=PERSON, public=False, list_kind=kind, department=HOUSING)
        part = shown(file, officer(HOUSING), NOW_ASKED)
        assert [one.extent for one in part.entries] == [Extent.OWN_MEASURES]
        assert [line.department for line in part.lines] == [HOUSING]
    ended = a_file(subject=PERSON, department=HOUSING, line_ended=EndMode.FROM_NOW)
    assert extents(ended, officer(HOUSING)) == []


def test_what_is_public_is_shown_to_every_department_but_nothing_of_a_person() -> None:
    for by in (officer(HOUSING), officer(BANK), overseer(PUYANG)):
        assert extents(a_file(), by) == [Extent.PUBLIC]
        assert shown(a_file(department=TAX), by, NOW_ASKED).lines == ()
        assert extents(a_file(public=False), by) == []
        assert extents(a_file(list_kind=ListKind.WATCH), by) == []
        assert extents(a_file(subject=PERSON), by) == []
        assert extents(a_file(suspends=frozenset({Suspends.PUBLICITY})), by) == []


def test_an_entry_whose_publicity_has_passed_or_is_not_decided_is_not_shown_as_public() -> None:
    yesterday = Publicity(allowed=True, from_day=TODAY - timedelta(days=9), until=TODAY - timedelta(days=1))
    until_today = yesterday.model_copy(update={"until": TODAY})
    assert extents(a_file(publicity=until_today), officer(BANK)) == [Extent.PUBLIC]
    for publicity in (yesterday, None, until_today.model_copy(update={"allowed": False})):
        assert extents(a_file(publicity=publicity), officer(BANK)) == []
        assert extents(a_file(publicity=publicity), officer(TAX)) == [Extent.WHOLE]


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": EndMode.FROM_NOW, "ended_on": TODAY},
        {"ended": EndMode.FROM_BEGINNING, "ended_on": TODAY},
        {"suspends": frozenset({Suspends.SHARING})},
        {"dropped": True},
    ],
)
def test_what_is_repaired_revoked_or_not_shared_leaves_the_answers_to_other_departments(
    changes: dict[str, Any],
) -> None:
    for file, by in ((a_file(**changes), officer(BANK)), (a_file(department=HOUSING, **changes), officer(HOUSING))):
        for asked in (NOW_ASKED, *PAST):
            assert extents(file, by, asked) == [], asked


def test_the_past_is_for_those_who_see_the_entry_whole() -> None:
    for asked in PAST:
        assert extents(a_file(department=HOUSING), officer(HOUSING), asked) == []
        assert extents(a_file(), officer(TAX), asked) == [Extent.WHOLE]
        assert extents(a_file(), overseer(OFFICE), asked) == [Extent.WHOLE]


def test_a_revoked_entry_is_shown_as_history_only_also_to_those_who_answer_for_it() -> None:
    file = a_file(ended=EndMode.FROM_BEGINNING, ended_on=TODAY)
    assert extents(file, officer(TAX)) == []
    assert extents(file, officer(TAX), Question(TODAY, TODAY, history=True)) == [Extent.WHOLE]


def test_a_third_party_reads_persons_only_where_the_law_book_says_so() -> None:
    assert not officer(BANK).reads_persons
    assert officer(DepartmentId("example-other-bank")).reads_persons
    assert officer(HOUSING).reads_persons


# --- the record of a reading -----------------------------------------------------------------------------------------


def the_facts(**changes: Any) -> dict[str, Any]:
    facts = {
        "reading_id": "r1",
        "read_at": NOW,
        "account": "li",
        "department": HOUSING,
        "region": "410300",
        "roles": (OfficerRole.EXECUTOR,),
        "purpose": Purpose.EXECUTION_OF_MEASURES,
        "business_number": "示例办件1号",
        "subject": SubjectKey("person:ab12"),
        "asked": Asked.FILE,
    }
    return {**facts, **changes}


def a_reading(**changes: Any) -> RecordReading:
    asked = {"effective_at": TODAY, "known_at": None, "history": False, "entries": ()}
    return RecordReading(PersonRead.model_validate({**the_facts(**changes), **asked}))


def a_refusal(*, recorded: bool) -> RecordRefusal:
    return RecordRefusal(ReadingRefused.model_validate({**the_facts(), "limit": Limit.ACCOUNT}), recorded)


def test_a_reading_is_recorded_with_its_grounds() -> None:
    command = a_reading()
    given(READING, now=NOW).when(command).then(command.event)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"business_number": " "}, "business_number_missing"),
        ({"business_number": "示" * 101}, "business_number_too_long"),
        ({"business_number": "办件 11010119900307 0039"}, "personal_number_in_text"),
        ({"business_number": "办件１１０１０１１９９００３０７００３９"}, "personal_number_in_text"),
        ({"purpose": Purpose.AUDIT}, "purpose_not_of_role"),
        ({"roles": (OfficerRole.AUDITOR,)}, "purpose_not_of_role"),
    ],
)
def test_a_reading_without_sound_grounds_is_refused(changes: dict[str, Any], code: str) -> None:
    given(READING, now=NOW).when(a_reading(**changes)).then_rejected(code)


def test_a_refusal_is_recorded_once_an_hour() -> None:
    first = a_refusal(recorded=False)
    given(READING, now=NOW).when(first).then(first.event)
    given(READING, now=NOW).when(a_refusal(recorded=True)).then()


def test_persons_an_hour_are_limited_for_an_account_and_for_a_department() -> None:
    limits, soon = Limits(account=2, department=3), NOW + timedelta(minutes=5)
    assert limits.reached(Recent(1), Recent(2)) is None
    for account, department, limit in ((2, 2, Limit.ACCOUNT), (1, 3, Limit.DEPARTMENT)):
        reached = limits.reached(Recent(account, soon), Recent(department, soon))
        assert reached is not None and (reached.limit, reached.seconds(NOW)) == (limit, 300)
