"""CSV that spreadsheet programs open as text."""

import csv
import io

import pytest

from shared.files.csv_text import line, lines, no_formula


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_gets_a_leading_quote(start: str) -> None:
    assert no_formula(f"{start}1") == f"'{start}1"


def test_other_cells_stay_as_they_are() -> None:
    assert [no_formula(cell) for cell in ("", "1=1", "示例")] == ["", "1=1", "示例"]


def test_rows_are_read_back_unchanged() -> None:
    rows = [["a", 'with "quotes"'], ["b, c", "two\nlines"]]
    assert list(csv.reader(io.StringIO(lines(rows), newline=""))) == rows
    assert line(["a", "b"]) == "a,b\r\n"
    assert line(["a", "b"], end="") == "a,b"
