"""From the bytes of a file to its pieces, before any item is built: the inside of the child process that reads a file.

A piece is `("tree", value)` of a YAML file, `("sheet", name)`, or `("row", line, cells, faults)` of the last named sheet.
`faults`: the index of a cell, code and facts.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from services.catalogue.files import strict_yaml
from shared.files import kinds
from shared.files.child import ReadAgain, Summary, serve
from shared.files.csv_rows import csv_rows
from shared.files.text import UTF8, decoded_lines
from shared.files.workbook import received_workbook
from shared.rejection import reject

_PIECE = 64 * 1024
_PIECES_AT_ONCE = 500


def pieces(stream: BinaryIO, is_csv: bool, encoding: str = UTF8) -> Iterator[tuple[Any, ...]]:
    """The pieces of a file; its format is recognised by its content. Raises Rejected, and ReadAgain."""
    first = stream.read(_PIECE)
    if not first:
        raise reject("file_empty", "file")
    if first.startswith(kinds.COMPOUND):
        kinds.refuse_compound(first + stream.read(16 * 1024**2))
    content = chain([first], iter(lambda: stream.read(_PIECE), b""))
    if first.startswith(kinds.ZIP):
        yield from _workbook(content)
        return
    kinds.refuse_other_kinds(first)
    if is_csv:
        for row in csv_rows(decoded_lines(content, encoding)):
            if not row.readable:
                raise reject("row_unreadable", f"line[{row.line}]")
            yield "row", row.line, row.cells, ()
        return
    whole = b"".join(content)
    yield "tree", strict_yaml.load("".join(decoded_lines(iter([whole]), encoding)))


def _workbook(content: Iterator[bytes]) -> Iterator[tuple[Any, ...]]:
    with received_workbook(content) as book:
        for sheet in book.sheets:
            if sheet.hidden and book.has_rows(sheet):
                raise reject("sheet_hidden", "file", place=sheet.place)
            yield "sheet", sheet.title
            for row in book.rows(sheet):
                faults = [(place, fault.code, fault.facts) for place, fault in row.faults]
                yield "row", row.number, row.texts, faults


def pieces_again(stream: BinaryIO, is_csv: bool) -> Iterator[tuple[Any, ...]]:
    """The pieces of a file that can be rewound, in whichever encoding it has."""
    try:
        found = list(pieces(stream, is_csv))
    except ReadAgain as again:
        stream.seek(0)
        found = list(pieces(stream, is_csv, again.instruction["encoding"]))
    return iter(found)


def frames(stream: BinaryIO, instruction: dict[str, Any]) -> Iterator[object]:
    """The pieces in groups."""
    yield Summary({})
    group: list[object] = []
    for piece in pieces(stream, instruction["is_csv"], instruction.get("encoding", UTF8)):
        group.append(piece)
        if len(group) >= _PIECES_AT_ONCE:
            yield group
            group = []
    yield group


if __name__ == "__main__":
    serve(frames)
