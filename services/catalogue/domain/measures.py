"""The rules of a measure: its references exist, it names a legal basis, implementers, and what must be undone."""

from collections.abc import Container, Iterator, Sequence

from shared.contracts.lawbook import (
    ItemKind,
    Measure,
    Undoing,
)
from shared.lawbook.book import LawBook
from shared.rejection import Fault


def measure_faults(book: LawBook, measure: Measure) -> Iterator[Fault]:
    """Every fault of a measure. `book`: the book that would result, with the measure in it."""
    yield from unknown_ids("implementers", measure.implementers, book.departments, "unknown_department")
    yield from unknown_ids(
        "implementer_categories", measure.implementer_categories, book.categories, "unknown_category"
    )
    yield from unknown_ids("target.domains", measure.target.domains, book.domains, "unknown_domain")
    yield from _unknown_grades(book, measure)
    if book.matters:  # while the book has no directory of matters, any code may be used
        yield from unknown_ids("matters", measure.matters, book.matters, "unknown_matter")
    yield from unknown_ids("basis_ids", measure.basis_ids, book.current(ItemKind.BASES), "unknown_basis")
    if book.instrument(measure.instrument_id) is None:
        yield Fault("unknown_instrument", "instrument_id", {"id": measure.instrument_id})
    yield from _copied(book, measure)
    yield from _basis_faults(measure)
    if Undoing.NOTHING in (measure.on_end, measure.on_error) and not measure.nothing_to_undo_because.strip():
        yield Fault("undoing_unexplained", "nothing_to_undo_because")
    if measure.published and not _has_implementers(book, measure):  # row 5: a published measure has an implementer
        yield Fault("published_without_implementers", "implementers")


def unknown_ids(field: str, ids: Sequence[str], known: Container[str], code: str) -> Iterator[Fault]:
    """A fault with this code for each id that is not among the known ones."""
    return (Fault(code, f"{field}[{nth}]", {"id": item_id}) for nth, item_id in enumerate(ids) if item_id not in known)


def _basis_faults(measure: Measure) -> Iterator[Fault]:
    for nth, basis in enumerate(measure.basis):
        if basis.valid_to is not None and basis.valid_to < basis.valid_from:
            yield Fault("end_before_start", f"basis[{nth}].valid_to")
    if not measure.basis and not measure.basis_ids:  # row 4: the list of measures names the legal basis of each
        yield Fault("missing_basis", "basis")


def _has_implementers(book: LawBook, measure: Measure) -> bool:
    """Named ones, or members of a category that the measure names."""
    in_effect = book.measure(measure.measure_id, measure.version)
    return bool(measure.implementers) or bool(in_effect and in_effect.implementers)


def _unknown_grades(book: LawBook, measure: Measure) -> Iterator[Fault]:
    """A grade is a code of a domain, or of a policy of the jurisdiction (row 7). A grade that neither has could never match."""
    if not measure.target.grades:
        return
    targeted = measure.target.domains or tuple(book.domains)
    of_domains = {grade.code for d in targeted if (domain := book.domain(d)) for grade in domain.grades}
    of_policies = {tier.code for p in book.policies if p.substance.grades for tier in p.substance.grades.value}
    known = of_domains | of_policies
    for nth, code in enumerate(measure.target.grades):
        if code not in known:
            yield Fault("unknown_grade", f"target.grades[{nth}]", {"grade": code, "grades": sorted(known)})


def _copied(book: LawBook, measure: Measure) -> Iterator[Fault]:
    """An instrument that follows one of a level above (遵照执行) does not repeat its measures (row 6)."""
    instrument = book.instrument(measure.instrument_id)
    if instrument is None or not instrument.follows:
        return
    for other in book.measures_under(measure.instrument_id):
        if other.instrument_id != measure.instrument_id and other.text_zh == measure.text_zh:
            yield Fault("measure_copied", "text_zh", {"id": other.measure_id, "instrument": other.instrument_id})
