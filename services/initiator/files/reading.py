"""From the bytes of a file to its rows, one piece at a time, so that memory does not grow with the size of the file.

Lines are counted as in a text editor: the heading is line 1 (after a byte order mark). The line of a row is the line on which
it begins, also after rows with quoted line breaks. Nothing is guessed: bytes that are neither UTF-8 nor GB 18030, and control
characters that no text file holds, are refused.
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

from services.initiator.files.columns import COLUMNS, plain
from shared.files.workbook import open_workbook, text_rows
from shared.rejection import Fault, reject

Chunks = Callable[[], AsyncIterator[bytes]]
"""Reads the file from its beginning."""

MAX_LINE_LENGTH = 1_000_000
"""Characters without a line break; a file that exceeds it is not a list of rows."""
_ROWS_AT_ONCE = 1_000
_MAX_SHEET_BYTES = 2 * 1024**3
"""Uncompressed size of a workbook."""


class FileFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Record(NamedTuple):
    """A row of a file: the line on which it begins and its cells. `fault`: the reason why the row cannot be split into cells."""

    line: int
    cells: list[str]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Detected:
    """The format of a file. `encoding` is empty for a workbook."""

    format: FileFormat
    encoding: str


# --- format

_UTF8 = "utf-8-sig"
_GB18030 = "gb18030"
_ENCODINGS = (_UTF8, _GB18030)
_CONTROL_BYTES = bytes(byte for byte in range(32) if byte not in b"\t\r\n")
"""Bytes that no text file holds, in either encoding."""


async def detect(chunks: Chunks) -> Detected:
    """The format, by content and not by name. Raises Rejected (`file_empty`, `file_binary`, `file_encoding`)."""
    first = b""
    async for chunk in chunks():
        first = chunk
        break
    if not first.strip(b"\xef\xbb\xbf \t\r\n"):
        raise reject("file_empty", "file")
    if first.startswith(b"PK\x03\x04"):
        return Detected(FileFormat.XLSX, "")
    encoding = await _encoding(chunks)
    text = first[: MAX_LINE_LENGTH // 4].removeprefix(codecs.BOM_UTF8).lstrip()
    return Detected(FileFormat.NDJSON if text.startswith(b"{") else FileFormat.CSV, encoding)


async def _encoding(chunks: Chunks) -> str:
    for encoding in _ENCODINGS:
        if await _decodes(chunks, encoding):
            return encoding
    raise reject("file_encoding", "file")


async def _decodes(chunks: Chunks, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        async for chunk in chunks():
            if len(chunk.translate(None, _CONTROL_BYTES)) != len(chunk):
                raise reject("file_binary", "file")
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# --- rows


async def records(chunks: Chunks, detected: Detected) -> AsyncIterator[list[Record]]:
    """The rows in groups, the heading first. Empty rows are skipped. NDJSON has no heading: its own one has the number 0.

    Raises Rejected for a file that cannot be read to its end.
    """
    match detected.format:
        case FileFormat.CSV:
            groups = _csv(_blocks(chunks, detected.encoding))
        case FileFormat.NDJSON:
            groups = _ndjson(_blocks(chunks, detected.encoding))
        case FileFormat.XLSX:
            groups = _xlsx(chunks)
    async for group in groups:
        kept = [record for record in group if record.fault or any(map(str.strip, record.cells))]
        if kept:
            yield kept


async def _blocks(chunks: Chunks, encoding: str) -> AsyncIterator[tuple[list[str], bool]]:
    """The lines of the file with their line breaks, in groups. The flag marks the last group."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest = ""
    async for chunk in chunks():
        text = rest + decoder.decode(chunk)
        end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
        if end == 0 and len(text) > MAX_LINE_LENGTH:
            raise reject("file_line_too_long", "file", limit=MAX_LINE_LENGTH)
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
    """The rows that end within these lines, and the number of lines that they take.

    Of a row that cannot be read only the first line is skipped: the next line may be the start of a good row.
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
            if used + reader.line_num == len(lines) and not is_last and _may_continue(lines, begin):
                return rows, begin
            rows.append(Record(first_line + begin, [lines[begin]], Fault("row_unreadable")))
            begin += 1
        used = begin
    return rows, used


def _may_continue(lines: Sequence[str], begin: int) -> bool:
    """True when an unfinished row is still short enough to be a row."""
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
    """A row with the NUL character becomes a fault: JSON allows the character, PostgreSQL does not."""
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
    """The rows of the first sheet. The workbook lies in a nameless temporary file, which goes when it is closed."""
    with tempfile.TemporaryFile() as file:
        async for chunk in chunks():
            await asyncio.to_thread(file.write, chunk)
        rows = await asyncio.to_thread(_sheet, file)
        while group := await asyncio.to_thread(_take, rows):
            yield group


def _take(rows: Iterator[Record]) -> list[Record]:
    return list(islice(rows, _ROWS_AT_ONCE))


def _sheet(file: io.BufferedRandom) -> Iterator[Record]:
    sheets = open_workbook(file, _MAX_SHEET_BYTES).worksheets
    if not sheets:
        raise reject("file_not_a_workbook", "file")
    return (_storable(Record(line, cells)) for line, cells in enumerate(text_rows(sheets[0]), start=1))
