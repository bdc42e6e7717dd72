"""What the policies of a jurisdiction provide in one span of the law, in the form in which resolving needs it (row 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.contracts.event import DomainId
from shared.contracts.lawbook import ListKind
from shared.contracts.policy import Setting
from shared.contracts.response import PolicyUsed
from shared.identity.credit_code import COOPERATIVE, ENTERPRISE
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Question, governing, value_of

ISSUES, LOAN_RATES = "share-and-bond-issue", "loan-rates"
"""Matters of measures that only some documents provide."""


@dataclass(frozen=True, slots=True)
class PolicyRules:
    any_policy: bool
    """Whether any policy has a setting; without one the measures alone decide."""
    reach_persons: bool
    unwilling_matters: frozenset[str]
    """Punishments in these matters apply to the able but unwilling only (有履行能力但拒不履行)."""
    escalates_from: int | None
    """From how many domains stronger measures apply; None: no policy provides them."""
    escalates_for: frozenset[str]
    """The kinds of organisations that get them: enterprises, and farmers' cooperatives where the policy says so."""
    yields_to: frozenset[ListKind]
    """The lists to which incentives yield."""
    passed_up: frozenset[str]
    """Matters in which the level above is asked to act (提请)."""
    passed_up_by: str
    """The region whose policy passes these matters up."""
    not_provided: frozenset[str]
    """Matters for which no policy provides."""
    used: tuple[PolicyUsed, ...]


def policy_rules(book: LawBook, jurisdiction: str, domain_id: DomainId, day: date) -> PolicyRules:
    found = governing(book, Question(jurisdiction, domain_id, day, day))
    substance = found.substance
    settings: Mapping[str, Setting[bool] | None] = {
        ISSUES: substance.issue_limits,
        LOAN_RATES: substance.higher_loan_rates,
    }
    return PolicyRules(
        any_policy=bool(found.rulings),
        reach_persons=value_of(substance.reach_responsible_persons, otherwise=True),
        unwilling_matters=frozenset(value_of(substance.able_but_unwilling_matters, ())),
        escalates_from=value_of(substance.escalate_from_domains, 0) or None,
        escalates_for=_escalates_for(value_of(substance.escalate_cooperatives, otherwise=False)),
        yields_to=frozenset(value_of(substance.red_yields_to, ())),
        passed_up=frozenset(value_of(found.execution.passed_up_matters, ())),
        passed_up_by=ruling.policy.region if (ruling := found.ruling("passed_up_matters")) else "",
        not_provided=frozenset(m for m, setting in settings.items() if not value_of(setting, otherwise=False)),
        used=tuple(PolicyUsed(policy_id=p.policy_id, version=p.version) for p in found.policies),
    )


def _escalates_for(cooperatives: bool) -> frozenset[str]:
    return frozenset({ENTERPRISE, COOPERATIVE} if cooperatives else {ENTERPRISE})
