"""Workbooks (XLSX) from outside: opened within a size limit, read as text, refused if damaged.

This module does not interpret sheets. Every error of the libraries becomes `file_not_a_workbook`: a damaged file makes them raise
errors of many types, some of them only at the damaged row.
"""

import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO

import openpyxl

from shared.rejection import Rejected, reject


def open_workbook(file: BinaryIO, max_bytes: int) -> openpyxl.Workbook:
    """A workbook to read row by row. Raises Rejected: `file_too_large`, `file_not_a_workbook`.

    `max_bytes`: limit of the unpacked size; a small file can contain a very large one.
    """
    with _damage_rejected():
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > max_bytes:
                raise reject("file_too_large", "file", limit=max_bytes)
        file.seek(0)
        return openpyxl.load_workbook(file, read_only=True, data_only=True)


def text_rows(sheet: Any) -> Iterator[list[str]]:
    """All rows of a sheet as text, empty rows included. Raises Rejected: `file_not_a_workbook`.

    The first row with text is the heading; its empty last cells are dropped. Shorter rows are filled up to its width.
    """
    width = 0
    with _damage_rejected():
        sheet.reset_dimensions()  # the stored dimensions may be wrong, and rows beyond them would be lost
        for values in sheet.iter_rows(values_only=True):
            cells = [cell_text(value) for value in values]
            if not width:
                cells = _without_empty_tail(cells)
                width = len(cells)
            yield cells + [""] * (width - len(cells))


def _without_empty_tail(cells: list[str]) -> list[str]:
    last = max((nth for nth, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    return cells[:last]


def cell_text(value: object) -> str:
    """A cell as text: a date as YYYY-MM-DD, a whole number without a decimal point."""
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
def _damage_rejected() -> Generator[None]:
    try:
        yield
    except Rejected:
        raise
    except Exception as error:
        raise reject("file_not_a_workbook", "file") from error
