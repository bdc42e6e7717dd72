"""The rows of a worksheet's XML, as its tags arrive. A row number that comes twice or points too far refuses the file."""

from typing import NamedTuple

from shared.files.cells import Cell, CellFault, Styles, cell_of
from shared.files.shared_strings import SharedStrings, unescaped
from shared.rejection import reject

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
MOST_COLUMNS = 500
"""A filled cell in a later column refuses the file: no list has so many columns."""
MOST_CELL_CHARACTERS = 1_000_000


class SheetRow(NamedTuple):
    """A row with a filled cell. `number`: its number in the sheet, from 1. `hidden`: by hand, or by a filter."""

    number: int
    cells: list[Cell]
    hidden: bool

    @property
    def texts(self) -> list[str]:
        """The text of each cell; empty where it cannot be taken."""
        return ["" if isinstance(cell, CellFault) else cell for cell in self.cells]

    @property
    def faults(self) -> list[tuple[int, CellFault]]:
        """The places of the cells that cannot be taken, from 0, and why."""
        return [(place, cell) for place, cell in enumerate(self.cells) if isinstance(cell, CellFault)]


def local(name: str) -> str:
    """A tag or attribute without its prefix."""
    return name.rpartition(":")[2] if ":" in name else name


class RowReader:
    """The handlers of one sheet. `take` gives the rows that ended since it was called last."""

    def __init__(self, texts: SharedStrings, styles: Styles) -> None:
        self._texts = texts
        self._styles = styles
        self._rows: list[SheetRow] = []
        self._columns: dict[str, int] = {}
        self._number = 0
        self._in_row = self._in_cell = False
        self._hidden = False
        self._filled: dict[int, Cell] = {}
        self._column = -1
        self._kind, self._style = "n", 0
        self._formula = self._phonetic = self._takes = False
        self._length = 0
        self._text: list[str] = []

    def take(self) -> list[SheetRow]:
        taken, self._rows = self._rows, []
        return taken

    def start(self, name: str, given: dict[str, str]) -> None:
        tag = local(name)
        if self._in_cell:
            if tag in ("v", "t"):
                self._takes = not self._phonetic
            elif tag == "f":
                self._formula = True
            elif tag == "rPh":
                self._phonetic = True
        elif tag == "c" and self._in_row:
            self._start_cell(given)
        elif tag == "row":
            self._start_row(given)

    def data(self, text: str) -> None:
        if self._takes:
            self._text.append(text)
            self._length += len(text)
            if self._length > MOST_CELL_CHARACTERS:
                raise reject("file_line_too_long", "file", limit=MOST_CELL_CHARACTERS)

    def end(self, name: str) -> None:
        tag = local(name)
        if tag in ("v", "t"):
            self._takes = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "c" and self._in_cell:
            self._end_cell()
        elif tag == "row" and self._in_row:
            self._end_row()

    def _start_row(self, given: dict[str, str]) -> None:
        written = given.get("r")
        number = self._number + 1 if written is None else int(written[:20])
        if number > LAST_ROW:
            raise reject("sheet_row_too_far", "file", limit=LAST_ROW)
        if number <= self._number:
            raise reject("sheet_row_twice", "file", line=number)
        self._number = number
        self._hidden = given.get("hidden", "") in ("1", "true")
        self._in_row = True
        self._column = -1

    def _end_row(self) -> None:
        self._in_row = False
        if not self._filled:
            return
        last = max(self._filled)
        if last >= MOST_COLUMNS:
            raise reject("sheet_too_wide", "file", limit=MOST_COLUMNS, line=self._number)
        cells = [self._filled.get(column, "") for column in range(last + 1)]
        self._filled = {}
        self._rows.append(SheetRow(self._number, cells, self._hidden))

    def _start_cell(self, given: dict[str, str]) -> None:
        written = given.get("r")
        self._column = self._column + 1 if written is None else self._column_of(written)
        if self._column in self._filled:
            raise ValueError("a cell twice")
        self._kind = given.get("t", "n")
        self._style = int(given.get("s", "0"))
        self._formula = False
        self._in_cell = True
        self._length = 0
        self._text.clear()

    def _column_of(self, written: str) -> int:
        letters = written[:20].rstrip("0123456789")
        if written[len(letters) :] != str(self._number):
            raise ValueError("a cell in another row")
        column = self._columns.get(letters)
        if column is None:
            column = 0
            for letter in letters:
                if not "A" <= letter <= "Z":
                    raise ValueError("a cell without a place")
                column = column * 26 + ord(letter) - 64
            if not 1 <= column <= LAST_COLUMN:
                raise ValueError("a cell without a place")
            self._columns[letters] = column = column - 1
        return column

    def _end_cell(self) -> None:
        self._in_cell = False
        text = "".join(self._text)
        if self._formula and not text and self._kind != "str":
            self._filled[self._column] = CellFault("cell_formula_without_value", {})
            return
        match self._kind:
            case "inlineStr" | "str":
                cell: Cell = unescaped(text)
            case "s":
                cell = self._texts.text(int(text)) if text else ""
            case _:
                cell = cell_of(self._kind, self._style, text, self._styles) if text.strip() else ""
        if isinstance(cell, CellFault) or cell.strip():
            self._filled[self._column] = cell
