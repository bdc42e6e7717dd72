"""Policies for tests: settings are given by name, marked as examples, and put into their groups."""

from datetime import date
from typing import Any

from shared.contracts.policy import Policy
from shared.lawbook.policy import GROUPS


def settings(**values: object) -> dict[str, dict[str, Any]]:
    """`settings(longest_term_months=36)` → the groups of a policy with this setting."""
    unknown = set(values) - {name for group in GROUPS.values() for name in group.model_fields}
    assert not unknown, unknown
    return {
        group: {name: {"value": value, "example": True} for name, value in values.items() if name in model.model_fields}
        for group, model in GROUPS.items()
    }


def a_policy(
    policy_id: str = "example",
    *,
    version: int = 1,
    region: str = "410300",
    domains: tuple[str, ...] = (),
    effective_from: date = date(2017, 10, 24),
    effective_to: date | None = None,
    **values: object,
) -> Policy:
    return Policy.model_validate(
        {
            "policy_id": policy_id,
            "version": version,
            "region": region,
            "domains": domains,
            "effective_from": effective_from,
            "effective_to": effective_to,
            **settings(**values),
        }
    )
