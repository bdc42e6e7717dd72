"""Upcasters: pure functions from the body of an old event version to the next. They read nothing else, and never guess a value.

To change an event type incompatibly: give the model a new version, write the upcaster here, write the schema snapshots again, and
upgrade readers before writers (an older reader parks an event type that it does not know).
"""

from collections.abc import Callable
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def refused_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had `measures: [[id, reason]]`, without the version of the measure."""
    kept = {name: value for name, value in body.items() if name != "measures"}
    refused = [
        {"measure_id": measure_id, "measure_version": None, "instrument_id": None, "reason": reason}
        for measure_id, reason in body["measures"]
    ]
    return {**kept, "refused": refused}


_FLAT = {
    "notice_before_listing": ("procedure", "notice_before_listing"),
    "plea_working_days": ("procedure", "plea_working_days"),
    "longest_term_months": ("substance", "longest_term_months"),
    "suspend_measures_on_objection": ("procedure", "suspend_measures_on_objection"),
    "verify_objection_within_days": ("procedure", "objection_verify_days"),
    "personal_records_kept_years": ("substance", "personal_records_kept_years"),
}
"""Setting in version 1 of a policy → group and name in version 2."""


def policy_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had values and clauses separately. A value without a clause is an example that must be confirmed.

    A clause without a value means that the document states no number.
    """
    policy = body["policy"]
    clauses = policy.get("clauses", {})
    groups: dict[str, dict[str, Any]] = {"substance": {}, "procedure": {}}
    for old, (group, new) in _FLAT.items():
        value, clause = policy.get(old), clauses.get(old, "")
        if value is not None or (clause and old in _MAY_BE_NULL):
            groups[group][new] = {"value": value, "clause": clause, "example": not clause}
    kept = {name: value for name, value in policy.items() if name not in _FLAT and name != "clauses"}
    return {**body, "policy": {**kept, **groups}}


_MAY_BE_NULL = frozenset({"longest_term_months", "verify_objection_within_days"})

UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "response.refused.v1": ("response.refused.v2", refused_v1_to_v2),
    "lawbook.policy.published.v1": ("lawbook.policy.published.v2", policy_v1_to_v2),
}
"""Old type → (next type, function)."""
