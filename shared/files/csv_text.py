"""Lines of CSV files that people open in spreadsheet programs."""

import csv
import io
import re
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""At the start of a file: by this mark spreadsheet programs detect UTF-8."""

_FORMULA = re.compile("'*[=+\\-@＝＋－＠\t\r\n]")
"""What a spreadsheet program evaluates, with the quotes before it: so that a written quote can be taken away."""


def csv_line(cells: Iterable[str], end: str = "\r\n") -> str:
    """One line, with this line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerow(cells)
    return out.getvalue()


def no_formula(text: str) -> str:
    """The text with a leading quote where a spreadsheet program would evaluate it as a formula. `as_written` takes it away."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(text: str) -> str:
    """The text that `no_formula` got. A quote before anything but a formula belongs to the text."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
