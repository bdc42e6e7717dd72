"""Which policy governs what, and why; and whether a policy contradicts itself. Pure.

Three rules, in this order (DESIGN section 5):

* Substance is judged by the day of the decision (实体从旧), procedure by the day of the procedural act (程序从新). Execution is
  judged by the day of the act and, when a listing of one jurisdiction is carried out in another, by the policy of that place.
* Higher authority before later date: a setting of a higher region prevails where it says that it does (上位法优于下位法).
* Otherwise the most specific region that says anything; in one region a policy of the domain before one of every domain, then
  the one that began last. What a region leaves out it takes from the region above.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar, cast

from shared.contracts.event import Contract, DomainId
from shared.contracts.kinds import ListKind
from shared.contracts.policy import Execution, Policy, Procedure, PublicityLength, Setting, Substance, Tier
from shared.lawbook.book import LawBook
from shared.rejection import Fault

T = TypeVar("T")
G = TypeVar("G", Substance, Procedure, Execution)

GROUPS: Mapping[str, type[Contract]] = {"substance": Substance, "procedure": Procedure, "execution": Execution}
_MOST_REMEMBERED = 20_000


class Why(StrEnum):
    """Why a setting governs."""

    OWN = "own"
    """The region (and domain) says so itself."""
    INHERITED = "inherited"
    """The region says nothing, and the region above it does."""
    HIGHER_AUTHORITY = "higher_authority"
    """A higher region says so, and that it prevails, whatever is said below."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One setting as it governs: what, by which policy, and why that one."""

    group: str
    name: str
    setting: Setting[Any]
    policy: Policy
    why: Why
    on: date
    """The day by which the policy was chosen."""
    place: str
    """The region whose policies were asked."""
    over: tuple[Policy, ...]
    """Policies that say otherwise and do not govern, the next in rank first."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a decision and an act about it, by region (GB/T 2260, six digits) and domain."""

    region: str
    domain_id: DomainId | None
    decided_on: date
    act_on: date
    executed_in: str | None = None
    """Where a measure is carried out, when that is another jurisdiction than the one that listed."""


@dataclass(frozen=True, slots=True)
class Governing:
    """What governs: the settings of all policies, merged by the rules above."""

    asked: Question
    substance: Substance
    procedure: Procedure
    execution: Execution
    rulings: tuple[Ruling, ...]

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those that have a say, each once."""
        return tuple({(r.policy.policy_id, r.policy.version): r.policy for r in self.rulings}.values())

    def ruling(self, name: str) -> Ruling | None:
        """How a setting came to govern; none where no policy says anything."""
        return next((ruling for ruling in self.rulings if ruling.name == name), None)


def governing(book: LawBook, asked: Question) -> Governing:
    """Which policies govern, setting by setting. A book gives the same answer for good, and remembers it."""
    key = ("governing", asked)
    known = book.answers.get(key)
    if known is None:
        if len(book.answers) >= _MOST_REMEMBERED:
            book.answers.clear()
        book.answers[key] = known = _governing(book, asked)
    return cast("Governing", known)


def substance_of(book: LawBook, region: str, domain_id: DomainId | None, decided_on: date) -> Substance:
    """The substance that governs a decision of this day."""
    return governing(book, Question(region, domain_id, decided_on, decided_on)).substance


def procedure_of(book: LawBook, region: str, domain_id: DomainId | None, act_on: date) -> Procedure:
    """The procedure that governs an act of this day."""
    return governing(book, Question(region, domain_id, act_on, act_on)).procedure


def value_of(setting: Setting[T] | None, otherwise: T) -> T:
    """What a setting says; `otherwise` where no policy says anything."""
    return otherwise if setting is None else setting.value


def policies_on(book: LawBook, region: str, domain_id: DomainId | None, day: date) -> tuple[Policy, ...]:
    """The policies of the region and those above that hold on a day, the most specific first.

    A version that has begun replaces the earlier ones for good.
    """
    place = {found: nth for nth, found in enumerate(book.lineage(region))}
    holding = [
        policy
        for latest in book.policies
        if (policy := _begun(book.policy_versions(latest.policy_id), day)) is not None
        and policy.region in place
        and (policy.effective_to is None or day <= policy.effective_to)
        and (not policy.domains or domain_id in policy.domains)
    ]
    holding.sort(key=lambda p: (-place[p.region], bool(p.domains), p.effective_from, p.policy_id), reverse=True)
    return tuple(holding)


def _begun(versions: Sequence[Policy], day: date) -> Policy | None:
    return next((found for found in reversed(versions) if found.effective_from <= day), None)


def _governing(book: LawBook, asked: Question) -> Governing:
    place = asked.executed_in or asked.region
    of_decision = policies_on(book, asked.region, asked.domain_id, asked.decided_on)
    of_act = policies_on(book, asked.region, asked.domain_id, asked.act_on)
    of_place = of_act if place == asked.region else policies_on(book, place, asked.domain_id, asked.act_on)
    rulings = (
        *_rulings("substance", of_decision, asked.decided_on, asked.region),
        *_rulings("procedure", of_act, asked.act_on, asked.region),
        *_rulings("execution", of_place, asked.act_on, place),
    )
    return Governing(
        asked=asked,
        substance=_merged(Substance, "substance", rulings),
        procedure=_merged(Procedure, "procedure", rulings),
        execution=_merged(Execution, "execution", rulings),
        rulings=rulings,
    )


def _merged(group: type[G], name: str, rulings: Sequence[Ruling]) -> G:
    return group.model_validate({ruling.name: ruling.setting for ruling in rulings if ruling.group == name})


def _rulings(group: str, policies: Sequence[Policy], on: date, place: str) -> Iterator[Ruling]:
    """`policies`: the most specific first."""
    for name in GROUPS[group].model_fields:
        said = [(policy, setting) for policy in policies if (setting := _said(policy, group, name)) is not None]
        if not said:
            continue
        policy, setting, why = _ranked(said, place)
        over = tuple(other for other, its in said if other is not policy and its.value != setting.value)
        yield Ruling(group, name, setting, policy, why, on, place, over)


def _said(policy: Policy, group: str, name: str) -> Setting[Any] | None:
    return cast("Setting[Any] | None", getattr(getattr(policy, group), name))


def _ranked(said: Sequence[tuple[Policy, Setting[Any]]], place: str) -> tuple[Policy, Setting[Any], Why]:
    """Which of those that speak is heard. Of those that prevail the highest; in one region the more specific, later one."""
    prevailing = [(policy, setting) for policy, setting in said if setting.prevails and policy.region != place]
    if prevailing:
        highest = prevailing[-1][0].region
        policy, setting = next((p, s) for p, s in prevailing if p.region == highest)
        return policy, setting, Why.HIGHER_AUTHORITY
    policy, setting = said[0]
    return policy, setting, Why.OWN if policy.region == place else Why.INHERITED


# --- whether a policy contradicts itself -----------------------------------------------------------------------------


def faults_of(policy: Policy) -> list[Fault]:
    """Every contradiction and every setting out of form, by field (`procedure.objection_total_days`)."""
    faults: list[Fault] = []
    for group, settings in GROUPS.items():
        for name in settings.model_fields:
            if (setting := _said(policy, group, name)) is not None:
                faults += _setting_faults(policy, f"{group}.{name}", setting)
    faults += _grade_faults(policy)
    faults += _objection_faults(policy.procedure)
    faults += _publicity_faults(policy)
    faults += _other_faults(policy)
    return faults


def _setting_faults(policy: Policy, path: str, setting: Setting[Any]) -> Iterator[Fault]:
    if not setting.example and not setting.clause.strip():
        yield Fault("setting_without_clause", f"{path}.clause")
    if setting.prevails and _has_no_regions_below(policy.region):
        yield Fault("prevails_over_nobody", f"{path}.prevails", {"region": policy.region})
    least = _LEAST.get(path.rpartition(".")[2], 0)
    if isinstance(setting.value, int) and not isinstance(setting.value, bool) and setting.value < least:
        yield Fault("setting_too_small", f"{path}.value", {"least": least})


_LEAST = {
    "longest_term_months": 1,
    "escalate_from_domains": 2,
    "clean_record_years": 1,
    "personal_records_kept_years": 1,
    "feedback_every_months": 1,
    "watch_moves_to_black_after_months": 1,
}


def _has_no_regions_below(region: str) -> bool:
    return not region.endswith("00")


def _grade_faults(policy: Policy) -> Iterator[Fault]:
    grades = policy.substance.grades
    if grades is None:
        return
    path = "substance.grades.value"
    if not grades.value:
        yield Fault("field_missing", path)
    yield from _twice(path, "code", [tier.code for tier in grades.value])
    yield from _twice(path, "rank", [tier.rank for tier in grades.value])
    for nth, tier in enumerate(grades.value):
        if tier.public and tier.list_kind is not ListKind.BLACK:
            yield Fault("only_black_tier_public", f"{path}[{nth}].public", {"grade": tier.code})
    by_rank: list[Tier] = sorted(grades.value, key=lambda tier: tier.rank)
    for lower, higher in pairwise(by_rank):
        if _HOW_GRAVE[lower.list_kind] > _HOW_GRAVE[higher.list_kind]:
            yield Fault("graver_tier_milder_list", path, {"lower": lower.code, "higher": higher.code})


_HOW_GRAVE = {None: 0, ListKind.RED: 0, ListKind.WATCH: 1, ListKind.BLACK: 2}


def _twice(path: str, name: str, values: Sequence[object]) -> Iterator[Fault]:
    for nth, value in enumerate(values):
        if value in values[:nth]:
            yield Fault("given_twice", f"{path}[{nth}].{name}", {"value": value})


def _objection_faults(procedure: Procedure) -> Iterator[Fault]:
    """The steps of an objection fit into the whole (002 六(三): 5 + 5 + 2 = 12), and a plea needs its notice."""
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
    yield from _twice(path, "grade", [(length.grade, length.domains) for length in lengths.value])
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
