"""From old versions of events to the next: pure functions on the body. They look nothing up and write "unknown", never a guess.

To change an event type so that old readers or old events would break: give the model a new version, write the upcaster here,
renew the schema snapshots, and let readers be upgraded before writers (an older reader parks what it does not know).
"""

from collections.abc import Callable
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def refused_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said `measures: [[id, reason]]`; which version of the measure was judged is not known."""
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
"""Settings of version 1 of a policy, and where they stand now."""


def policy_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had values and, apart from them, clauses: a value without a clause is one that somebody must confirm.

    A clause without a value says that the document names no number.
    """
    policy = body["policy"]
    clauses = policy.get("clauses", {})
    groups: dict[str, dict[str, Any]] = {"substance": {}, "procedure": {}}
    for old, (group, new) in _FLAT.items():
        value, clause = policy.get(old), clauses.get(old, "")
        if value is not None or (clause and old in _MAY_BE_OPEN):
            groups[group][new] = {"value": value, "clause": clause, "example": not clause}
    kept = {name: value for name, value in policy.items() if name not in _FLAT and name != "clauses"}
    return {**body, "policy": {**kept, **groups}}


_MAY_BE_OPEN = frozenset({"longest_term_months", "verify_objection_within_days"})

UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "response.refused.v1": ("response.refused.v2", refused_v1_to_v2),
    "lawbook.policy.published.v1": ("lawbook.policy.published.v2", policy_v1_to_v2),
}
"""Old type → (the next type, how to get there)."""
