"""Which settings of a policy act, in which service, and which do not (row 7).

A setting that is shown as governing and changes nothing would mislead. So each one is `enforced` by services, `informational`, or
`planned`. A test compares this table with the code.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class InUse(StrEnum):
    """What becomes of a setting."""

    ENFORCED = "enforced"
    """Services decide by it."""
    INFORMATIONAL = "informational"
    """It tells readers what a document says. No rule follows from it."""
    PLANNED = "planned"
    """A rule follows from it that no service has yet."""


class Use(NamedTuple):
    """What becomes of one setting."""

    in_use: InUse
    enforced_by: tuple[str, ...] = ()
    """The services that decide by it."""


def _by(*services: str) -> Use:
    return Use(InUse.ENFORCED, services)


_INFORMATIONAL, _PLANNED = Use(InUse.INFORMATIONAL), Use(InUse.PLANNED)

SETTINGS_IN_USE: Mapping[str, Use] = {
    # --- substance
    "grades": _by("initiator", "repair"),
    "serious_acts": _INFORMATIONAL,
    "law_or_central_policy_only": _by("initiator"),
    "longest_term_months": _by("initiator", "repair"),
    "cured_in_time": _PLANNED,
    "escalate_from_domains": _by("registry"),
    "escalate_cooperatives": _by("registry"),
    "reach_responsible_persons": _by("registry"),
    "able_but_unwilling_matters": _by("registry"),
    "higher_loan_rates": _by("registry"),
    "issue_limits": _by("registry"),
    "red_yields_to": _by("registry"),
    "clean_record_years": _by("registry"),
    "personal_records_kept_years": _PLANNED,
    # --- procedure
    "notice_before_listing": _by("initiator"),
    "plea_working_days": _by("initiator"),
    "suspend_measures_on_objection": _by("repair"),
    "suspend_publicity_on_objection": _by("repair"),
    "suspend_sharing_on_objection": _by("repair"),
    "suspension_begins": _by("repair"),
    "objection_received_by": _by("repair"),
    "objection_forward_days": _PLANNED,
    "objection_verify_days": _by("repair"),
    "objection_notify_days": _PLANNED,
    "objection_total_days": _PLANNED,
    "publicity_within_days": _PLANNED,
    "publicity_counts_from": _by("registry"),
    "publicity_lengths": _by("registry"),
    "community_service_helps": _PLANNED,
    "repair_needs": _by("repair"),
    "repair_stops": _PLANNED,
    "repair_decided_within_days": _PLANNED,
    "repair_answered_within_days": _PLANNED,
    "repair_notice_with_decision": _PLANNED,
    "watch_moves_to_black_after_months": _PLANNED,
    "third_party_lists": _by("initiator", "repair"),
    "list_keeper": _INFORMATIONAL,
    "catalogue_keeper": _INFORMATIONAL,
    "lists_published_by_credit_office": _by("initiator"),
    "reports_due": _PLANNED,
    # --- execution
    "passed_up_matters": _by("registry"),
    "feedback_required": _PLANNED,
    "feedback_every_months": _PLANNED,
    "tell_subject_basis": _PLANNED,
}
"""Setting → its use. The names are those of `shared/contracts/policy.py`."""
