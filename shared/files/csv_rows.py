"""Rows of CSV with the lines on which they begin, in time that grows with the size of the file and not with its square.

Of a row that cannot be read only the first line is skipped, because the next line may begin a good row. The lines behind it are
then read again, and what is read again is counted: a file of broken quotes is refused.
"""

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from shared.files.text import MAX_LINE_LENGTH
from shared.rejection import reject

MOST_READ_AGAIN = 4_000_000
"""Characters of a file that may be read again behind broken rows."""


class CsvRow(NamedTuple):
    """A row, and the line on which it begins. `readable`: False for a line that begins no valid row; then it is the only cell."""

    line: int
    cells: list[str]
    readable: bool = True


class _Lines:
    """Lines that can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._given_back: deque[str] = deque()
        self._row: list[str] = []
        self._length = 0
        self._read_again = 0
        self.line = 1
        """The line on which the current row begins."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._given_back.popleft() if self._given_back else next(self._lines)
        self._row.append(text)
        self._length += len(text)
        if self._length > MAX_LINE_LENGTH:
            raise csv.Error("row too long")
        return text

    def begin(self) -> None:
        """The row has ended: the next line begins another one."""
        self.line += len(self._row)
        self._row.clear()
        self._length = 0

    def skip_first(self) -> str:
        """Give the lines of the current row back but for the first one, which is the answer."""
        first, *others = self._row
        self._read_again += self._length - len(first)
        if self._read_again > MOST_READ_AGAIN:
            raise reject("file_quotes_broken", "file", line=self.line)
        self._given_back.extendleft(reversed(others))
        del self._row[1:]
        self.begin()
        return first


def csv_rows(text: Iterator[str]) -> Iterator[CsvRow]:
    """The rows, empty ones included. Raises Rejected: `file_quotes_broken`, and what reading the lines raises."""
    lines = _Lines(text)
    while True:
        try:
            for cells in csv.reader(lines, strict=True):
                yield CsvRow(lines.line, cells)
                lines.begin()
        except csv.Error:
            begun = lines.line
            yield CsvRow(begun, [lines.skip_first()], readable=False)
        else:
            return
