"""What a cell of a worksheet says, as text; or why it says nothing that can be relied on."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

DIGITS_KEPT = 15
"""A number cell holds 15 digits. The digits behind them are lost, and zeros stand in their place."""

_WHOLE = re.compile(r"-?\d{1,15}")
_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(50, 59)))
"""Built-in formats of dates (ECMA-376, 18.8.30), with those of Chinese editions."""
_NO_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]')
"""Parts of a format code that are no placeholders: texts, escapes, colours, conditions."""
_MOST_STYLES = 70_000
_LAST_SERIAL = 2_958_465
"""9999-12-31."""


class CellFault(NamedTuple):
    """Why a cell cannot be taken: the code of a fault, and its facts."""

    code: str
    facts: dict[str, object]


Cell = str | CellFault


@dataclass(frozen=True, slots=True)
class Styles:
    """`dates`: the numbers of styles that show a number as a date. `old_calendar`: days are counted from 1904."""

    dates: frozenset[int]
    old_calendar: bool


class StyleReader:
    """Reads `styles.xml`."""

    def __init__(self) -> None:
        self._codes: dict[int, str] = {}
        self._formats: list[int] = []
        self._in_cells = False

    def start(self, name: str, given: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "numFmt":
            self._codes[int(given["numFmtId"])] = given["formatCode"][:500]
        elif tag == "cellXfs":
            self._in_cells = True
        elif tag == "xf" and self._in_cells:
            self._formats.append(int(given.get("numFmtId", "0")))
        if len(self._formats) > _MOST_STYLES or len(self._codes) > _MOST_STYLES:
            raise ValueError("too many styles")

    def end(self, name: str) -> None:
        if name.rpartition(":")[2] == "cellXfs":
            self._in_cells = False

    def data(self, text: str) -> None:
        """No texts."""

    def done(self, old_calendar: bool) -> Styles:
        dates = {nth for nth, number in enumerate(self._formats) if self._is_date(number)}
        return Styles(frozenset(dates), old_calendar)

    def _is_date(self, number: int) -> bool:
        if number not in self._codes:
            return number in _DATE_FORMATS
        code = _NO_LETTERS.sub("", self._codes[number].partition(";")[0].lower())
        return "y" in code or "d" in code or ("m" in code and "h" not in code and "s" not in code)


def cell_of(kind: str, style: int, value: str, styles: Styles) -> Cell:
    """The cell with this type (`n`, `b`, `e`, `d`), style and stored value."""
    match kind:
        case "b":
            return "true" if value.strip() in ("1", "true") else "false"
        case "e":
            return CellFault("cell_error", {"value": value.strip()[:20]})
        case "d":
            return value.strip()
        case _:
            return _number(value.strip(), style in styles.dates, styles.old_calendar)


def _number(value: str, is_date: bool, old_calendar: bool) -> Cell:
    if is_date:
        return _day(value, old_calendar)
    if _WHOLE.fullmatch(value):
        return str(int(value))
    number = float(value)
    if not abs(number) < 10**DIGITS_KEPT:
        return CellFault("cell_digits_lost", {"digits": DIGITS_KEPT})
    return str(int(number)) if number.is_integer() else repr(number)


def _day(value: str, old_calendar: bool) -> Cell:
    """The day; its time of day is dropped, as the cell has no time zone and most formats do not show it."""
    number = float(value)
    serial = number // 1 + (1_462 if old_calendar else 0)
    if not 1 <= serial <= _LAST_SERIAL:
        return CellFault("cell_date_out_of_range", {})
    # The calendar of 1900 has a 29 February that never was: serial 60.
    first = date(1899, 12, 30) if serial > 60 else date(1899, 12, 31)
    return (first + timedelta(days=int(serial))).isoformat()
