"""From a file to items with their places: `measures[3]` of a YAML file, `line[7]` of a CSV file, `measures.line[7]` of a sheet.

A file is read as a whole or refused as a whole, with every fault. The heading is line 1.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, cast

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from services.catalogue.domain.content import Placed, PlacedEnd, Retirement
from services.catalogue.files import strict_yaml
from services.catalogue.files.rows import MODELS, CellUnreadable, from_row, heading_faults
from shared.contracts.event import Contract
from shared.files.workbook import open_workbook, text_rows
from shared.lawbook.items import Item
from shared.rejection import Fault, reject, reject_all
from shared.web.validation import faults_of
from shared.web.wording import Wording

MOST_ROWS = 20_000
"""Items of one file."""
MOST_FAULTS = 1_000
"""Reported faults of one file."""
LARGEST_WORKBOOK = 256 * 1024**2
"""Bytes of a workbook after decompression."""

_WORDING = Wording.load(())


class FileForm(StrEnum):
    """The formats of files."""

    YAML = "yaml"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass
class Read:
    """The items, retirements and faults of a file."""

    items: list[Placed] = field(default_factory=list[Placed])
    ends: list[PlacedEnd] = field(default_factory=list[PlacedEnd])
    faults: list[Fault] = field(default_factory=list[Fault])

    def take(self, sheet: str, place: tuple[str | int, ...], given: object) -> None:
        """Add what is given at a place, as an item or retirement of this sheet; or add its faults."""
        if len(self.items) + len(self.ends) >= MOST_ROWS:
            raise reject("file_too_many_rows", "file", limit=MOST_ROWS)
        try:
            parsed = TypeAdapter[Any](MODELS[sheet]).validate_python(given, extra="forbid")
        except ValidationError as error:
            self.faults += _faults(place, error)
            return
        name = _name(place)
        if isinstance(parsed, Retirement):
            self.ends.append(PlacedEnd(name, parsed))
        else:
            self.items.append(Placed(name, cast("Item", parsed)))

    def whole(self) -> "Read":
        """Itself. Raises Rejected with the faults, or `file_without_rows`."""
        reject_all(self.faults[:MOST_FAULTS])
        if not self.items and not self.ends:
            raise reject("file_without_rows", "file")
        return self


def _name(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _faults(place: tuple[str | int, ...], error: ValidationError) -> tuple[Fault, ...]:
    found = [{**details, "loc": ("body", *place, *details["loc"])} for details in error.errors(include_input=False)]
    return faults_of(RequestValidationError(found), _WORDING)


def read(file: BinaryIO, sheet: str | None) -> Read:
    """The items of a file; its format is recognised by its content. `sheet`: the kind of the rows of a CSV file.

    Raises Rejected with every fault.
    """
    start = file.read(4)
    file.seek(0)
    if not start:
        raise reject("file_empty", "file")
    if start.startswith(b"PK\x03\x04"):
        return _workbook(file).whole()
    text = _text(file.read())
    return (_csv(text, sheet) if sheet is not None else _yaml(text)).whole()


def _text(content: bytes) -> str:
    """UTF-8 (with or without a byte order mark), or GBK as GB 18030. No other encoding is tried."""
    if b"\0" in content:
        raise reject("file_binary", "file")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise reject("file_encoding", "file")


# --- YAML


def _yaml(text: str) -> Read:
    return book_of(strict_yaml.load(text))


def book_of(tree: object) -> Read:
    """The items of a mapping by kind: `{measures: [{measure_id: …}]}`."""
    found = Read()
    if not isinstance(tree, dict):
        raise reject("file_not_a_law_book", "file", kinds=list(MODELS))
    for name, rows in cast("Mapping[str, object]", tree).items():
        if name not in MODELS:
            found.faults.append(Fault("kind_unknown", "file", {"kind": name[:100]}))
        elif not isinstance(rows, list):
            found.faults.append(Fault("kind_not_a_list", name))
    for name in MODELS:
        rows = cast("Mapping[str, object]", tree).get(name)
        for nth, given in enumerate(cast("list[object]", rows) if isinstance(rows, list) else ()):
            found.take(name, (name, nth), given)
    return found


# --- CSV


def _csv(text: str, sheet: str) -> Read:
    found = Read()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        _rows(found, sheet, (), _numbered(reader))
    except csv.Error:
        raise reject("row_unreadable", f"line[{reader.line_num}]") from None
    return found


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line on which it begins: a quoted cell may have several lines."""
    begin = 1
    for cells in reader:
        yield begin, cells
        begin = reader.line_num + 1


def _rows(found: Read, sheet: str, place: tuple[str, ...], rows: Iterable[tuple[int, Sequence[str]]]) -> None:
    model = MODELS[sheet]
    heading: list[str] | None = None
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        here = (*place, "line", line)
        if heading is None:
            heading = [cell.strip() for cell in cells]
            bad_columns = [Fault(f.code, _name(here), f.facts) for f in heading_faults(model, heading)]
            found.faults += bad_columns
            if bad_columns:
                return
        elif len(cells) > len(heading) and any(cell.strip() for cell in cells[len(heading) :]):
            found.faults.append(Fault("row_too_long", _name(here), {"columns": len(heading)}))
        else:
            _row(found, sheet, here, model, heading, cells)


def _row(
    found: Read,
    sheet: str,
    here: tuple[str | int, ...],
    model: type[Contract],
    heading: Sequence[str],
    cells: Sequence[str],
) -> None:
    try:
        found.take(sheet, here, from_row(model, heading, cells))
    except CellUnreadable as unreadable:
        found.faults.append(Fault("cell_unreadable", f"{_name(here)}.{unreadable.column}"))


# --- XLSX


def _workbook(file: BinaryIO) -> Read:
    """Every sheet with the name of a kind. Other sheets are refused, because ignoring them would go unnoticed."""
    found = Read()
    for sheet in open_workbook(file, LARGEST_WORKBOOK).worksheets:
        name = sheet.title.strip()
        if name in MODELS:
            _rows(found, name, (name,), enumerate(text_rows(sheet), start=1))
        else:
            found.faults.append(Fault("kind_unknown", "file", {"kind": name[:100]}))
    return found
