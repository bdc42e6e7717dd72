"""CSV that spreadsheet programs open as text."""

import csv
import io

import pytest

from shared.files.csv_text import csv_line, no_formula


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_gets_a_leading_quote(start: str) -> None:
    assert no_formula(f"{start}1") == f"'{start}1"


def test_other_cells_stay_as_they_are() -> None:
    assert [no_formula(cell) for cell in ("", "1=1", "示例")] == ["", "1=1", "示例"]


def test_rows_are_read_back_unchanged() -> None:
    rows = [["a", 'with "quotes"'], ["b, c", "two\nlines"]]
    text = "".join(csv_line(row) for row in rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows
    assert csv_line(["a", "b"]) == "a,b\r\n"
