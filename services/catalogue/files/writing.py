"""The law book as a file that can be imported again: YAML, CSV of one kind, or a workbook with a sheet for each kind."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import openpyxl
import yaml
from openpyxl.cell import WriteOnlyCell

from services.catalogue.files.rows import MODELS, columns, sheet_of, to_row
from shared.contracts.event import Contract
from shared.contracts.lawbook import ItemKind
from shared.files.csv_text import BYTE_ORDER_MARK, csv_line, no_formula

_PIECE = 64 * 1024

Pages = AsyncIterator[Sequence[Contract]]


async def as_yaml(pages: Mapping[str, Pages]) -> AsyncIterator[str]:
    """Sheet by sheet, as lists under their names. Default values are left out."""
    for sheet, of_kind in pages.items():
        begun = False
        async for items in of_kind:
            if items and not begun:
                yield f"{sheet}:\n"
                begun = True
            for item in items:
                yield yaml_item(item)


def yaml_item(item: Contract) -> str:
    """One item of a YAML list."""
    dumped = item.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump([dumped], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)


class _Dumper(yaml.SafeDumper):
    """Quotes text that another reader could take for a number or a date, such as region codes. Writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


async def as_csv(kind: ItemKind, pages: Pages) -> AsyncIterator[str]:
    """A heading and a row per item. With a byte order mark, so that spreadsheets read Chinese."""
    yield BYTE_ORDER_MARK + csv_line(columns(MODELS[sheet_of(kind)]))
    async for items in pages:
        yield "".join(csv_line(map(no_formula, to_row(item))) for item in items)


async def as_workbook(pages: Mapping[str, Pages]) -> AsyncIterator[bytes]:
    """One sheet per kind, written to disk row by row. All cells are text, so no cell is a formula."""
    book = openpyxl.Workbook(write_only=True)
    for name, of_kind in pages.items():
        sheet = book.create_sheet(name)
        sheet.append(list(columns(MODELS[name])))
        async for items in of_kind:
            for item in items:
                sheet.append([_text(sheet, cell) for cell in to_row(item)])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _text(sheet: Any, value: str) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell
