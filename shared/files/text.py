"""Lines of a text file: UTF-8 (with or without byte order mark) or GB 18030, and nothing guessed.

Nearly every sequence of bytes is GB 18030. So a file that is UTF-8 but for some bytes is not read as GB 18030: it would become
other names. It is refused with the line.
"""

import codecs
import io
from collections.abc import Iterator
from itertools import islice

from shared.files.child import ReadAgain
from shared.rejection import Rejected, reject

UTF8 = "utf-8-sig"
GB18030 = "gb18030"
MAX_LINE_LENGTH = 1_000_000
"""Characters without a line break; a file that exceeds it is not a list of rows."""

_LEAST_GOOD = 4
"""Characters of UTF-8 that a file has at least to be called UTF-8. Fewer can be an accident."""
_WINDOW = 256 * 1024
"""Bytes behind the first wrong one by which the encoding is judged."""


def decoded_lines(pieces: Iterator[bytes], encoding: str) -> Iterator[str]:
    """The lines with their line breaks.

    Raises Rejected (`file_binary`, `file_encoding`, `file_encoding_mixed`, `file_line_too_long`), and ReadAgain when the file
    is not UTF-8 and has to be read as GB 18030.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    rest, line, wide = "", 1, 0
    has_mark = False
    for piece in pieces:
        if b"\0" in piece:
            raise reject("file_binary", "file")
        has_mark = has_mark or (line == 1 and not rest and piece.startswith(codecs.BOM_UTF8))
        try:
            text = rest + decoder.decode(piece)
        except UnicodeDecodeError as error:
            raise _refusal(error, encoding, pieces, line + rest.count("\n"), wide, has_mark) from None
        wide += len(piece) + len(rest) - len(text)
        end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
        if len(text) - end > MAX_LINE_LENGTH:
            raise reject("file_line_too_long", "file", limit=MAX_LINE_LENGTH)
        rest = text[end:]
        lines = list(io.StringIO(text[:end], newline=""))
        line += len(lines)
        yield from lines
    try:
        yield from io.StringIO(rest + decoder.decode(b"", final=True), newline="")
    except UnicodeDecodeError as error:
        raise _refusal(error, encoding, pieces, line + rest.count("\n"), wide, has_mark) from None


def _refusal(
    error: UnicodeDecodeError, encoding: str, pieces: Iterator[bytes], line: int, wide: int, has_mark: bool
) -> Rejected | ReadAgain:
    """`wide`: how many bytes more than characters were read so far; two of them stand for one Chinese character.

    Chinese text in GB 18030 has about one accidental character of UTF-8 for 50 wrong bytes.
    """
    if encoding != UTF8:
        return reject("file_encoding", "file")
    content: bytes = error.object
    at = content[: error.start].count(b"\n") + line
    before = content[: error.start].decode("utf-8", "replace")
    window = b"".join([content[error.start :], *islice(pieces, _WINDOW // len(content) + 1)])[:_WINDOW]
    after = window.decode("utf-8", "replace")
    good = wide // 2 + _wide_characters(before) + _wide_characters(after)
    if has_mark or (good >= _LEAST_GOOD and 4 * good >= after.count("\ufffd")):
        return reject("file_encoding_mixed", "file", line=at)
    return ReadAgain({"encoding": GB18030})


def _wide_characters(text: str) -> int:
    return sum(character >= "\u0800" and character != "\ufffd" for character in text)
