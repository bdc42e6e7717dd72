"""Workbooks (XLSX) from outside, read from their XML as a stream: memory and time grow with the cells that are filled.

Libraries give values only. They hide what an importer must say: digits that a number cell lost, error cells, formulas without
a stored value, hidden rows. They also follow a row number wherever it points. So the sheet is read here (decision 0026).
A document type declaration is refused, so that no entity is ever expanded.
"""

import posixpath
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple
from xml.parsers import expat

from shared.files.cells import Cell, CellFault, StyleReader, Styles, cell_of
from shared.files.shared_strings import SharedStrings
from shared.files.sheet import LAST_COLUMN, LAST_ROW, MOST_COLUMNS, RowReader, SheetRow, local
from shared.rejection import Rejected, reject

__all__ = [
    "LAST_COLUMN",
    "LAST_ROW",
    "MOST_COLUMNS",
    "Cell",
    "CellFault",
    "Sheet",
    "SheetRow",
    "Workbook",
    "cell_of",
    "open_workbook",
    "received_workbook",
    "unfolded_limit",
]

_PIECE = 64 * 1024
_MOST_PARTS = 2_000
"""Files in the archive."""
_MEBIBYTE = 1024**2


def unfolded_limit(size: int) -> int:
    """The bytes that a workbook of this size may have when it is unpacked: 64 MB and 200 times its size, 1 GB at most."""
    return min(64 * _MEBIBYTE + 200 * size, 1024 * _MEBIBYTE)


class Sheet(NamedTuple):
    """A worksheet. `place`: counted from 1. `part`: its file in the archive."""

    place: int
    title: str
    hidden: bool
    part: str


@dataclass
class Workbook:
    """An open workbook. `rows` and `has_rows` read a sheet from its start."""

    sheets: tuple[Sheet, ...]
    _archive: zipfile.ZipFile
    _left: list[int]
    """The bytes that may still be unpacked."""
    _styles: Styles
    _texts: SharedStrings = field(default_factory=SharedStrings)

    def rows(self, sheet: Sheet) -> Iterator[SheetRow]:
        """The rows with a filled cell, in the order of their numbers. Raises Rejected for a damaged or hostile sheet."""
        reader = RowReader(self._texts, self._styles)
        with _damage_rejected():
            for _ in _parsed(self._archive, sheet.part, self._left, reader):
                yield from reader.take()

    def has_rows(self, sheet: Sheet) -> bool:
        """Whether a cell of the sheet is filled."""
        return next(self.rows(sheet), None) is not None


@contextmanager
def received_workbook(content: Iterator[bytes]) -> Generator[Workbook]:
    """The workbook of these bytes, in a nameless temporary file, which goes when it is closed. Raises as `open_workbook`."""
    with tempfile.TemporaryFile() as file:
        for piece in content:
            file.write(piece)
        yield open_workbook(file, unfolded_limit(file.tell()))


def open_workbook(file: BinaryIO, max_bytes: int) -> Workbook:
    """A workbook to read row by row. Raises Rejected: `file_too_large`, `file_password`, `file_kind`, `file_not_a_workbook`.

    `max_bytes`: limit of the unpacked size, declared and real; a small file can contain a very large one.
    """
    with _damage_rejected():
        file.seek(0)
        archive = zipfile.ZipFile(file)
        parts = archive.infolist()
        names = {part.filename for part in parts}
        if len(parts) > _MOST_PARTS or len(names) < len(parts):
            raise reject("file_not_a_workbook", "file")
        if any(part.flag_bits & 1 for part in parts):
            raise reject("file_password", "file")
        if sum(part.file_size for part in parts) > max_bytes:
            raise reject("file_too_large", "file", limit=max_bytes)
        _require_workbook(names)
        return _opened(archive, [max_bytes])


def _require_workbook(names: set[str]) -> None:
    kinds = {
        "xl/workbook.bin": "XLSB",
        "word/document.xml": "DOCX",
        "ppt/presentation.xml": "PPTX",
        "content.xml": "ODS",
    }
    for name, kind in kinds.items():
        if name in names:
            raise reject("file_kind", "file", kind=kind)
    if "[Content_Types].xml" not in names:
        raise reject("file_kind" if names else "file_not_a_workbook", "file", **({"kind": "ZIP"} if names else {}))


def _opened(archive: zipfile.ZipFile, left: list[int]) -> Workbook:
    main = next((part for kind, part in _relations(archive, "", left).values() if kind == "officeDocument"), "")
    main = main or "xl/workbook.xml"
    related = _relations(archive, main, left)
    sheets: list[Sheet] = []
    old_calendar = False

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal old_calendar
        tag = local(name)
        if tag == "workbookPr":
            old_calendar = given.get("date1904", "") in ("1", "true")
        elif tag == "sheet":
            relation = next(value for key, value in given.items() if local(key) == "id")
            _ = given["sheetId"]
            kind, part = related[relation]
            if kind == "worksheet":
                hidden = given.get("state", "visible") != "visible"
                sheets.append(Sheet(len(sheets) + 1, given["name"].strip(), hidden, part))

    _drain(archive, main, left, _Handlers(start))
    by_kind = dict(related.values())
    styles = StyleReader()
    if "styles" in by_kind:
        _drain(archive, by_kind["styles"], left, styles)
    texts = SharedStrings()
    if "sharedStrings" in by_kind:
        _drain(archive, by_kind["sharedStrings"], left, texts)
    return Workbook(tuple(sheets), archive, left, styles.done(old_calendar), texts)


def _relations(archive: zipfile.ZipFile, part: str, left: list[int]) -> dict[str, tuple[str, str]]:
    """Id → kind and part, of the relations of a part."""
    folder, name = posixpath.split(part)
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, given: dict[str, str]) -> None:
        if local(name) == "Relationship" and given.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, given["Target"]))
            found[given["Id"]] = (given["Type"].rpartition("/")[2], target.removeprefix("/"))

    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path in archive.namelist():
        _drain(archive, path, left, _Handlers(start))
    return found


class _Handlers:
    """Handlers of a part of which only start tags count."""

    def __init__(self, start: Callable[[str, dict[str, str]], None]) -> None:
        self.start = start

    def end(self, name: str) -> None:
        """Nothing."""

    def data(self, text: str) -> None:
        """Nothing."""


def _drain(archive: zipfile.ZipFile, part: str, left: list[int], handlers: Any) -> None:
    for _ in _parsed(archive, part, left, handlers):
        pass


def _parsed(archive: zipfile.ZipFile, part: str, left: list[int], handlers: Any) -> Iterator[None]:
    """Parse a part piece by piece. `left` is lowered by the bytes that were unpacked."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.start
    parser.EndElementHandler = handlers.end
    parser.CharacterDataHandler = handlers.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    limit = left[0]
    with archive.open(part) as content:
        while piece := content.read(_PIECE):
            left[0] -= len(piece)
            if left[0] < 0:
                raise reject("file_too_large", "file", limit=limit)
            parser.Parse(piece, False)
            yield
    parser.Parse(b"", True)
    yield


def _refuse_doctype(*_: object) -> None:
    raise reject("file_not_a_workbook", "file")


@contextmanager
def _damage_rejected() -> Generator[None]:
    """Every other error becomes `file_not_a_workbook`: a damaged file makes libraries raise errors of many types."""
    try:
        yield
    except (Rejected, MemoryError):
        raise
    except Exception as error:
        raise reject("file_not_a_workbook", "file") from error
