"""From a file to items with their places: `measures[3]` of a YAML file, `line[7]` of a CSV file, `measures.line[7]` of a sheet.

A file is read as a whole or refused as a whole, with every fault. The heading is line 1.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, BinaryIO, cast

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from services.catalogue.domain.content import Placed, PlacedEnd, Retirement
from services.catalogue.files.pieces import pieces_again
from services.catalogue.files.rows import MODELS, CellUnreadable, from_row, heading_faults
from shared.files.apart import ReadingStopped, frames_apart
from shared.files.budget import budget_for
from shared.lawbook.items import Item
from shared.rejection import Fault, Rejected, reject, reject_all
from shared.web.validation import faults_of
from shared.web.wording import Wording

MOST_ROWS = 20_000
"""Items of one file."""
MOST_FAULTS = 1_000
"""Reported faults of one file."""
MOST_PARTS = 5_000
"""Values inside one item; no item of a law book has a tenth of that."""

_READER = "services.catalogue.files.pieces"
_CHUNK = 1024 * 1024

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
        if _parts(given) > MOST_PARTS:
            self.add(Fault("item_too_large", _name(place), {"limit": MOST_PARTS}))
            return
        try:
            parsed = TypeAdapter[Any](MODELS[sheet]).validate_python(given, extra="forbid")
        except ValidationError as error:
            for fault in _faults(place, error)[:MOST_FAULTS]:
                self.add(fault)
            return
        name = _name(place)
        if isinstance(parsed, Retirement):
            self.ends.append(PlacedEnd(name, parsed))
        else:
            self.items.append(Placed(name, cast("Item", parsed)))

    def add(self, fault: Fault) -> None:
        """Add a fault. Raises Rejected with all of them when there are `MOST_FAULTS`."""
        self.faults.append(fault)
        if len(self.faults) >= MOST_FAULTS:
            raise Rejected(*self.faults)

    def whole(self) -> "Read":
        """Itself. Raises Rejected with the faults, or `file_without_rows`."""
        reject_all(self.faults)
        if not self.items and not self.ends:
            raise reject("file_without_rows", "file")
        return self


def _parts(value: object) -> int:
    """How many values a value has inside, counted to a little more than `MOST_PARTS`."""
    count, open_values = 0, [value]
    while open_values and count <= MOST_PARTS:
        one = open_values.pop()
        before = len(open_values)
        open_values.extend(islice(_inside(one), MOST_PARTS + 1))
        count += len(open_values) - before
    return count


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _name(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _faults(place: tuple[str | int, ...], error: ValidationError) -> tuple[Fault, ...]:
    found = [{**details, "loc": ("body", *place, *details["loc"])} for details in error.errors(include_input=False)]
    return faults_of(RequestValidationError(found), _WORDING)


def read(file: BinaryIO, sheet: str | None) -> Read:
    """The items of a file that we trust, read in this process. `sheet`: the kind of the rows of a CSV file.

    Raises Rejected with every fault.
    """
    file.seek(0)
    return assembled(pieces_again(file, sheet is not None), sheet)


async def read_apart(file: BinaryIO, size: int, sheet: str | None) -> Read:
    """The items of a file from outside: a child process reads it, within its budget. Raises Rejected with every fault."""

    async def chunks() -> AsyncIterator[bytes]:
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk

    found: list[Any] = []
    try:
        async with frames_apart(_READER, {"is_csv": sheet is not None}, chunks, budget_for(size)) as frames:
            await anext(frames)
            async for frame in frames:
                found += frame
    except ReadingStopped:
        raise reject("file_reading_failed", "file") from None
    return await asyncio.to_thread(assembled, iter(found), sheet)


def assembled(pieces: Iterator[tuple[Any, ...]], sheet: str | None) -> Read:
    """The items of the pieces of a file. Raises Rejected with every fault."""
    found = Read()
    rows = _Sheet(found, sheet, ()) if sheet is not None else None
    for kind, *content in pieces:
        if kind == "tree":
            return book_of(content[0]).whole()
        if kind == "sheet":
            rows = _sheet(found, content[0])
        elif rows is not None:
            rows.take(*content)
    return found.whole()


def _sheet(found: Read, name: str) -> "_Sheet | None":
    """A sheet with the name of a kind. Other sheets are refused, because ignoring them would go unnoticed."""
    if name in MODELS:
        return _Sheet(found, name, (name,))
    found.add(Fault("kind_unknown", "file", {"kind": name[:100]}))
    return None


# --- YAML


def book_of(tree: object) -> Read:
    """The items of a mapping by kind: `{measures: [{measure_id: …}]}`."""
    found = Read()
    if not isinstance(tree, dict):
        raise reject("file_not_a_law_book", "file", kinds=list(MODELS))
    for name, rows in cast("Mapping[str, object]", tree).items():
        if name not in MODELS:
            found.add(Fault("kind_unknown", "file", {"kind": name[:100]}))
        elif not isinstance(rows, list):
            found.add(Fault("kind_not_a_list", name))
    for name in MODELS:
        rows = cast("Mapping[str, object]", tree).get(name)
        for nth, given in enumerate(cast("list[object]", rows) if isinstance(rows, list) else ()):
            found.take(name, (name, nth), given)
    return found


# --- rows


@dataclass
class _Sheet:
    """The rows of one sheet, the first of them with text is the heading. `place`: the place of the sheet in the file."""

    found: Read
    kind: str
    place: tuple[str, ...]
    heading: list[str] | None = None
    is_bad: bool = False

    def take(self, line: int, cells: Sequence[str], cell_faults: Sequence[tuple[int, str, dict[str, object]]]) -> None:
        if self.is_bad or not (cell_faults or any(cell.strip() for cell in cells)):
            return
        here = (*self.place, "line", line)
        if self.heading is None:
            self._take_heading(here, cells)
        elif any(cell.strip() for cell in cells[len(self.heading) :]):
            self.found.add(Fault("row_too_long", _name(here), {"columns": len(self.heading)}))
        elif cell_faults:
            for place, code, facts in cell_faults:
                column = self.heading[place] if place < len(self.heading) else ""
                self.found.add(Fault(code, f"{_name(here)}.{column}".removesuffix("."), facts))
        else:
            self._take_row(here, cells)

    def _take_heading(self, here: tuple[str | int, ...], cells: Sequence[str]) -> None:
        heading = [cell.strip() for cell in cells]
        while heading and not heading[-1]:
            heading.pop()
        self.heading = heading
        for fault in heading_faults(MODELS[self.kind], heading):
            self.is_bad = True
            self.found.add(Fault(fault.code, _name(here), fault.facts))

    def _take_row(self, here: tuple[str | int, ...], cells: Sequence[str]) -> None:
        filled = [*cells, *[""] * (len(self.heading or ()) - len(cells))]
        try:
            self.found.take(self.kind, here, from_row(MODELS[self.kind], self.heading or (), filled))
        except CellUnreadable as unreadable:
            self.found.add(Fault("cell_unreadable", f"{_name(here)}.{unreadable.column}"))
