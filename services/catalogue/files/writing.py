"""The law book as a file that can be imported again: YAML, CSV of one kind, or a workbook with a sheet for each kind."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import yaml

from services.catalogue.files.rows import MODELS, columns, sheet_of, to_row
from shared.contracts.event import Contract
from shared.contracts.lawbook import ItemKind
from shared.files import tables
from shared.files.tables import TablePages

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


def as_csv(kind: ItemKind, pages: Pages) -> AsyncIterator[str]:
    """A heading and a row per item."""
    return tables.as_csv(_table(sheet_of(kind), pages))


def as_workbook(pages: Mapping[str, Pages]) -> AsyncIterator[bytes]:
    """One sheet per kind."""
    return tables.as_workbook({sheet: _table(sheet, of_kind) for sheet, of_kind in pages.items()})


def _table(sheet: str, pages: Pages) -> TablePages:
    return TablePages(list(columns(MODELS[sheet])), _rows(pages))


async def _rows(pages: Pages) -> AsyncIterator[Sequence[Sequence[str]]]:
    async for items in pages:
        yield [to_row(item) for item in items]
