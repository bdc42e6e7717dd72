"""Authority comes from the law book: which departments exist, which roles they can have, for which regions they answer."""

from datetime import date

import pytest

from shared.authority import is_credit_office_for, is_responsible, upheld
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook_events import DepartmentPublished, RegionsPublished
from shared.lawbook.book import LawBook
from shared.rejection import Rejected
from shared.trust import OfficerRole, Principal
from tests.builders import a_department, the_regions

TODAY = date(2026, 3, 2)
HENAN, LUOYANG, MENGJIN, PUYANG = "410000", "410300", "410308", "410900"
BOOK = LawBook.empty().with_changes(
    [
        RegionsPublished(lawbook_version=1, regions=the_regions()),
        *(
            DepartmentPublished(lawbook_version=nth, department=department)
            for nth, department in enumerate(
                (
                    a_department("tax", region=LUOYANG),
                    a_department("office", region=LUOYANG, credit_office=True),
                    a_department("county-office", region=MENGJIN, credit_office=True),
                    a_department("province", region=HENAN, credit_office=True),
                    a_department("gone", region=LUOYANG, retired_on=date(2026, 3, 1)),
                ),
                start=2,
            )
        ),
    ]
)


def caller(department: str | None, *roles: OfficerRole) -> Principal:
    return Principal("li", None if department is None else DepartmentId(department), frozenset(roles))


@pytest.mark.parametrize(
    ("department", "region", "expected"),
    [
        ("tax", LUOYANG, True),
        ("tax", MENGJIN, True),
        ("tax", HENAN, False),
        ("tax", PUYANG, False),
        ("tax", "999999", False),
        ("tax", "410399", False),
        ("tax", "", False),
        ("county-office", LUOYANG, False),
        ("province", PUYANG, True),
        ("nobody", LUOYANG, False),
        (None, LUOYANG, False),
    ],
)
def test_a_department_is_responsible_for_its_region_and_those_below(
    department: str | None, region: str, expected: bool
) -> None:
    assert is_responsible(BOOK, DepartmentId(department) if department else None, region) is expected


def test_a_credit_office_acts_for_its_own_regions_only() -> None:
    assert is_credit_office_for(BOOK, DepartmentId("office"), MENGJIN)
    assert not is_credit_office_for(BOOK, DepartmentId("county-office"), LUOYANG)
    assert not is_credit_office_for(BOOK, DepartmentId("tax"), LUOYANG)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (caller("nobody", OfficerRole.LISTER), "caller_department_unknown"),
        (caller("gone", OfficerRole.LISTER), "caller_department_unknown"),
        (caller("tax"), "caller_without_role"),
        (caller("tax", OfficerRole.OPERATOR), "caller_without_role"),
        (caller("tax", OfficerRole.CREDIT_OFFICE), "not_a_credit_office"),
        (caller(None, OfficerRole.CREDIT_OFFICE), "caller_without_department"),
        (caller(None), "caller_without_department"),
    ],
)
def test_a_token_that_the_law_book_does_not_uphold_is_refused(who: Principal, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        upheld(who, BOOK, TODAY)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_roles_that_the_department_cannot_have_are_dropped() -> None:
    kept = upheld(caller("tax", OfficerRole.LISTER, OfficerRole.CREDIT_OFFICE, OfficerRole.OPERATOR), BOOK, TODAY)
    assert kept == caller("tax", OfficerRole.LISTER)


def test_an_operator_keeps_only_its_own_role_and_needs_no_law_book() -> None:
    kept = upheld(caller(None, OfficerRole.OPERATOR, OfficerRole.AUDITOR), LawBook.empty(), TODAY)
    assert kept == caller(None, OfficerRole.OPERATOR)


def test_without_a_law_book_nobody_is_upheld() -> None:
    with pytest.raises(Rejected) as refused:
        upheld(caller("tax", OfficerRole.LISTER), LawBook.empty(), TODAY)
    assert [fault.code for fault in refused.value.faults] == ["law_book_not_read"]
