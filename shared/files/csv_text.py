"""Lines of CSV files that people open in spreadsheet programs."""

import csv
import io
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""At the start of a file: by this mark spreadsheet programs detect UTF-8."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[str], end: str = "\r\n") -> str:
    """One line, with this line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerow(cells)
    return out.getvalue()


def no_formula(text: str) -> str:
    """The text with a leading quote where a spreadsheet program would evaluate it as a formula.

    Not for files that are imported again: the quote would become part of the value.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
