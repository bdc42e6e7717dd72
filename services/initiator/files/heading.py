"""The heading of a file: which row it is, and which cell of a row belongs to which column.

Of a file without a heading nothing is repeated: its first row holds names and numbers of persons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.initiator.files.columns import COLUMNS, REQUIRED, known, layout
from services.initiator.files.reading import Record
from shared.contracts.event import DepartmentId
from shared.rejection import Fault, reject, reject_all

TITLE_ROWS = 5
"""Rows above the heading that may be a title: rows with at most two filled cells, as spreadsheets print them."""
_TITLE_CELLS = 2
_LEAST_KNOWN = 2
"""Headings by which a row is recognised as the heading."""
_SEPARATORS = {";": ";", "\t": "TAB", "|": "|", "，": "，", "；": "；", "、": "、"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one file, and the department that imports it.

    `places`: the index of each of `COLUMNS` in a row, -1 for an absent column. `width`: the number of cells of the heading,
    without blank ones at its end. `unnamed`: the indexes of blank headings between others.
    """

    places: tuple[int, ...]
    width: int
    department: DepartmentId
    unnamed: tuple[int, ...] = ()

    def values(self, cells: Sequence[str]) -> list[str]:
        """The values of a row in the order of `COLUMNS`; an empty text for an absent column."""
        return [cells[place].strip() if place >= 0 else "" for place in self.places]

    def column(self, place: int) -> str | None:
        """The column of a cell with this index."""
        return COLUMNS[self.places.index(place)] if place in self.places else None


def whole_layout(department: DepartmentId) -> Layout:
    """Every column in its own order: lines of JSON."""
    return Layout(tuple(range(len(COLUMNS))), len(COLUMNS), department)


def find_heading(rows: Sequence[Record], department: DepartmentId) -> tuple[Layout, int]:
    """The layout, and how many of these first rows are title and heading.

    Raises Rejected: `heading_missing`, `separator_wrong`, `columns_missing`, `columns_unknown`, `columns_twice`.
    """
    for place, row in enumerate(rows[: TITLE_ROWS + 1]):
        if row.fault is None and len(known(row.cells)) >= _LEAST_KNOWN:
            if any(not _is_title(above) for above in rows[:place]):
                raise reject("heading_not_first", "file", line=row.line)
            return _layout(row.cells, department), place + 1
    if rows:
        _refuse_separator(rows[0])
        raise reject("heading_missing", "file", line=rows[0].line, columns=list(REQUIRED))
    raise reject("file_without_rows", "file")


def _is_title(row: Record) -> bool:
    return row.fault is None and sum(bool(cell.strip()) for cell in row.cells) <= _TITLE_CELLS


def _refuse_separator(row: Record) -> None:
    text = ",".join(row.cells)[:10_000]
    for mark, name in _SEPARATORS.items():
        if len(known(text.split(mark))) >= _LEAST_KNOWN:
            raise reject("separator_wrong", "file", separator=name)


def _layout(headings: Sequence[str], department: DepartmentId) -> Layout:
    """Raises Rejected with the missing, unknown and repeated columns."""
    width = max(place for place, heading in enumerate(headings, start=1) if heading.strip())
    named = headings[:width]
    places, faults = layout(named)
    reject_all([Fault(fault.code, "file", fault.facts) for fault in faults])
    return Layout(places, width, department, tuple(p for p, heading in enumerate(named) if not heading.strip()))
