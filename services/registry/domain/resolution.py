"""Which measures follow from a subject's file by the law book: pure, deterministic, each with its reason.

The basis gate (row 5, N2) stands here: only a measure that is published, bound to an instrument in force and to a basis
valid on the day of the decision is directed. What it stops is a refusal with its reason, and nobody executes it.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import Basis, Instrument, ListKind, Measure, MeasureKind, Role, Target
from shared.contracts.listing import Entry
from shared.contracts.response import RefusalReason
from shared.lawbook.book import LawBook, governs

_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Directive:
    """A measure that one department is to apply because of one entry."""

    department: DepartmentId
    measure: Measure
    instrument: Instrument
    basis: Basis


@dataclass(frozen=True, slots=True)
class Refusal:
    """A measure that targets the subject and did not pass the gate."""

    measure: Measure
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Resolution:
    directives: tuple[Directive, ...]
    refusals: tuple[Refusal, ...]


def resolve(entry: Entry, roles: tuple[Role, ...], domains_listed: int, book: LawBook) -> Resolution:
    """What follows from one entry for the listed subject (no `roles`) or for a person responsible for it.

    `domains_listed`: on how many distinct domains' lists of this kind the subject stands, this entry's included (row 8).
    Measures are judged as they stood on the day of the decision: a later, harsher version does not reach back.
    """
    profile = _profile(entry, roles, domains_listed)
    if (known := book.answers.get(profile)) is not None:
        return known
    if len(book.answers) >= _MOST_REMEMBERED:
        book.answers.clear()
    book.answers[profile] = resolved = _resolve(entry, roles, domains_listed, book)
    return resolved


def _profile(entry: Entry, roles: tuple[Role, ...], domains_listed: int) -> Hashable:
    """All of an entry that a resolution looks at: entries that agree in it have the same measures."""
    return (
        *(entry.domain_id, entry.list_kind, entry.decision.decided_on, entry.grade, entry.jurisdiction),
        *(entry.subject.kind, entry.able_but_unwilling, roles, domains_listed),
    )


def _resolve(entry: Entry, roles: tuple[Role, ...], domains_listed: int, book: LawBook) -> Resolution:
    directives: list[Directive] = []
    refusals: list[Refusal] = []
    day = entry.decision.decided_on
    for measure in book.measures_for(entry.domain_id, entry.list_kind, day):
        instrument = book.instrument_on(measure.instrument_id, day)
        if not _reaches(measure.target, entry, roles, domains_listed):
            continue
        if instrument is not None and not governs(instrument.region, entry.jurisdiction):
            continue
        basis = next((basis for basis in measure.basis if basis.holds_on(day)), None)
        reason = _stopped_by(measure, instrument, basis, day)
        if reason is None and instrument is not None and basis is not None:
            directives.extend(Directive(d, measure, instrument, basis) for d in _implementers(measure))
        elif reason is not None:
            refusals.append(Refusal(measure, reason))
    return Resolution(tuple(directives), tuple(refusals))


def _reaches(target: Target, entry: Entry, roles: tuple[Role, ...], domains_listed: int) -> bool:
    """Whether the measure is aimed at this subject in this capacity; every condition has to hold."""
    aimed_at_capacity = any(role in target.roles for role in roles) if roles else target.reaches_subject
    return (
        aimed_at_capacity
        and (not target.grades or entry.grade in target.grades)
        and (not target.subject_kinds or bool(roles) or entry.subject.kind in target.subject_kinds)
        and (entry.able_but_unwilling or not target.able_but_unwilling)
        and domains_listed >= target.distinct_domains
    )


def _stopped_by(
    measure: Measure, instrument: Instrument | None, basis: Basis | None, day: date
) -> RefusalReason | None:
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
    return None if measure.implementers else RefusalReason.NO_IMPLEMENTER


def _implementers(measure: Measure) -> Iterator[DepartmentId]:
    return iter(dict.fromkeys(measure.implementers))


def domains_listed(entries: Iterable[Entry], kind: ListKind) -> int:
    """On how many distinct domains' lists of one kind."""
    return len({entry.domain_id for entry in entries if entry.list_kind is kind})


def is_punishment(kind: MeasureKind) -> bool:
    """Suspension touches punishments only (row 16)."""
    return kind is MeasureKind.DISCIPLINE
