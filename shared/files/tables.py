"""Tables as files, written page by page, so that memory does not grow with the number of rows: CSV, and workbooks (XLSX)."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

import openpyxl
from openpyxl.cell import WriteOnlyCell

from shared.files.csv_text import BYTE_ORDER_MARK, csv_line, no_formula

CSV_MEDIA = "text/csv; charset=utf-8"
XLSX_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PIECE = 64 * 1024


class TablePages(NamedTuple):
    """A table: its heading, and its rows in pages."""

    heading: Sequence[str]
    pages: AsyncIterator[Sequence[Sequence[str]]]


async def as_csv(table: TablePages) -> AsyncIterator[str]:
    """A heading and the rows. With a byte order mark, so that spreadsheet programs read Chinese, and with no formula."""
    yield BYTE_ORDER_MARK + csv_line(table.heading)
    async for rows in table.pages:
        yield "".join(csv_line(map(no_formula, row)) for row in rows)


async def as_workbook(sheets: Mapping[str, TablePages]) -> AsyncIterator[bytes]:
    """One sheet per table, by name, written to disk row by row. All cells are text, so no cell is a formula."""
    book = openpyxl.Workbook(write_only=True)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(list(table.heading))
        async for rows in table.pages:
            for row in rows:
                sheet.append([_text(sheet, cell) for cell in row])
    with tempfile.TemporaryFile() as file:
        await asyncio.to_thread(book.save, file)  # compresses all rows: other requests go on meanwhile
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _text(sheet: Any, value: str) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell
