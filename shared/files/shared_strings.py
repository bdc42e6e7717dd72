"""The texts that the cells of a workbook share, kept in one buffer: an object for each would cost ten times as much."""

import re
from array import array

from shared.rejection import reject

MOST_TEXTS = 4_000_000
MOST_BYTES = 96 * 1024**2

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REPLACEMENT = "\ufffd"


def unescaped(text: str) -> str:
    """The text with `_x000D_` and the like decoded (ECMA-376, ST_Xstring). Half a surrogate pair becomes U+FFFD."""
    if "_x" not in text:
        return text
    decoded = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SharedStrings:
    """Reads `sharedStrings.xml`, and then gives the texts by their number."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q", [0])
        self._text: list[str] = []
        self._takes = False
        self._phonetic = 0

    def start(self, name: str, _: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "t":
            self._takes = not self._phonetic
        elif tag == "rPh":
            self._phonetic += 1
        elif tag == "si":
            self._text.clear()

    def data(self, text: str) -> None:
        if self._takes:
            self._text.append(text)

    def end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if tag == "t":
            self._takes = False
        elif tag == "rPh":
            self._phonetic -= 1
        elif tag == "si":
            self._buffer += "".join(self._text).encode()
            self._ends.append(len(self._buffer))
            if len(self._ends) > MOST_TEXTS or len(self._buffer) > MOST_BYTES:
                raise reject("file_too_many_texts", "file", limit=MOST_TEXTS, megabytes=MOST_BYTES // 1024**2)

    def text(self, number: int) -> str:
        """Raises IndexError for a number that the file does not have."""
        if number < 0:
            raise IndexError(number)
        return unescaped(self._buffer[self._ends[number] : self._ends[number + 1]].decode())
