"""An item as a row of a sheet, and back: one column per field, `target.lists` for a field of its target.

A list of ids is written as `a; b` in its cell. A value with parts (bases, grades, settings) is written as JSON.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast, get_args, get_origin

import orjson

from services.catalogue.domain.content import Retirement, field_of
from shared.contracts.event import Contract
from shared.contracts.lawbook import (
    ItemKind,
    Target,
)
from shared.files.csv_text import as_written
from shared.files.strict_json import strict_json
from shared.lawbook.items import SHAPES
from shared.rejection import Fault

_SEPARATORS = re.compile(r"[;；\n]")
_UNFOLDED: tuple[type[Contract], ...] = (Target,)
"""Parts of an item whose fields are columns."""


class Retirements(StrEnum):
    """The kind of rows that are no items: retirements."""

    RETIREMENTS = "retirements"


MODELS: Mapping[str, type[Contract]] = {
    **{field_of(kind): shape.model for kind, shape in SHAPES.items()},
    Retirements.RETIREMENTS.value: Retirement,
}
"""Name of the sheet → model of its rows."""


def sheet_of(kind: ItemKind) -> str:
    """The name of the sheet with the items of a kind."""
    return field_of(kind)


@lru_cache
def columns(model: type[Contract]) -> Mapping[str, bool]:
    """The columns of a model in their order, and which of them hold lists."""
    return dict(_columns(model, ""))


def _columns(model: type[Contract], path: str) -> Iterator[tuple[str, bool]]:
    for name, field in model.model_fields.items():
        part: object = field.annotation
        if isinstance(part, type) and issubclass(part, _UNFOLDED):
            yield from _columns(part, f"{path}{name}.")
        else:
            yield f"{path}{name}", _is_list(cast("object", part))


def _is_list(annotation: object) -> bool:
    """Whether a field is a list of single values."""
    if get_origin(annotation) is not tuple:
        return False
    inner = get_args(annotation)[0]
    return not (isinstance(inner, type) and issubclass(inner, Contract))


def to_row(item: Contract) -> list[str]:
    """The cells of an item, in the order of `columns`."""
    dumped = item.model_dump(mode="json")
    return [_cell(_at(dumped, column), is_list) for column, is_list in columns(type(item)).items()]


def _at(dumped: Mapping[str, Any], column: str) -> object:
    value: Any = dumped
    for step in column.split("."):
        value = value[step]
    return value


def _cell(value: object, is_list: bool) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case _:
            parts = cast("Sequence[object]", value)
            if not parts:
                return ""
            plain = is_list and all(isinstance(part, str) and part and _needs_no_json(part) for part in parts)
            return "; ".join(map(str, parts)) if plain else orjson.dumps(value).decode()


def _needs_no_json(text: str) -> bool:
    """Whether the text is read back unchanged from a list `a; b`."""
    return text == text.strip() and not _SEPARATORS.search(text) and text[0] not in "[{"


def from_row(model: type[Contract], heading: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """The fields of a row. An empty cell gives no field; of a list, an empty list. Raises `CellUnreadable`."""
    given: dict[str, Any] = {}
    known = columns(model)
    for column, cell in zip(heading, cells, strict=False):
        text = as_written(cell.strip())
        if text and column:
            _put(given, column, _value(column, text, known.get(column, False)))
        elif known.get(column, False):
            _put(given, column, [])
    return given


class CellUnreadable(ValueError):
    """A cell begins like JSON but is not JSON."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def _value(column: str, text: str, is_list: bool) -> object:
    if text[0] in "[{":
        try:
            return strict_json(text)
        except ValueError:
            raise CellUnreadable(column) from None
    if is_list:
        return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    return text


def _put(given: dict[str, Any], column: str, value: object) -> None:
    *parents, last = column.split(".")
    for step in parents:
        given = given.setdefault(step, {})
    given[last] = value


def heading_faults(model: type[Contract], heading: Sequence[str]) -> Iterator[Fault]:
    """`column_unknown` for columns that the model does not have, `column_twice` for repeated ones."""
    for nth, column in enumerate(heading):
        if column and column not in columns(model):
            yield Fault("column_unknown", None, {"column": column[:100]})
        elif column and column in heading[:nth]:
            yield Fault("column_twice", None, {"column": column})
