"""The basis gate (row 5, N2): only a measure that is published, bound to an instrument in force and to a basis valid on the day
of the decision is directed. A candidate is a measure, judged as far as that needs no entry."""

from dataclasses import dataclass
from datetime import date

from services.registry.domain.resolution import is_punishment
from shared.contracts.event import DomainId, LineId
from shared.contracts.lawbook import (
    Basis,
    Instrument,
    ListKind,
    Measure,
    Role,
)
from shared.contracts.response import Line, RefusalReason
from shared.lawbook.book import Implementer, LawBook


@dataclass(frozen=True, slots=True)
class Candidate:
    """A measure whose target includes a list and a domain, for one jurisdiction and one day."""

    measure: Measure
    instrument: Instrument | None
    basis: Basis | None
    """The first basis that is valid on the day."""
    stopped_by: RefusalReason | None
    implementers: tuple[Implementer, ...]
    punishment: bool
    matters: frozenset[str]


def candidates(
    book: LawBook, domain_id: DomainId, list_kind: ListKind, jurisdiction: str, day: date
) -> tuple[Candidate, ...]:
    """The candidates of a list. Measures of other regions' instruments are left out and not reported as refused."""
    regions = book.lineage(jurisdiction)
    judged = [_candidate(book, measure, jurisdiction, day) for measure in book.measures_for(domain_id, list_kind, day)]
    return tuple(c for c in judged if c.instrument is None or c.instrument.region in regions)


def _candidate(book: LawBook, measure: Measure, jurisdiction: str, day: date) -> Candidate:
    instrument = book.instrument_on(measure.instrument_id, day)
    basis = next((basis for basis in measure.basis if basis.holds_on(day)), None)
    return Candidate(
        measure=measure,
        instrument=instrument,
        basis=basis,
        stopped_by=stopped_by(measure, instrument, basis, day),
        implementers=book.implementers_of(measure, jurisdiction),
        punishment=is_punishment(measure.kind),
        matters=frozenset(measure.matters),
    )


def stopped_by(measure: Measure, instrument: Instrument | None, basis: Basis | None, day: date) -> RefusalReason | None:
    """The first reason for which a measure may not be directed on a decision of this day; None when there is none."""
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


def line_of(candidate: Candidate, as_roles: tuple[Role, ...], domains: int) -> Line:
    """The line that directs a candidate that passed the gate. `domains`: on how many domains' lists the subject is.

    Its id, the day by which it was judged, and the implementer's category are filled in later.
    """
    measure, instrument, basis = candidate.measure, candidate.instrument, candidate.basis
    assert instrument is not None and basis is not None  # the gate has checked them
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
        domains_listed=domains,
    )
