"""Whether a candidate applies to one entry: its target, the policies of the jurisdiction, and the departments that act."""

from collections.abc import Collection, Sequence

from services.registry.domain.candidates import Candidate
from services.registry.domain.policy_rules import PolicyRules
from services.registry.domain.resolution import FileContext
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import (
    Constraint,
    ListKind,
    Measure,
    Role,
    SubjectKind,
)
from shared.contracts.listing import Entry, Origin
from shared.contracts.response import RefusalReason
from shared.identity.keys import organisation_of
from shared.lawbook.book import Implementer, LawBook


def targets(
    candidate: Candidate, entry: Entry, roles: tuple[Role, ...], context: FileContext, rules: PolicyRules
) -> bool:
    """Whether the measure targets this subject in this capacity. All conditions of the target must be met."""
    target = candidate.measure.target
    if roles:
        if not rules.reach_persons or not any(role in target.roles for role in roles):
            return False
    elif not target.reaches_subject:
        return False
    return (
        _is_of_kind(target.subject_kinds, entry, roles)
        and (not target.grades or entry.grade in target.grades)
        and (entry.able_but_unwilling or not _only_unwilling(candidate, rules))
        and (target.distinct_domains == 1 or _escalated(candidate.measure, entry, roles, context, rules))
    )


def _is_of_kind(kinds: Collection[SubjectKind], entry: Entry, roles: tuple[Role, ...]) -> bool:
    """Whether the listed subject is of a kind of the target. For a role: it, or the natural person who is reached."""
    return not kinds or entry.subject.kind in kinds or (bool(roles) and SubjectKind.PERSON in kinds)


def _escalated(
    measure: Measure, entry: Entry, roles: tuple[Role, ...], context: FileContext, rules: PolicyRules
) -> bool:
    """Stronger measures are for enterprises on the lists of several domains (000 五(六), 002 六(五): 严重失信企业).

    No other organisation and no natural person gets them, in whatever capacity.
    """
    enterprise = not roles and organisation_of(entry.subject.key) in rules.escalates_for
    return enterprise and context.domains_listed >= _escalates_from(measure, rules)


def _only_unwilling(candidate: Candidate, rules: PolicyRules) -> bool:
    """有履行能力但拒不履行: when the measure demands it, or when the policy demands it for the matter of a punishment."""
    if candidate.measure.target.able_but_unwilling:
        return True
    return candidate.punishment and not candidate.matters.isdisjoint(rules.unwilling_matters)


def _escalates_from(measure: Measure, rules: PolicyRules) -> int:
    return max(measure.target.distinct_domains, rules.escalates_from or 0)


def refused_by_rules(measure: Measure, entry: Entry, context: FileContext, rules: PolicyRules) -> RefusalReason | None:
    """The reason for which the entry, or a policy of its jurisdiction, refuses a measure that passed the gate."""
    if entry.origin is Origin.THIRD_PARTY:
        return RefusalReason.THIRD_PARTY_LIST
    if entry.list_kind is ListKind.WATCH and measure.constraint is Constraint.PUBLICITY:
        return RefusalReason.WATCH_NOT_PUBLIC
    if not _provided(measure, rules):
        return RefusalReason.NOT_IN_POLICY
    if entry.list_kind is ListKind.RED and not context.also_on.isdisjoint(rules.yields_to):
        return RefusalReason.OUTWEIGHED
    return None


def _provided(measure: Measure, rules: PolicyRules) -> bool:
    """Measures that only some documents have need a policy that provides them. Without any policy the measure decides."""
    if not rules.any_policy:
        return True
    if measure.target.distinct_domains > 1 and rules.escalates_from is None:
        return False
    return rules.not_provided.isdisjoint(measure.matters)


def implementers(candidate: Candidate, entry: Entry, rules: PolicyRules, book: LawBook) -> Sequence[Implementer]:
    """The departments that carry the measure out.

    A punishment that the jurisdiction passes up (提请) is not for its own departments and those within it. A document of that
    jurisdiction itself about the matter is the request to the level above; its departments do make it (001 8).
    """
    if not candidate.punishment or candidate.matters.isdisjoint(rules.passed_up):
        return candidate.implementers
    if candidate.instrument is not None and candidate.instrument.region == rules.passed_up_by:
        return candidate.implementers
    return [one for one in candidate.implementers if not _is_within(one.department_id, entry.jurisdiction, book)]


def _is_within(department_id: DepartmentId, region: str, book: LawBook) -> bool:
    department = book.department(department_id)
    return department is not None and region in book.lineage(department.region)
