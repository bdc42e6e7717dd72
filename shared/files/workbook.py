"""Workbooks (XLSX) as they come from outside: opened within a bound, read as text, refused when they are damaged.

Nothing is known of what a sheet means. Whatever a damaged file makes the libraries raise is `file_not_a_workbook`: they raise
errors of many kinds, and some only at the row where the damage is.
"""

import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO

import openpyxl

from shared.rejection import Rejected, reject


def open_workbook(file: BinaryIO, largest: int) -> openpyxl.Workbook:
    """A workbook to read row by row. Raises Rejected: `file_too_large`, `file_not_a_workbook`.

    `largest`: bytes to which it may unfold; a small file can hold a very large one.
    """
    with _damage_refused():
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > largest:
                raise reject("file_too_large", "file", limit=largest)
        file.seek(0)
        return openpyxl.load_workbook(file, read_only=True, data_only=True)


def text_rows(sheet: Any) -> Iterator[list[str]]:
    """The rows of a sheet from its first line on, empty ones too, as text. Raises Rejected: `file_not_a_workbook`.

    The first row that says anything is the heading, without empty cells behind it; shorter rows are filled up to its width.
    """
    width = 0
    with _damage_refused():
        sheet.reset_dimensions()  # what a sheet says of its size need not be true, and rows beyond it would be lost
        for values in sheet.iter_rows(values_only=True):
            cells = [cell_text(value) for value in values]
            if not width:
                cells = _without_tail(cells)
                width = len(cells)
            yield cells + [""] * (width - len(cells))


def _without_tail(cells: list[str]) -> list[str]:
    last = max((nth for nth, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    return cells[:last]


def cell_text(value: object) -> str:
    """A cell as text: a day as YYYY-MM-DD, a whole number without a point."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


@contextmanager
def _damage_refused() -> Generator[None]:
    try:
        yield
    except Rejected:
        raise
    except Exception as error:
        raise reject("file_not_a_workbook", "file") from error
