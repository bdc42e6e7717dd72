"""Rows as CSV text that spreadsheet programs open safely."""

import csv
import io
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""The first character of a CSV file: spreadsheet programs recognise UTF-8 by it."""

LINE_END = "\r\n"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Iterable[str]], end: str = LINE_END) -> str:
    """These rows, one on each line."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()


def line(cells: Iterable[str], end: str = LINE_END) -> str:
    """One row."""
    return lines((cells,), end)


def no_formula(cell: str) -> str:
    """The cell with a leading quote if a spreadsheet program could run it as a formula.

    Not for files that are imported again: the quote would become part of the value.
    """
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
