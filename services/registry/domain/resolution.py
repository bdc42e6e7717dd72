"""Which measures follow from an entry by the law: pure, deterministic, each with its reason.

The basis gate (row 5, N2) stands here: only a measure that is published, bound to an instrument in force and to a basis
valid on the day of the decision is directed. What it stops is a refusal with its reason, and nobody executes it.

从旧兼从轻: a decision is judged by the law of its day, as the book knew it when the entry was recorded. What came later, a new
version of a measure or a policy, a retirement, a basis that ended, reaches it only where it removes or mitigates a
punishment. What was granted stays granted.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.registry.domain.law import Law, law_on, span_as_of
from shared.contracts.directory import CategoryId
from shared.contracts.event import DepartmentId, LineId, MeasureId
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Duty,
    Force,
    Instrument,
    ListKind,
    Measure,
    MeasureKind,
    Role,
)
from shared.contracts.listing import Entry, Origin
from shared.contracts.policy import Setting
from shared.contracts.response import Line, PolicyUsed, RefusalReason
from shared.lawbook.book import Implementer, LawBook
from shared.lawbook.policy import Question, governing, value_of

_MOST_REMEMBERED = 20_000

ISSUES, LOAN_RATES = "share-and-bond-issue", "loan-rates"
"""Matters of measures that only some documents have."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What else stands in the subject's file and changes what an entry brings."""

    domains_listed: int = 1
    """On how many distinct domains' lists of this kind the subject stands, this entry's included (row 8)."""
    also_on: frozenset[ListKind] = frozenset()
    """The lists on which the subject stands by other entries."""


ALONE = Beside()


@dataclass(frozen=True, slots=True)
class Directive:
    """A measure that one department is to apply because of one entry."""

    department: DepartmentId
    measure: Measure
    line: Line
    """Its line, whole but for the id and the day by which it was judged."""
    milder_on: date | None = None
    """That day, where it is in the milder edition of a later law; none: it is the day of the decision."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A measure that targets the subject and did not pass the gate."""

    measure: Measure
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Resolution:
    directives: tuple[Directive, ...]
    refusals: tuple[Refusal, ...]
    policies: tuple[PolicyUsed, ...] = ()
    """The policies by which it was decided, those of today included where the milder law was looked for."""


def resolve(entry: Entry, roles: tuple[Role, ...], beside: Beside, law: Law, since: int) -> Resolution:
    """What follows from one entry for the listed subject (no `roles`) or for a person responsible for it.

    `since`: the version of the law book by which the entry was first recorded.
    """
    answers = law.book.answers
    profile = _profile(entry, roles, beside, law, since)
    if (known := answers.get(profile)) is not None:
        return known
    if len(answers) >= _MOST_REMEMBERED:
        answers.clear()
    answers[profile] = resolved = _resolve(entry, roles, beside, law, since)
    return resolved


def _profile(entry: Entry, roles: tuple[Role, ...], beside: Beside, law: Law, since: int) -> Hashable:
    """All of an entry that a resolution looks at: entries that agree in it have the same measures."""
    then = span_as_of(law.book, since, entry.decision.decided_on)
    return (
        *(entry.domain_id, entry.list_kind, then, entry.grade, entry.jurisdiction),
        *(entry.subject.kind, entry.able_but_unwilling, entry.origin, roles, beside.domains_listed),
        *(beside.also_on if entry.list_kind is ListKind.RED else None, law.day),
    )


def _resolve(entry: Entry, roles: tuple[Role, ...], beside: Beside, law: Law, since: int) -> Resolution:
    at_first = law_on(law.book.as_of(since), entry.decision.decided_on)
    then = _judged(entry, roles, beside, at_first)
    if at_first.book is law.book and at_first.day >= law.day:
        return then
    return _milder(then, _judged(entry, roles, beside, law), law.day)


def _milder(then: Resolution, today: Resolution, day: date) -> Resolution:
    """Punishments only as far as they follow by both laws, in the milder of both editions."""
    still: dict[MeasureId, list[Directive]] = {}
    for directive in today.directives:
        still.setdefault(directive.measure.measure_id, []).append(directive)
    why = {refusal.measure.measure_id: refusal.reason for refusal in today.refusals}
    kept: list[Directive] = []
    gone: dict[MeasureId, Refusal] = {}
    judged: set[MeasureId] = set()
    for directive in then.directives:
        measure = directive.measure
        if not is_punishment(measure.kind):
            kept.append(directive)
        elif measure.measure_id not in still:
            reason = why.get(measure.measure_id, RefusalReason.NO_LONGER_FOLLOWS)
            gone[measure.measure_id] = Refusal(measure, reason)
        elif measure.measure_id not in judged:
            judged.add(measure.measure_id)
            kept.extend(_in_milder_edition(directive, still[measure.measure_id], day))
    return Resolution(
        tuple(kept), (*then.refusals, *gone.values()), tuple(dict.fromkeys((*then.policies, *today.policies)))
    )


def _in_milder_edition(then: Directive, today: Sequence[Directive], day: date) -> Iterator[Directive]:
    """Who carries it out, today's law says; what is carried out, the milder edition."""
    if _mitigates(today[0].measure, then.measure):
        yield from (replace(directive, milder_on=day) for directive in today)
        return
    for directive in today:
        line = then.line.model_copy(update={"implementer_category": directive.line.implementer_category})
        yield replace(then, department=directive.department, line=line)


def _mitigates(new: Measure, old: Measure) -> bool:
    """Whether a new edition only takes away. Of another text nobody can say so by rule: it does not reach back."""
    same = new.text_zh == old.text_zh and new.works == old.works and new.kind == old.kind
    not_harsher = _WEIGHT[new.force] <= _WEIGHT[old.force] and _WEIGHT[new.duty] <= _WEIGHT[old.duty]
    lighter = _WEIGHT[new.force] + _WEIGHT[new.duty] < _WEIGHT[old.force] + _WEIGHT[old.duty]
    return same and not_harsher and lighter


_WEIGHT = {Force.MANDATORY: 1, Force.RECOMMENDED: 0, Duty.OWED: 1, Duty.INVITED: 0}


# --- by the law of one day -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A measure that reaches the list and domain in a jurisdiction, as far as it can be judged without an entry."""

    measure: Measure
    instrument: Instrument | None
    basis: Basis | None
    stopped_by: RefusalReason | None
    implementers: tuple[Implementer, ...]
    punishment: bool
    matters: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the policies of a jurisdiction say in one span of the law, ready to be asked."""

    anything: bool
    reach_persons: bool
    unwilling_matters: frozenset[str]
    escalates_from: int | None
    yields_to: frozenset[ListKind]
    passed_up: frozenset[str]
    passed_up_by: str
    """The region whose policy passes these matters up."""
    not_provided: frozenset[str]
    used: tuple[PolicyUsed, ...]


def _rules(entry: Entry, law: Law) -> _Rules:
    key = ("rules", entry.jurisdiction, entry.domain_id, law.day)
    if (known := law.book.answers.get(key)) is not None:
        return known
    found = governing(law.book, Question(entry.jurisdiction, entry.domain_id, law.day, law.day))
    substance = found.substance
    settings: Mapping[str, Setting[bool] | None] = {
        ISSUES: substance.issue_limits,
        LOAN_RATES: substance.higher_loan_rates,
    }
    law.book.answers[key] = rules = _Rules(
        anything=bool(found.rulings),
        reach_persons=value_of(substance.reach_responsible_persons, otherwise=True),
        unwilling_matters=frozenset(value_of(substance.able_but_unwilling_matters, ())),
        escalates_from=value_of(substance.escalate_from_domains, 0) or None,
        yields_to=frozenset(value_of(substance.red_yields_to, ())),
        passed_up=frozenset(value_of(found.execution.passed_up_matters, ())),
        passed_up_by=ruling.policy.region if (ruling := found.ruling("passed_up_matters")) else "",
        not_provided=frozenset(m for m, setting in settings.items() if not value_of(setting, otherwise=False)),
        used=tuple(PolicyUsed(policy_id=p.policy_id, version=p.version) for p in found.policies),
    )
    return rules


def _judged(entry: Entry, roles: tuple[Role, ...], beside: Beside, law: Law) -> Resolution:
    """What follows by one law: the book of then, or of today."""
    rules = _rules(entry, law)
    directives: list[Directive] = []
    refusals: list[Refusal] = []
    for candidate in _candidates(entry, law):
        measure = candidate.measure
        if not _reaches(candidate, entry, roles, beside, rules):
            continue
        reason = candidate.stopped_by or _stopped_by_rules(measure, entry, beside, rules)
        implementers = _own(candidate, entry, rules, law.book)
        if reason is None and not implementers:
            reason = RefusalReason.PASSED_UP if candidate.implementers else RefusalReason.NO_IMPLEMENTER
        if reason is not None:
            refusals.append(Refusal(measure, reason))
            continue
        template = _line(candidate, roles, beside, law)
        directives.extend(_directive(one, measure, template) for one in implementers)
    return Resolution(tuple(directives), tuple(refusals), rules.used)


def _candidates(entry: Entry, law: Law) -> tuple[_Candidate, ...]:
    book = law.book
    key = ("candidates", entry.domain_id, entry.list_kind, entry.jurisdiction, law.day)
    if (known := book.answers.get(key)) is not None:
        return known
    places = book.lineage(entry.jurisdiction)
    measures = book.measures_for(entry.domain_id, entry.list_kind, law.day)
    judged = [_candidate(book, measure, entry.jurisdiction, law.day) for measure in measures]
    # An instrument of another region says nothing here, not even a refusal.
    book.answers[key] = found = tuple(c for c in judged if c.instrument is None or c.instrument.region in places)
    return found


def _candidate(book: LawBook, measure: Measure, jurisdiction: str, day: date) -> _Candidate:
    instrument = book.instrument_on(measure.instrument_id, day)
    basis = next((basis for basis in measure.basis if basis.holds_on(day)), None)
    return _Candidate(
        measure=measure,
        instrument=instrument,
        basis=basis,
        stopped_by=stopped_by(measure, instrument, basis, day),
        implementers=book.implementers_of(measure, jurisdiction),
        punishment=is_punishment(measure.kind),
        matters=frozenset(measure.matters),
    )


def stopped_by(measure: Measure, instrument: Instrument | None, basis: Basis | None, day: date) -> RefusalReason | None:
    """The first reason that keeps a measure from being directed on a decision of this day."""
    if not measure.published:
        return RefusalReason.UNPUBLISHED
    if measure.effective_from > day:
        return RefusalReason.NOT_YET_EFFECTIVE
    if measure.effective_to is not None and measure.effective_to < day:
        return RefusalReason.RETIRED
    if instrument is None or not instrument.in_force_on(day):
        return RefusalReason.INSTRUMENT_NOT_IN_FORCE
    if basis is None:
        return RefusalReason.BASIS_NOT_VALID
    return None


def _reaches(candidate: _Candidate, entry: Entry, roles: tuple[Role, ...], beside: Beside, rules: _Rules) -> bool:
    """Whether the measure is aimed at this subject in this capacity; every condition has to hold."""
    target = candidate.measure.target
    if roles:
        # Whoever is reached by a role is a person, whatever the listed subject is.
        if not rules.reach_persons or not any(role in target.roles for role in roles):
            return False
    elif not target.reaches_subject or (target.subject_kinds and entry.subject.kind not in target.subject_kinds):
        return False
    return (
        (not target.grades or entry.grade in target.grades)
        and (entry.able_but_unwilling or not _only_unwilling(candidate, rules))
        and (target.distinct_domains == 1 or beside.domains_listed >= _escalates_from(candidate.measure, rules))
    )


def _only_unwilling(candidate: _Candidate, rules: _Rules) -> bool:
    """有履行能力但拒不履行: where the measure says so, and, of a punishment, where the policy says so of its matter."""
    if candidate.measure.target.able_but_unwilling:
        return True
    return candidate.punishment and not candidate.matters.isdisjoint(rules.unwilling_matters)


def _escalates_from(measure: Measure, rules: _Rules) -> int:
    return max(measure.target.distinct_domains, rules.escalates_from or 0)


def _stopped_by_rules(measure: Measure, entry: Entry, beside: Beside, rules: _Rules) -> RefusalReason | None:
    """What the entry and the policy of its jurisdiction stop, though the measure itself is in order."""
    if entry.origin is Origin.THIRD_PARTY:
        return RefusalReason.THIRD_PARTY_LIST
    if entry.list_kind is ListKind.WATCH and measure.constraint is Constraint.PUBLICITY:
        return RefusalReason.WATCH_NOT_PUBLIC
    if not _provided(measure, rules):
        return RefusalReason.NOT_IN_POLICY
    if entry.list_kind is ListKind.RED and not beside.also_on.isdisjoint(rules.yields_to):
        return RefusalReason.OUTWEIGHED
    return None


def _provided(measure: Measure, rules: _Rules) -> bool:
    """What only some documents have, needs a document that has it; where nobody says anything, the measure decides."""
    if not rules.anything:
        return True
    if measure.target.distinct_domains > 1 and rules.escalates_from is None:
        return False
    return rules.not_provided.isdisjoint(measure.matters)


def _own(candidate: _Candidate, entry: Entry, rules: _Rules, book: LawBook) -> Sequence[Implementer]:
    """Those who carry it out. What is passed up (提请) is not for the departments of this place and those within it; but
    what the documents of the place themselves say about it is the asking, and that is theirs (001 8)."""
    if not candidate.punishment or candidate.matters.isdisjoint(rules.passed_up):
        return candidate.implementers
    if candidate.instrument is not None and candidate.instrument.region == rules.passed_up_by:
        return candidate.implementers
    return [one for one in candidate.implementers if not _belongs(one.department_id, entry.jurisdiction, book)]


def _belongs(department_id: DepartmentId, region: str, book: LawBook) -> bool:
    department = book.department(department_id)
    return department is not None and region in book.lineage(department.region)


# --- lines -----------------------------------------------------------------------------------------------------------


def _line(candidate: _Candidate, roles: tuple[Role, ...], beside: Beside, law: Law) -> Line:
    measure = candidate.measure
    as_roles = tuple(role for role in roles if role in measure.target.roles)
    listed = beside.domains_listed if measure.target.distinct_domains > 1 else 1
    key = ("line", measure.measure_id, law.day, as_roles, listed)
    if (known := law.book.answers.get(key)) is None:
        law.book.answers[key] = known = _made_line(candidate, as_roles, listed)
    return known


def _made_line(candidate: _Candidate, as_roles: tuple[Role, ...], listed: int) -> Line:
    measure, instrument, basis = candidate.measure, candidate.instrument, candidate.basis
    assert instrument is not None and basis is not None  # the gate has judged them
    return Line(
        line_id=LineId(""),
        measure_id=measure.measure_id,
        measure_version=measure.version,
        text_zh=measure.text_zh,
        kind=measure.kind,
        force=measure.force,
        duty=measure.duty,
        works=measure.works,
        matters=measure.matters,
        instrument_id=instrument.instrument_id,
        instrument_version=instrument.version,
        basis=f"{basis.document} {basis.article}".strip(),
        basis_valid_to=basis.valid_to,
        on_end=measure.on_end,
        on_error=measure.on_error,
        nothing_to_undo_because=measure.nothing_to_undo_because,
        answer_within_days=measure.answer_within_days,
        undo_within_days=measure.undo_within_days,
        as_roles=as_roles,
        domains_listed=listed,
    )


def _directive(implementer: Implementer, measure: Measure, template: Line) -> Directive:
    category: CategoryId | None = implementer.category_id
    line = template.model_copy(update={"implementer_category": category}) if category else template
    return Directive(implementer.department_id, measure, line)


# --- what stands beside ----------------------------------------------------------------------------------------------


def domains_listed(entries: Iterable[Entry], kind: ListKind) -> int:
    """On how many distinct domains' lists of one kind. Lists of third parties do not count."""
    return len({e.domain_id for e in entries if e.list_kind is kind and e.origin is not Origin.THIRD_PARTY})


def is_punishment(kind: MeasureKind) -> bool:
    """Suspension touches punishments only (row 16)."""
    return kind is MeasureKind.DISCIPLINE
