"""Whether a policy contradicts itself: every contradiction and every malformed setting, by field. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from shared.contracts.kinds import ListKind
from shared.contracts.policy import Policy, Procedure, PublicityLength, Setting, Tier
from shared.lawbook.policy import GROUPS, setting_of, value_of
from shared.rejection import Fault


def faults_of(policy: Policy) -> list[Fault]:
    """Every fault of the policy, with its field (`procedure.objection_total_days`)."""
    faults: list[Fault] = []
    for group, settings in GROUPS.items():
        for name in settings.model_fields:
            if (setting := setting_of(policy, group, name)) is not None:
                faults += _setting_faults(policy, f"{group}.{name}", setting)
    faults += _grade_faults(policy)
    faults += _objection_faults(policy.procedure)
    faults += _publicity_faults(policy)
    faults += _other_faults(policy)
    return faults


def _setting_faults(policy: Policy, path: str, setting: Setting[Any]) -> Iterator[Fault]:
    if not setting.example and not setting.clause.strip():
        yield Fault("setting_without_clause", f"{path}.clause")
    if setting.prevails and _contains_no_region(policy.region):
        yield Fault("prevails_over_nobody", f"{path}.prevails", {"region": policy.region})
    least = _LEAST.get(path.rpartition(".")[2], 0)
    if isinstance(setting.value, int) and not isinstance(setting.value, bool) and setting.value < least:
        yield Fault("number_too_small", f"{path}.value", {"least": least})


_LEAST = {
    "longest_term_months": 1,
    "escalate_from_domains": 2,
    "clean_record_years": 1,
    "personal_records_kept_years": 1,
    "feedback_every_months": 1,
    "watch_moves_to_black_after_months": 1,
}


def _contains_no_region(region: str) -> bool:
    return not region.endswith("00")


def _grade_faults(policy: Policy) -> Iterator[Fault]:
    grades = policy.substance.grades
    if grades is None:
        return
    path = "substance.grades.value"
    if not grades.value:
        yield Fault("field_missing", path)
    yield from _duplicates(path, "code", [tier.code for tier in grades.value])
    yield from _duplicates(path, "rank", [tier.rank for tier in grades.value])
    for nth, tier in enumerate(grades.value):
        if tier.public and tier.list_kind is not ListKind.BLACK:
            yield Fault("only_black_tier_public", f"{path}[{nth}].public", {"grade": tier.code})
    by_rank: list[Tier] = sorted(grades.value, key=lambda tier: tier.rank)
    for lower, higher in pairwise(by_rank):
        if _SEVERITY[lower.list_kind] > _SEVERITY[higher.list_kind]:
            yield Fault("graver_tier_milder_list", path, {"lower": lower.code, "higher": higher.code})


_SEVERITY = {None: 0, ListKind.RED: 0, ListKind.WATCH: 1, ListKind.BLACK: 2}


def _duplicates(path: str, name: str, values: Sequence[object]) -> Iterator[Fault]:
    for nth, value in enumerate(values):
        if value in values[:nth]:
            yield Fault("given_twice", f"{path}[{nth}].{name}", {"value": value})


def _objection_faults(procedure: Procedure) -> Iterator[Fault]:
    """The steps of an objection fit into its total (002 六(三): 5 + 5 + 2 = 12), and a plea window needs a notice."""
    steps = (procedure.objection_forward_days, procedure.objection_verify_days, procedure.objection_notify_days)
    total = value_of(procedure.objection_total_days, None)
    needed = sum(value_of(step, None) or 0 for step in steps)
    if total is not None and needed > total:
        yield Fault("steps_longer_than_whole", "procedure.objection_total_days", {"steps": needed, "whole": total})
    if value_of(procedure.plea_working_days, 0) and not value_of(procedure.notice_before_listing, otherwise=True):
        yield Fault("plea_without_notice", "procedure.plea_working_days")


def _publicity_faults(policy: Policy) -> Iterator[Fault]:
    lengths: Setting[tuple[PublicityLength, ...]] | None = policy.procedure.publicity_lengths
    if lengths is None:
        return
    path = "procedure.publicity_lengths.value"
    codes = {tier.code for tier in policy.substance.grades.value} if policy.substance.grades else None
    yield from _duplicates(path, "grade", [(length.grade, length.domains) for length in lengths.value])
    for nth, length in enumerate(lengths.value):
        if length.at_least_months > length.at_most_months:
            facts: dict[str, object] = {"least": length.at_least_months, "most": length.at_most_months}
            yield Fault("least_above_most", f"{path}[{nth}].at_least_months", facts)
        if codes is not None and length.grade is not None and length.grade not in codes:
            yield Fault("grade_not_in_policy", f"{path}[{nth}].grade", {"grade": length.grade})


def _other_faults(policy: Policy) -> Iterator[Fault]:
    yielding = policy.substance.red_yields_to
    if yielding is not None and ListKind.RED in yielding.value:
        yield Fault("red_yields_to_red", "substance.red_yields_to.value")
    for nth, day in enumerate(value_of(policy.procedure.reports_due, ())):
        if not _is_day_of_year(day):
            yield Fault("not_a_day_of_the_year", f"procedure.reports_due.value[{nth}]", {"value": day})
    needs, stops = policy.procedure.repair_needs, policy.procedure.repair_stops
    if stops is not None and not stops.value and needs is not None:
        yield Fault("repair_stops_nothing", "procedure.repair_stops.value")


def _is_day_of_year(text: str) -> bool:
    try:
        date.fromisoformat(f"2000-{text}")
    except ValueError:
        return False
    return True
