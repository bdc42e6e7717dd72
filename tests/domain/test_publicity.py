"""How long an entry is public, and which entries never are (row 20)."""

from datetime import date
from typing import Any

import pytest

from services.catalogue.files.shipped import shipped
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Entry, Origin
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import publicity_faults, rules_of
from shared.lawbook.publicity import PublicityPeriod, may_be_public, publicity_period
from tests.builders import a_book, a_decision, an_entry, the_regions
from tests.policies import a_policy

DECIDED, LISTED, DAY = date(2026, 1, 31), date(2026, 2, 10), date(2026, 6, 1)
SHIPPED = LawBook.empty().with_changes(shipped().changes())
TIERS = [
    {"code": "ordinary", "name_zh": "一般", "name_en": "Ordinary", "rank": 1},
    {"code": "serious", "name_zh": "严重", "name_en": "Serious", "rank": 2, "list_kind": "black", "public": True},
]
BY_GRADE = [
    {"at_least_months": 3, "at_most_months": 12},
    {"grade": "serious", "at_least_months": 12, "at_most_months": 36},
    {"domains": ["work-safety"], "at_least_months": 12, "at_most_months": 24},
]


def entry(**changes: Any) -> Entry:
    """A black entry decided on 31 January 2026, for a term of ten years from 10 February 2026 on."""
    decided_on = changes.pop("decided_on", DECIDED)
    standard: dict[str, Any] = {
        "decision": a_decision(decided_on=decided_on),
        "term_from": LISTED,
        "term_to": date(2036, 2, 9),
    }
    return an_entry(**{**standard, **changes})


def book(*policies: dict[str, Any]) -> LawBook:
    made = [a_policy(f"p{nth}", **given) for nth, given in enumerate(policies)]
    return a_book([*the_regions(), *made])


def test_without_a_policy_an_entry_is_public_for_its_term() -> None:
    assert publicity_period(entry(), book(), DAY) == PublicityPeriod(LISTED, None, date(2036, 2, 9))
    assert publicity_period(entry(term_to=None), book(), DAY).until is None
    assert publicity_period(entry(term_to=date(9999, 12, 31)), book(), DAY).until is None


@pytest.mark.parametrize(
    ("changes", "least", "most"),
    [
        ({"grade": "ordinary"}, date(2026, 4, 30), date(2027, 1, 31)),
        ({"grade": "serious"}, date(2027, 1, 31), date(2029, 1, 31)),
        ({"grade": None}, date(2027, 1, 31), date(2029, 1, 31)),  # the black list is that of the serious grade
        ({"grade": "serious", "domain_id": "work-safety"}, date(2027, 1, 31), date(2028, 1, 31)),
    ],
)
def test_minimum_and_maximum_go_by_domain_then_by_grade(changes: dict[str, Any], least: date, most: date) -> None:
    found = publicity_period(entry(**changes), book({"grades": TIERS, "publicity_lengths": BY_GRADE}), DAY)
    assert found == PublicityPeriod(LISTED, least, most)


def test_months_count_from_the_decision_or_from_the_listing() -> None:
    lengths = [{"at_least_months": 1, "at_most_months": 3}]
    by_decision = publicity_period(entry(), book({"publicity_lengths": lengths}), DAY)
    assert by_decision == PublicityPeriod(LISTED, date(2026, 2, 28), date(2026, 4, 30))
    by_listing = publicity_period(
        entry(), book({"publicity_lengths": lengths, "publicity_counts_from": "listing"}), DAY
    )
    assert by_listing == PublicityPeriod(LISTED, date(2026, 3, 10), date(2026, 5, 10))


def test_publicity_never_outlives_the_term() -> None:
    found = publicity_period(
        entry(term_to=date(2026, 3, 1)),
        book({"publicity_lengths": [{"at_least_months": 12, "at_most_months": 36}]}),
        DAY,
    )
    assert (found.at_least_until, found.until) == (date(2026, 3, 1), date(2026, 3, 1))


def test_a_later_policy_shortens_publicity_and_never_lengthens_it() -> None:
    def lengths(months: int, since: date) -> dict[str, Any]:
        return {"publicity_lengths": [{"at_most_months": months}], "effective_from": since}

    start, later = date(2020, 1, 1), date(2026, 5, 1)
    shorter = a_book([a_policy("p", **lengths(36, start)), a_policy("p", version=2, **lengths(12, later))])
    assert publicity_period(entry(), shorter, date(2026, 4, 30)).until == date(2029, 1, 31)
    assert publicity_period(entry(), shorter, later).until == date(2027, 1, 31)
    longer = a_book([a_policy("p", **lengths(12, start)), a_policy("p", version=2, **lengths(36, later))])
    assert publicity_period(entry(), longer, later).until == date(2027, 1, 31)


def test_lengths_do_not_bound_red_lists() -> None:
    rules = book({"publicity_lengths": [{"at_most_months": 3}]})
    assert publicity_period(entry(list_kind=ListKind.RED), rules, DAY).until == date(2036, 2, 9)


def test_a_ten_year_entry_is_not_public_in_its_sixth_year_by_the_shipped_rules() -> None:
    decided = date(2026, 5, 6)
    ten_years = entry(domain_id="judgment-defaulters", decided_on=decided, term_from=decided, term_to=date(2036, 5, 5))
    assert publicity_period(ten_years, SHIPPED, decided) == PublicityPeriod(decided, date(2027, 5, 6), date(2029, 5, 6))


# --- who is never public ----------------------------------------------------------------------------------------------


def faults(one: Entry, rules: LawBook) -> list[str]:
    return [fault.code for fault in publicity_faults(one, rules_of(one, rules))]


def test_the_grades_that_luoyang_does_not_publish_are_refused_and_never_shown() -> None:
    for grade, refused in (("ordinary", True), ("graver", True), ("serious", False)):
        one = entry(domain_id="work-safety", grade=grade)
        assert faults(one, SHIPPED) == (["grade_not_public"] if refused else []), grade
        assert may_be_public(one, SHIPPED, DAY) is not refused
        assert faults(one.model_copy(update={"public": False}), SHIPPED) == []


def test_a_grade_is_public_where_no_policy_names_grades_and_on_red_lists() -> None:
    assert may_be_public(entry(grade="ordinary"), book(), DAY)
    assert may_be_public(entry(grade="ordinary", list_kind=ListKind.RED), book({"grades": TIERS}), DAY)
    assert not may_be_public(entry(grade="ordinary"), book({"grades": TIERS}), DAY)


def test_watch_entries_third_party_lists_and_private_entries_are_not_public() -> None:
    assert faults(entry(list_kind=ListKind.WATCH), book()) == ["watch_entry_public"]
    assert not may_be_public(entry(list_kind=ListKind.WATCH), book(), DAY)
    assert not may_be_public(entry(origin=Origin.THIRD_PARTY), book(), DAY)
    assert may_be_public(entry(origin=Origin.THIRD_PARTY), book({"third_party_lists": "website"}), DAY)
    assert not may_be_public(entry(public=False), book(), DAY)
