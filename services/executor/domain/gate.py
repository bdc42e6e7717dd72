"""The basis gate (row 5): when a punishment is applied, it is tested again by the law book of that time."""

from datetime import date

from shared.contracts.lawbook import MeasureKind
from shared.contracts.response import Line, RefusalReason
from shared.lawbook.book import LawBook


def refusal_reason(line: Line, book: LawBook, day: date) -> RefusalReason | None:
    """Why the line must not be applied on that day (Asia/Shanghai); None when it may. Incentives always pass.

    The gate tests the version of the measure that is in effect on that day: a measure that was withdrawn or retired after the
    line was directed bars the line (未经公布的信用惩戒措施不得实施, 004 四(三)).
    """
    if line.kind is not MeasureKind.DISCIPLINE:
        return None
    measure = book.measure_on(line.measure_id, day)
    if measure is None or not measure.published:
        return RefusalReason.UNPUBLISHED
    if measure.effective_to is not None and measure.effective_to < day:
        return RefusalReason.RETIRED
    if line.basis_valid_to is not None and line.basis_valid_to < day:
        return RefusalReason.BASIS_NOT_VALID
    if not any(basis.holds_on(day) for basis in measure.basis):
        return RefusalReason.BASIS_NOT_VALID  # the basis ended, or was retired, after the line was directed
    instrument = book.instrument_on(line.instrument_id, day)
    if instrument is None or not instrument.in_force_on(day):
        return RefusalReason.INSTRUMENT_NOT_IN_FORCE
    return None
