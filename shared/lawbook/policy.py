"""Which policy governs each setting, and why. Pure.

Three rules, in this order:

* Substance is judged by the day of the decision (实体从旧), procedure by the day of the procedural act (程序从新). Execution is
  judged by the day of the act and by the place: when one jurisdiction lists and another carries out, by the policy of the latter.
* Higher authority before later date: a setting of a higher region prevails where the policy marks it so (上位法优于下位法).
* Otherwise the policy of the most specific region that has the setting. In one region, a policy of the domain comes before one
  of every domain, then the one that began last. A setting that a region does not have is inherited from the region above.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar, cast

from shared.contracts.event import Contract, DomainId
from shared.contracts.policy import Execution, Policy, Procedure, Setting, Substance
from shared.lawbook.book import LawBook
from shared.lawbook.memo import Memo

T = TypeVar("T")
G = TypeVar("G", Substance, Procedure, Execution)

GROUPS: Mapping[str, type[Contract]] = {"substance": Substance, "procedure": Procedure, "execution": Execution}
_MOST_REMEMBERED = 20_000


class Why(StrEnum):
    """Why a setting governs."""

    OWN = "own"
    """A policy of the region itself has the setting."""
    INHERITED = "inherited"
    """The region does not have the setting; a region above does."""
    HIGHER_AUTHORITY = "higher_authority"
    """A policy of a higher region has the setting and marks it as prevailing over lower regions."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One setting that governs, its policy, and why that policy."""

    group: str
    name: str
    setting: Setting[Any]
    policy: Policy
    why: Why
    on: date
    """The day by which the policy was chosen."""
    place: str
    """The region whose policies were considered."""
    over: tuple[Policy, ...]
    """Policies with another value, which do not govern, the next in rank first."""


@dataclass(frozen=True, slots=True)
class Question:
    """A decision and an act about it, in a region (GB/T 2260, six digits) and a domain (None: in every domain)."""

    region: str
    domain_id: DomainId | None
    decided_on: date
    act_on: date
    executed_in: str | None = None
    """The jurisdiction where a measure is carried out, when it is not the one that listed."""


@dataclass(frozen=True, slots=True)
class Governing:
    """The settings that govern: those of all policies, merged by the rules above."""

    asked: Question
    substance: Substance
    procedure: Procedure
    execution: Execution
    rulings: tuple[Ruling, ...]

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies of the rulings, each once."""
        return tuple({(r.policy.policy_id, r.policy.version): r.policy for r in self.rulings}.values())

    def ruling(self, name: str) -> Ruling | None:
        """The ruling on a setting; None when no policy has it."""
        return next((ruling for ruling in self.rulings if ruling.name == name), None)


class Policies:
    """The policies of one book. Remembers what it computed: a book never changes."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._known: Memo[Question, Governing] = Memo(_MOST_REMEMBERED)

    def governing(self, asked: Question) -> Governing:
        known = self._known.get(asked)
        return self._known.keep(asked, _governing(self._book, asked)) if known is None else known


def governing(book: LawBook, asked: Question) -> Governing:
    """Which policies govern, setting by setting."""
    return book.derived(Policies).governing(asked)


def substance_of(book: LawBook, region: str, domain_id: DomainId | None, decided_on: date) -> Substance:
    """The substance that governs a decision of this day."""
    return governing(book, Question(region, domain_id, decided_on, decided_on)).substance


def procedure_of(book: LawBook, region: str, domain_id: DomainId | None, act_on: date) -> Procedure:
    """The procedure that governs an act of this day."""
    return governing(book, Question(region, domain_id, act_on, act_on)).procedure


def value_of(setting: Setting[T] | None, otherwise: T) -> T:
    """The value of a setting; `otherwise` when no policy has the setting."""
    return otherwise if setting is None else setting.value


def policies_on(book: LawBook, region: str, domain_id: DomainId | None, day: date) -> tuple[Policy, ...]:
    """The policies of the region and of those above that are in effect on a day, the most specific first.

    A version that has begun replaces the earlier ones for ever, also after its own end.
    """
    distance = {found: nth for nth, found in enumerate(book.lineage(region))}
    in_effect = [
        policy
        for latest in book.policies
        if (policy := _begun(book.policy_versions(latest.policy_id), day)) is not None
        and policy.region in distance
        and (policy.effective_to is None or day <= policy.effective_to)
        and (not policy.domains or domain_id in policy.domains)
    ]
    in_effect.sort(key=lambda p: (-distance[p.region], bool(p.domains), p.effective_from, p.policy_id), reverse=True)
    return tuple(in_effect)


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
        found = [(policy, setting) for policy in policies if (setting := setting_of(policy, group, name)) is not None]
        if not found:
            continue
        policy, setting, why = _first_in_rank(found, place)
        over = tuple(other for other, its in found if other is not policy and its.value != setting.value)
        yield Ruling(group, name, setting, policy, why, on, place, over)


def setting_of(policy: Policy, group: str, name: str) -> Setting[Any] | None:
    """The setting of a policy, by its group and name; None when the policy does not have it."""
    return cast("Setting[Any] | None", getattr(getattr(policy, group), name))


def _first_in_rank(found: Sequence[tuple[Policy, Setting[Any]]], place: str) -> tuple[Policy, Setting[Any], Why]:
    """The setting that governs: of prevailing ones that of the highest region, else the most specific and latest.

    `found`: the most specific first. Of one region, the more specific and later policy comes first.
    """
    prevailing = [(policy, setting) for policy, setting in found if setting.prevails and policy.region != place]
    if prevailing:
        highest = prevailing[-1][0].region
        policy, setting = next((p, s) for p, s in prevailing if p.region == highest)
        return policy, setting, Why.HIGHER_AUTHORITY
    policy, setting = found[0]
    return policy, setting, Why.OWN if policy.region == place else Why.INHERITED
