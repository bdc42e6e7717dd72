"""Workbooks from outside: read as text within a size limit, and rejected if damaged."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from shared.files.workbook import Cell, open_workbook
from shared.rejection import Rejected

MAX_BYTES = 1024**2
SHEET = "xl/worksheets/sheet1.xml"


def a_workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(before.read(name)) if name == part else before.read(name))
    return made.getvalue()


def read(content: bytes, max_bytes: int = MAX_BYTES) -> list[tuple[int, list[Cell]]]:
    book = open_workbook(io.BytesIO(content), max_bytes)
    return [(row.number, row.cells) for row in book.rows(book.sheets[0])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (datetime(2024, 1, 2, 3, 4), "2024-01-02"),
        (date(2024, 1, 2), "2024-01-02"),
        (date(1900, 1, 5), "1900-01-05"),
        (7.0, "7"),
        (7.5, "7.5"),
        (7, "7"),
        ("示例", "示例"),
        ("甲_x000D_乙", "甲\r乙"),
        ("_x005F_x000D_", "_x000D_"),
        (123_456_789_012_345, "123456789012345"),
    ],
    ids=repr,
)
def test_a_cell_is_read_as_a_person_reads_it(value: object, text: str) -> None:
    assert read(a_workbook([value])) == [(1, [text])]


def test_rows_keep_their_numbers_and_empty_ones_are_left_out() -> None:
    assert read(a_workbook(["a", "b"], [], [date(2024, 1, 2), 3])) == [(1, ["a", "b"]), (3, ["2024-01-02", "3"])]


def test_a_sheet_that_understates_its_size_is_read_whole() -> None:
    content = changed(a_workbook(["a", "b"], [1, 2], [3, 4]), SHEET, lambda part: part.replace(b"A1:B3", b"A1"))
    assert read(content) == [(1, ["a", "b"]), (2, ["1", "2"]), (3, ["3", "4"])]


def test_rows_end_with_their_last_filled_cell() -> None:
    assert read(a_workbook([" "], ["a", "b", None, " "], [1], [1, 2, 3])) == [
        (2, ["a", "b"]),
        (3, ["1"]),
        (4, ["1", "2", "3"]),
    ]


def test_a_workbook_that_unfolds_to_more_than_its_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(Rejected) as refused:
        read(a_workbook(["a"]), max_bytes=100)
    assert [(fault.code, fault.facts) for fault in refused.value.faults] == [("file_too_large", {"limit": 100})]


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and no zip",
        changed(a_workbook(["a"]), "xl/workbook.xml", lambda part: part[:100]),
        changed(a_workbook(["a"]), "xl/workbook.xml", lambda part: part.replace(b"sheetId", b"number")),
        changed(a_workbook(["a"]), SHEET, lambda part: part[:-60]),
        changed(a_workbook(["a"]), SHEET, lambda part: part.replace(b'r="A1"', b'r="nowhere"')),
    ],
    ids=["no zip", "broken off", "unknown attribute", "sheet broken off", "cell without a place"],
)
def test_a_workbook_that_is_damaged_anywhere_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        read(content)
    assert [fault.code for fault in refused.value.faults] == ["file_not_a_workbook"]
