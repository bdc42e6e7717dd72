"""The State Council's notice of holidays (国务院办公厅关于部分节假日安排的通知) as data of a site: a CSV file (UTF-8).

    year,day,kind,document_number
    2099,2099-01-01,off,示例发电〔2098〕1号
    2099,2099-01-04,work,示例发电〔2098〕1号

`kind`: `off` (放假), or `work` for a Saturday or Sunday on which people work (调休上班). A notice may name days of the December
before its year. It is complete: every day off that is not a Saturday or Sunday, and every make-up day.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_COLUMNS = ["year", "day", "kind", "document_number"]
_SATURDAY = 5
_SPRING_FESTIVAL = ((1, 20), (2, 28))
"""The days between which the spring festival lies."""
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
_LAST_YEAR = 2199


@dataclass(frozen=True, slots=True)
class Notice:
    """The holidays of one year."""

    year: int
    document_number: str
    days_off: frozenset[date]
    make_up_days: frozenset[date]


class BadNotice(Exception):
    """The file of notices is not usable. `faults`: one sentence each, with the line where there is one."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    year: int
    day: date
    works: bool
    document_number: str


def read_notices(file: Path) -> tuple[Notice, ...]:
    """The notices of a file, by year. Raises BadNotice."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadNotice([f"{file} cannot be read: {reason}"]) from None
    return parse_notices(text)


def parse_notices(text: str) -> tuple[Notice, ...]:
    """The notices in a CSV text, by year. Raises BadNotice with all faults."""
    lines = csv.reader(text.splitlines())
    if next(lines, None) != _COLUMNS:
        raise BadNotice([f"line 1: the columns are not {','.join(_COLUMNS)}"])
    faults: list[str] = []
    rows: list[_Row] = []
    for cells in lines:
        if any(cell.strip() for cell in cells):
            row = _row(lines.line_num, [cell.strip() for cell in cells])
            faults.append(row) if isinstance(row, str) else rows.append(row)
    faults += _contradictions(rows)
    notices = [_notice(year, [row for row in rows if row.year == year]) for year in sorted({row.year for row in rows})]
    if not faults:
        faults += [fault for notice in notices for fault in _missing(notice)]
    if not rows and not faults:
        faults.append("line 2: there is no notice")
    if faults:
        raise BadNotice(faults)
    return tuple(notices)


def _row(line: int, cells: list[str]) -> _Row | str:
    """The row, or its fault."""
    if len(cells) != len(_COLUMNS):
        return f"line {line}: {len(cells)} cells instead of {len(_COLUMNS)}"
    year_text, day_text, kind, document_number = cells
    if not (year_text.isascii() and year_text.isdigit() and len(year_text) == 4 and int(year_text) <= _LAST_YEAR):
        return f"line {line}: {year_text!r} is no year"
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        return f"line {line}: {day_text!r} is no day (YYYY-MM-DD)"
    year = int(year_text)
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        return f"line {line}: {day} is neither in {year} nor in the December before it"
    if kind not in ("off", "work"):
        return f"line {line}: kind is {kind!r}, not off or work"
    if kind == "work" and day.weekday() < _SATURDAY:
        return f"line {line}: {day} is neither a Saturday nor a Sunday, so it makes up for nothing"
    if not document_number:
        return f"line {line}: the document number is missing"
    return _Row(line, year, day, kind == "work", document_number)


def _contradictions(rows: list[_Row]) -> Iterator[str]:
    """A day that is named twice, and a year with two documents."""
    first: dict[date, int] = {}
    documents: dict[int, str] = {}
    for row in rows:
        if row.day in first:
            yield f"line {row.line}: {row.day} stands in line {first[row.day]} already"
        first.setdefault(row.day, row.line)
        if documents.setdefault(row.year, row.document_number) != row.document_number:
            yield f"line {row.line}: {row.year} has another document number, {documents[row.year]}"


def _notice(year: int, rows: list[_Row]) -> Notice:
    return Notice(
        year=year,
        document_number=rows[0].document_number,
        days_off=frozenset(row.day for row in rows if not row.works),
        make_up_days=frozenset(row.day for row in rows if row.works),
    )


def _missing(notice: Notice) -> Iterator[str]:
    """Holidays that every year has. Without them the notice is not complete, and deadlines would be wrong and look certain."""
    year = notice.year
    for month, day in _FIXED_HOLIDAYS:
        if date(year, month, day) not in notice.days_off:
            yield f"{year}: {date(year, month, day)} is not off, so the notice is not complete"
    first, last = (date(year, month, day) for month, day in _SPRING_FESTIVAL)
    if sum(first <= day <= last for day in notice.days_off) < 4:
        yield f"{year}: the spring festival is missing, so the notice is not complete"
