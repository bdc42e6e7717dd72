"""Which measures follow from an entry by the law: pure, deterministic, each with its reason.

从旧兼从轻: a decision is judged by the law of its day, as the book was when the entry was recorded. What came later (a new
version of a measure or a policy, a retirement, a basis that ended) applies to it only where it removes or mitigates a
punishment. An incentive that was granted stays.
"""

from datetime import date

from services.registry.domain.candidates import Candidate, candidates, line_of
from services.registry.domain.conditions import implementers, refused_by_rules, targets
from services.registry.domain.law import Law, LawCalendar, law_on
from services.registry.domain.milder import milder
from services.registry.domain.policy_rules import PolicyRules, policy_rules
from services.registry.domain.resolution import Directive, FileContext, Refusal, Resolution
from shared.contracts.event import DomainId, MeasureId
from shared.contracts.kinds import SubjectKind
from shared.contracts.lawbook import (
    ListKind,
    Measure,
    Role,
)
from shared.contracts.listing import Entry, Origin
from shared.contracts.response import Line, RefusalReason
from shared.identity.keys import organisation_of
from shared.lawbook.book import Implementer, LawBook
from shared.lawbook.memo import Memo

_MOST_REMEMBERED = 20_000

_Profile = tuple[
    DomainId,
    ListKind,
    tuple[int, date],
    str | None,
    str,
    SubjectKind,
    str,
    bool,
    Origin,
    tuple[Role, ...],
    int,
    frozenset[ListKind] | None,
    date,
]
"""Everything on which a resolution depends: entries with the same profile have the same measures."""


def resolve(entry: Entry, roles: tuple[Role, ...], context: FileContext, law: Law, validated_by: int) -> Resolution:
    """What follows from one entry for the listed subject (no `roles`) or for a person responsible for it.

    `validated_by`: the version of the law book by which the entry was first recorded.
    """
    return law.book.derived(Resolver).resolve(entry, roles, context, law.day, validated_by)


class Resolver:
    """Resolves entries by one law book, and remembers what it computed: a book never changes."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._calendar = book.derived(LawCalendar)
        self._resolutions: Memo[_Profile, Resolution] = Memo(_MOST_REMEMBERED)
        self._rules: Memo[tuple[str, DomainId, date], PolicyRules] = Memo(_MOST_REMEMBERED)
        self._candidates: Memo[tuple[DomainId, ListKind, str, date], tuple[Candidate, ...]] = Memo(_MOST_REMEMBERED)
        self._lines: Memo[tuple[MeasureId, date, tuple[Role, ...], int], Line] = Memo(_MOST_REMEMBERED)

    def resolve(
        self, entry: Entry, roles: tuple[Role, ...], context: FileContext, day: date, validated_by: int
    ) -> Resolution:
        """See `resolve`. `day`: the first day of the span of the law."""
        profile: _Profile = (
            entry.domain_id,
            entry.list_kind,
            self._calendar.key_as_of(validated_by, entry.decision.decided_on),
            entry.grade,
            entry.jurisdiction,
            entry.subject.kind,
            organisation_of(entry.subject.key),
            entry.able_but_unwilling,
            entry.origin,
            roles,
            context.domains_listed,
            context.also_on if entry.list_kind is ListKind.RED else None,
            day,
        )
        known = self._resolutions.get(profile)
        if known is not None:
            return known
        return self._resolutions.keep(profile, self._resolve(entry, roles, context, day, validated_by))

    def _resolve(
        self, entry: Entry, roles: tuple[Role, ...], context: FileContext, day: date, validated_by: int
    ) -> Resolution:
        at_first = law_on(self._book.as_of(validated_by), entry.decision.decided_on)
        then = at_first.book.derived(Resolver).by_law_of(at_first.day, entry, roles, context)
        if at_first.book is self._book and at_first.day >= day:
            return then
        return milder(then, self.by_law_of(day, entry, roles, context), day)

    def by_law_of(self, day: date, entry: Entry, roles: tuple[Role, ...], context: FileContext) -> Resolution:
        """What follows by the law of one span alone; `day` is its first day."""
        rules = self._rules_of(entry, day)
        directives: list[Directive] = []
        refusals: list[Refusal] = []
        for candidate in self._candidates_of(entry, day):
            measure = candidate.measure
            if not targets(candidate, entry, roles, context, rules):
                continue
            reason = candidate.stopped_by or refused_by_rules(measure, entry, context, rules)
            departments = implementers(candidate, entry, rules, self._book)
            if reason is None and not departments:
                reason = RefusalReason.PASSED_UP if candidate.implementers else RefusalReason.NO_IMPLEMENTER
            if reason is not None:
                refusals.append(Refusal(measure, reason))
                continue
            line = self._line_of(candidate, roles, context, day)
            directives.extend(_directive(one, measure, line) for one in departments)
        return Resolution(tuple(directives), tuple(refusals), rules.used)

    def _rules_of(self, entry: Entry, day: date) -> PolicyRules:
        key = (entry.jurisdiction, entry.domain_id, day)
        known = self._rules.get(key)
        return self._rules.keep(key, policy_rules(self._book, *key)) if known is None else known

    def _candidates_of(self, entry: Entry, day: date) -> tuple[Candidate, ...]:
        key = (entry.domain_id, entry.list_kind, entry.jurisdiction, day)
        known = self._candidates.get(key)
        return self._candidates.keep(key, candidates(self._book, *key)) if known is None else known

    def _line_of(self, candidate: Candidate, roles: tuple[Role, ...], context: FileContext, day: date) -> Line:
        target = candidate.measure.target
        as_roles = tuple(role for role in roles if role in target.roles)
        domains = context.domains_listed if target.distinct_domains > 1 else 1
        key = (candidate.measure.measure_id, day, as_roles, domains)
        known = self._lines.get(key)
        return self._lines.keep(key, line_of(candidate, as_roles, domains)) if known is None else known


def _directive(implementer: Implementer, measure: Measure, line: Line) -> Directive:
    category = implementer.category_id
    own = line.model_copy(update={"implementer_category": category}) if category else line
    return Directive(implementer.department_id, measure, own)
