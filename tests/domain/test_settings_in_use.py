"""Every setting of a policy acts, or says that it does not. The table is compared with the code and with the tests."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from shared.contracts import directory, lawbook, policy
from shared.contracts.event import Contract
from shared.lawbook.policy import GROUPS
from shared.lawbook.settings_in_use import SETTINGS_IN_USE, InUse

ROOT = Path(__file__).parents[2]
SETTINGS = [name for group in GROUPS.values() for name in group.model_fields]
ENFORCED = [name for name in SETTINGS if SETTINGS_IN_USE[name].in_use is InUse.ENFORCED]
MAY_BE_INFORMATIONAL = {"serious_acts", "list_keeper", "catalogue_keeper"}
ONLY_FORM = {"policy_faults.py", "settings_in_use.py"}
"""Modules that name settings without deciding by them."""

SHOWN_BY: Mapping[str, str] = {
    "grades": "test_a_grade_of_the_jurisdiction_leads_to_the_list_that_its_policy_says",
    "law_or_central_policy_only": "test_a_black_list_rests_on_a_law_or_central_policy_where_the_policy_asks_for_it",
    "longest_term_months": "test_a_term_is_no_longer_than_the_policy_allows",
    "escalate_from_domains": "test_stronger_measures_need_a_document_that_provides_them",
    "escalate_cooperatives": "test_stronger_measures_reach_enterprises_and_where_the_policy_says_so_cooperatives",
    "reach_responsible_persons": "test_persons_are_reached_where_the_policy_says_so",
    "able_but_unwilling_matters": (
        "test_consumption_limits_reach_the_able_but_unwilling_or_every_black_entry_as_the_policy_says"
    ),
    "higher_loan_rates": "test_measures_that_only_some_documents_have_need_a_policy_that_provides_them",
    "issue_limits": "test_measures_that_only_some_documents_have_need_a_policy_that_provides_them",
    "red_yields_to": "test_incentives_are_withheld_while_the_subject_is_on_a_list_to_which_they_yield",
    "clean_record_years": "test_a_clean_record_is_at_least_as_long_as_the_policy_asks",
    "notice_before_listing": "test_no_subject_is_black_listed_without_notice_where_the_policy_asks_for_it",
    "plea_working_days": "test_the_plea_window_has_as_many_working_days_as_the_policy_says",
    "suspend_measures_on_objection": (
        "test_the_policy_of_the_day_of_filing_decides_the_suspension_of_measures_and_the_time_limit_to_verify"
    ),
    "objection_verify_days": (
        "test_the_policy_of_the_day_of_filing_decides_the_suspension_of_measures_and_the_time_limit_to_verify"
    ),
    "third_party_lists": "test_a_list_of_a_third_party_is_published_only_where_a_document_says_so",
    "lists_published_by_credit_office": "test_where_the_credit_office_publishes_the_lists_no_other_department_does",
    "suspend_publicity_on_objection": "test_the_policy_says_what_else_is_suspended",
    "suspend_sharing_on_objection": "test_the_policy_says_what_else_is_suspended",
    "suspension_begins": "test_where_the_policy_says_so_the_suspension_begins_with_the_verification",
    "objection_received_by": (
        "test_objections_are_received_by_those_whom_the_policy_names_and_by_those_that_answer_for_the_entry"
    ),
    "repair_needs": "test_a_repair_needs_evidence_and_the_minimum_of_publicity",
    "publicity_lengths": "test_minimum_and_maximum_go_by_domain_then_by_grade",
    "publicity_counts_from": "test_months_count_from_the_decision_or_from_the_listing",
    "passed_up_matters": "test_matters_that_a_region_passes_up_are_for_the_bodies_above_it",
}
"""Enforced setting → a test of what follows from it."""


def test_the_table_names_every_setting_of_a_policy_and_no_other() -> None:
    assert SETTINGS_IN_USE.keys() == set(SETTINGS)


def test_only_three_settings_are_informational() -> None:
    assert {name for name, use in SETTINGS_IN_USE.items() if use.in_use is InUse.INFORMATIONAL} == MAY_BE_INFORMATIONAL


def test_services_stand_just_at_what_is_enforced() -> None:
    for name, use in SETTINGS_IN_USE.items():
        assert bool(use.enforced_by) is (use.in_use is InUse.ENFORCED), name
        assert all((ROOT / "services" / service).is_dir() for service in use.enforced_by), name


@pytest.mark.parametrize("name", ENFORCED)
def test_a_setting_that_is_enforced_is_read_by_the_rules_of_its_services(name: str) -> None:
    for service in SETTINGS_IN_USE[name].enforced_by:
        assert name in read_in("shared/lawbook") | read_in(f"services/{service}"), service


@pytest.mark.parametrize("name", [name for name in SETTINGS if name not in ENFORCED])
def test_a_setting_that_is_not_enforced_is_read_by_no_rule(name: str) -> None:
    assert name not in read_in("shared/lawbook") | read_in("services")


@pytest.mark.parametrize("name", ENFORCED)
def test_what_follows_from_an_enforced_setting_has_a_test(name: str) -> None:
    assert SHOWN_BY[name] in all_tests()


@cache
def read_in(folder: str) -> frozenset[str]:
    """The settings that the code of a folder reads as attributes."""
    files = [path for path in (ROOT / folder).rglob("*.py") if path.name not in ONLY_FORM]
    return frozenset(name for path in files for name in _read(ast.parse(path.read_text(encoding="utf-8"))))


def _read(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (node.attr not in _AMBIGUOUS or _is_group(node.value)):
            yield node.attr


def _is_group(node: ast.expr) -> bool:
    """Whether an expression is a group of settings: `found.substance`, `procedure`, `substance_of(…)`."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            return name.removesuffix("_of") in GROUPS
        case _:
            return False


def _fields_of_other_items() -> Iterator[str]:
    for module in (directory, lawbook):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, Contract):
                yield from model.model_fields


_AMBIGUOUS = frozenset(_fields_of_other_items()) & set(SETTINGS)
"""Settings that other items of the law book have as a field too: they count only where they are read from a group."""


@cache
def all_tests() -> frozenset[str]:
    return frozenset(
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_the_models_of_policies_are_the_groups_of_the_table() -> None:
    assert [policy.Substance, policy.Procedure, policy.Execution] == list(GROUPS.values())
