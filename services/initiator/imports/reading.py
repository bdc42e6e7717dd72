"""From the bytes of a file to its rows, a piece at a time: the memory that it takes does not grow with the file.

Lines are numbered as a person counts them in the file: the heading is line 1 (after a byte order mark), and a row is named
by the line on which it begins, also after rows with quoted line breaks. Nothing is guessed: bytes that are neither UTF-8 nor
GB 18030, or that no text can hold, are refused.
"""

import asyncio
import codecs
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, cast

import orjson

from services.initiator.imports.columns import COLUMNS, plain
from shared.files.workbook import open_workbook, text_rows
from shared.rejection import Fault, reject

Chunks = Callable[[], AsyncIterator[bytes]]
"""Reads the file from its beginning."""

LONGEST_LINE = 1_000_000
"""Characters without a line break, after which a file is no list of rows."""
_AT_ONCE = 1_000
_LARGEST_SHEET = 2 * 1024**3
"""Bytes to which a workbook may unfold."""


class FileForm(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Record(NamedTuple):
    """A row of a file: the line on which it begins, and its cells; or what is wrong with a row that has none."""

    line: int
    cells: list[str]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file turned out to be."""

    form: FileForm
    encoding: str


# --- what it is

_UTF8 = "utf-8-sig"
_GB18030 = "gb18030"
_ENCODINGS = (_UTF8, _GB18030)
_NO_TEXT = bytes(byte for byte in range(32) if byte not in b"\t\r\n")
"""Bytes that stand in no text file of either encoding."""


async def sniff(chunks: Chunks) -> Sniffed:
    """What the file is, by its content and not its name. Raises Rejected (`file_…`) when it is nothing that is known."""
    first = b""
    async for chunk in chunks():
        first = chunk
        break
    if not first.strip(b"\xef\xbb\xbf \t\r\n"):
        raise reject("file_empty", "file")
    if first.startswith(b"PK\x03\x04"):
        return Sniffed(FileForm.XLSX, "")
    encoding = await _encoding(chunks)
    text = first[: LONGEST_LINE // 4].removeprefix(codecs.BOM_UTF8).lstrip()
    return Sniffed(FileForm.NDJSON if text.startswith(b"{") else FileForm.CSV, encoding)


async def _encoding(chunks: Chunks) -> str:
    for encoding in _ENCODINGS:
        if await _decodes(chunks, encoding):
            return encoding
    raise reject("file_encoding", "file")


async def _decodes(chunks: Chunks, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        async for chunk in chunks():
            if len(chunk.translate(None, _NO_TEXT)) != len(chunk):
                raise reject("file_binary", "file")
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# --- its rows


async def records(chunks: Chunks, sniffed: Sniffed) -> AsyncIterator[list[Record]]:
    """The rows in groups, the heading first (of NDJSON, one that was not in the file). Empty rows are passed over.

    Raises Rejected for a file that cannot be read to its end.
    """
    match sniffed.form:
        case FileForm.CSV:
            groups = _csv(_blocks(chunks, sniffed.encoding))
        case FileForm.NDJSON:
            groups = _ndjson(_blocks(chunks, sniffed.encoding))
        case FileForm.XLSX:
            groups = _xlsx(chunks)
    async for group in groups:
        kept = [record for record in group if record.fault or any(map(str.strip, record.cells))]
        if kept:
            yield kept


async def _blocks(chunks: Chunks, encoding: str) -> AsyncIterator[tuple[list[str], bool]]:
    """The lines of the file with their line breaks, in groups; and whether a group is the last."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest = ""
    async for chunk in chunks():
        text = rest + decoder.decode(chunk)
        end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
        if end == 0 and len(text) > LONGEST_LINE:
            raise reject("file_line_too_long", "file", limit=LONGEST_LINE)
        rest = text[end:]
        yield list(io.StringIO(text[:end], newline="")), False
    yield list(io.StringIO(rest + decoder.decode(b"", final=True), newline="")), True


async def _csv(blocks: AsyncIterator[tuple[list[str], bool]]) -> AsyncIterator[list[Record]]:
    pending: list[str] = []
    line = 1
    async for lines, is_last in blocks:
        pending += lines
        group, used = _csv_rows(pending, line, is_last)
        line += used
        pending = pending[used:]
        yield group


def _csv_rows(lines: Sequence[str], first_line: int, is_last: bool) -> tuple[list[Record], int]:
    """The rows that end within these lines, and how many lines they take.

    A row that cannot be read costs its first line only: the next one may be sound again.
    """
    rows: list[Record] = []
    used = 0
    while used < len(lines):
        reader = csv.reader(islice(lines, used, None), strict=True)
        begin, before = used, 0
        try:
            for cells in reader:
                rows.append(Record(first_line + begin, cells))
                before = reader.line_num
                begin = used + before
        except csv.Error:
            if used + reader.line_num == len(lines) and not is_last and _may_go_on(lines, begin):
                return rows, begin
            rows.append(Record(first_line + begin, [lines[begin]], Fault("row_unreadable")))
            begin += 1
        used = begin
    return rows, used


def _may_go_on(lines: Sequence[str], begin: int) -> bool:
    """Whether a row that is not finished is short enough to be one."""
    return sum(map(len, lines[begin:])) <= csv.field_size_limit()


async def _ndjson(blocks: AsyncIterator[tuple[list[str], bool]]) -> AsyncIterator[list[Record]]:
    yield [Record(0, list(COLUMNS))]
    line = 1
    async for lines, _ in blocks:
        yield [_json_row(text, line + place) for place, text in enumerate(lines) if text.strip()]
        line += len(lines)


def _json_row(text: str, line: int) -> Record:
    try:
        read: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Record(line, [text], Fault("row_unreadable"))
    if not isinstance(read, dict):
        return Record(line, [text], Fault("row_unreadable"))
    given = {plain(str(name)): value for name, value in cast("dict[str, object]", read).items()}
    unknown = sorted(name[:100] for name in given if name not in COLUMNS)
    if unknown:
        return Record(line, [text], Fault("columns_unknown", None, {"columns": unknown}))
    return _storable(Record(line, [_json_cell(given.get(column)) for column in COLUMNS]))


def _storable(record: Record) -> Record:
    """The NUL character is valid in JSON and in no database."""
    if any("\0" in cell for cell in record.cells):
        return Record(record.line, [cell.replace("\0", "") for cell in record.cells], Fault("row_unreadable"))
    return record


def _json_cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return orjson.dumps(value).decode()


async def _xlsx(chunks: Chunks) -> AsyncIterator[list[Record]]:
    """The rows of the first sheet. The file is unpacked on disk, in a file without a name that ends with the work."""
    with tempfile.TemporaryFile() as file:
        async for chunk in chunks():
            await asyncio.to_thread(file.write, chunk)
        rows = await asyncio.to_thread(_sheet, file)
        while group := await asyncio.to_thread(_take, rows):
            yield group


def _take(rows: Iterator[Record]) -> list[Record]:
    return list(islice(rows, _AT_ONCE))


def _sheet(file: io.BufferedRandom) -> Iterator[Record]:
    sheets = open_workbook(file, _LARGEST_SHEET).worksheets
    if not sheets:
        raise reject("file_not_a_workbook", "file")
    return (_storable(Record(line, cells)) for line, cells in enumerate(text_rows(sheets[0]), start=1))
