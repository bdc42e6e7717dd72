"""From the bytes of a file to its rows: the inside of the child process that reads a file (`opening.py` starts it).

Lines are counted as in a text editor: the heading is line 1 (after a byte order mark). The line of a row is the line on which
it begins, also after rows with quoted line breaks. Nothing is guessed: what cannot be read is refused, as a file or as a row.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, BinaryIO, NamedTuple, cast

import orjson

from services.initiator.files.words import plain
from shared.files import csv_rows, kinds
from shared.files.child import Summary, serve
from shared.files.strict_json import KeyTwice, strict_json
from shared.files.text import UTF8, decoded_lines
from shared.files.workbook import Workbook, received_workbook
from shared.rejection import Fault, reject

PIECE = 64 * 1024
_ROWS_AT_ONCE = 500
_CHARACTERS_AT_ONCE = 500_000
_FLAGS = ("public", "able_but_unwilling")
_LISTS = ("responsible",)


class FileFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Record(NamedTuple):
    """A row of a file: the line on which it begins and its cells.

    `fault`: why the row cannot be split into cells. `cell_faults`: the index of a cell, and why it cannot be taken.
    """

    line: int
    cells: list[str]
    fault: Fault | None = None
    cell_faults: tuple[tuple[int, Fault], ...] = ()


class Rows(NamedTuple):
    """The rows of a file. `heading_line`: 0 when the columns are known without a heading. `hidden`: filled by reading."""

    format: FileFormat
    encoding: str
    records: Iterator[Record]
    hidden: list[int]


def rows_of(stream: BinaryIO, columns: tuple[str, ...], encoding: str = UTF8) -> Rows:
    """The rows of a file. Empty ones are left out. `columns`: the keys that a line of JSON may have.

    Raises Rejected for a file that cannot be read, also while its rows are read; and ReadAgain.
    """
    first = stream.read(PIECE)
    if not first.strip(b"\xef\xbb\xbf \t\r\n"):
        raise reject("file_empty", "file")
    if first.startswith(kinds.COMPOUND):
        kinds.refuse_compound(first + stream.read(16 * 1024**2))
    pieces = chain([first], iter(lambda: stream.read(PIECE), b""))
    hidden: list[int] = []
    if first.startswith(kinds.ZIP):
        return Rows(FileFormat.XLSX, "", _sheet(pieces, hidden), hidden)
    kinds.refuse_other_kinds(first)
    lines = decoded_lines(pieces, encoding)
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"[{", b"[\n", b"[\r", b"[ ")):
        raise reject("file_json_array", "file")
    if start.startswith(b"{"):
        return Rows(FileFormat.NDJSON, encoding, _ndjson(lines, columns), hidden)
    return Rows(FileFormat.CSV, encoding, csv_records(lines), hidden)


def frames(stream: BinaryIO, instruction: dict[str, Any]) -> Iterator[object]:
    """The rows of the file in groups, as JSON. `instruction`: `columns`, and `encoding` when the file was read before."""
    found = rows_of(stream, tuple(instruction["columns"]), instruction.get("encoding", UTF8))
    total, length = 0, 0
    group: list[object] = []
    for record in found.records:
        total += 1
        length += sum(map(len, record.cells))
        cell_faults = [(place, fault.code, fault.facts) for place, fault in record.cell_faults]
        fault = record.fault and (record.fault.code, record.fault.field, record.fault.facts)
        group.append((record.line, record.cells, fault, cell_faults))
        if len(group) >= _ROWS_AT_ONCE or length >= _CHARACTERS_AT_ONCE:
            yield group
            group, length = [], 0
    if group:
        yield group
    yield Summary(
        {
            "format": found.format.value,
            "encoding": found.encoding,
            "total": total,
            "hidden_rows": len(found.hidden),
        }
    )


# --- CSV


def csv_records(lines: Iterator[str]) -> Iterator[Record]:
    """The rows of CSV, empty ones left out."""
    for row in csv_rows.csv_rows(lines):
        if not row.readable:
            yield Record(row.line, row.cells, Fault("row_unreadable"))
        elif any(map(str.strip, row.cells)):
            yield Record(row.line, row.cells)


# --- lines of JSON


def _ndjson(lines: Iterator[str], columns: tuple[str, ...]) -> Iterator[Record]:
    for line, text in enumerate(lines, start=1):
        if text.strip():
            yield _json_row(text, line, columns)


def _json_row(text: str, line: int, columns: tuple[str, ...]) -> Record:
    try:
        read = strict_json(text)
    except KeyTwice:
        return Record(line, [text], Fault("json_key_twice"))
    except ValueError:
        return Record(line, [text], Fault("json_unreadable"))
    if not isinstance(read, dict):
        return Record(line, [text], Fault("json_unreadable"))
    given: dict[str, object] = {}
    for name, value in cast("dict[str, object]", read).items():
        if plain(name) in given:
            return Record(line, [text], Fault("json_key_twice"))
        given[plain(name)] = value
    unknown = [place for place, name in enumerate(given, start=1) if name not in columns]
    if unknown:
        return Record(line, [text], Fault("json_keys_unknown", None, {"places": unknown[:20]}))
    cells: list[str] = []
    faults: list[tuple[int, Fault]] = []
    for place, column in enumerate(columns):
        cell = _json_cell(given.get(column), column)
        if cell is None:
            faults.append((place, Fault("value_type")))
        cells.append(cell or "")
    return Record(line, cells, None, tuple(faults))


def _json_cell(value: object, column: str) -> str | None:
    """The text of a value; None for a value of a type that the column does not have."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() if column in _FLAGS:
            return "true" if value else "false"
        case list() if column in _LISTS:
            return orjson.dumps(value).decode()
        case _:
            return None


# --- workbooks


def _sheet(pieces: Iterator[bytes], hidden: list[int]) -> Iterator[Record]:
    """The rows of the first sheet."""
    with received_workbook(pieces) as book:
        if not book.sheets:
            raise reject("file_not_a_workbook", "file")
        _refuse_other_sheets(book)
        for row in book.rows(book.sheets[0]):
            if row.hidden:
                hidden.append(row.number)
            faults = tuple((place, Fault(fault.code, None, fault.facts)) for place, fault in row.faults)
            yield Record(row.number, row.texts, None, faults)


def _refuse_other_sheets(book: Workbook) -> None:
    """Rows of other sheets would be lost without a word, and those of a hidden sheet be taken without anybody seeing them."""
    first, *others = book.sheets
    if first.hidden:
        raise reject("sheet_hidden", "file", place=1)
    for sheet in others:
        if book.has_rows(sheet):
            raise reject("sheets_several", "file", place=sheet.place)


if __name__ == "__main__":
    serve(frames)
