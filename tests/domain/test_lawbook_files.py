"""Files of the law book: what is read, and the faults of invalid ones, all at once and each with its line or field."""

import io

import pytest

from services.catalogue.domain.content import Placed
from services.catalogue.files import strict_yaml
from services.catalogue.files.reading import MOST_ROWS, read
from services.catalogue.files.rows import MODELS, columns, from_row, sheet_of, to_row
from services.catalogue.files.shipped import shipped
from services.catalogue.files.writing import yaml_item
from shared.lawbook.items import kind_of
from shared.rejection import Rejected

CONTENT = shipped().content()


def faults(content: bytes, sheet: str | None = None) -> list[tuple[str, str | None]]:
    with pytest.raises(Rejected) as refusal:
        read(io.BytesIO(content), sheet)
    return [(fault.code, fault.field) for fault in refusal.value.faults]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", ("file_empty", "file")),
        (b"\x00\x01\x02", ("file_binary", "file")),
        (b"a\xff\xff\xffb", ("file_encoding", "file")),
        (b"PK\x03\x04 and no zip", ("file_not_a_workbook", "file")),
        (b"measures: [", ("yaml_unreadable", "file")),
        (b"measures: []\nmeasures: []\n", ("yaml_key_twice", "file")),
        (b"a: &a [1]\nb: *a\n", ("yaml_not_plain", "file")),
        (b"measures: " + b"[" * 100_000, ("yaml_not_plain", "file")),
        (b"measures: !!python/object/apply:os.system [ls]", ("yaml_not_plain", "file")),
        (b"? [a, b]\n: c\n", ("yaml_not_plain", "file")),
        (b"- just\n- a list\n", ("file_not_a_law_book", "file")),
        (b"just text", ("file_not_a_law_book", "file")),
        (b"mesures: []\n", ("kind_unknown", "file")),
        (b"measures: none\n", ("kind_not_a_list", "measures")),
        (b"measures: []\n", ("file_without_rows", "file")),
    ],
)
def test_a_file_that_is_no_law_book_is_refused_with_the_reason(content: bytes, fault: tuple[str, str]) -> None:
    assert faults(content) == [fault]


@pytest.mark.parametrize(
    ("content", "sheet", "fault"),
    [
        (b"code,name_zh,nmae_en\n", "regions", ("column_unknown", "line[1]")),
        (b"code,code\n", "regions", ("column_twice", "line[1]")),
        (b"code,name_zh\n410000,x,y\n", "regions", ("row_too_long", "line[2]")),
        (b'code,name_zh\n"410000,x\n', "regions", ("row_unreadable", "line[2]")),
        (b"measure_id,basis\nx,[{\n", "measures", ("cell_unreadable", "line[2].basis")),
    ],
)
def test_an_invalid_sheet_is_refused_with_the_line(content: bytes, sheet: str, fault: tuple[str, str]) -> None:
    assert faults(content, sheet) == [fault]


def test_every_invalid_item_is_reported_with_its_place() -> None:
    text = """
regions:
  - {code: "410000", name_zh: 河南省, parent: "000000", level: province}
  - {code: 410000, name_zh: 河南省, level: kingdom}
bases:
  - {basis_id: b, version: 0, document: 示例法, article: 第三条, issued_by: 示例, valid_from: soon}
  - 5
"""
    assert faults(text.encode()) == [
        ("field_invalid", "regions[1].code"),
        ("field_invalid", "regions[1].level"),
        ("field_invalid", "bases[0].version"),
        ("field_invalid", "bases[0].valid_from"),
        ("field_invalid", "bases[1]"),
    ]


def test_an_unknown_field_is_a_fault_also_inside_another_field() -> None:
    text = "domains: [{domain_id: d, name_zh: 示例, name_en: x, lists: [red], may_list: [], grades: [{kode: a}]}]"
    reported = faults(text.encode())
    assert ("field_invalid", "domains[0].grades[0].kode") in reported
    assert ("field_missing", "domains[0].grades[0].code") in reported


def test_lines_are_counted_as_a_person_does_also_after_cells_of_several_lines() -> None:
    rows = 'code,name_zh,parent,level\n410000,"河南\n省",000000,province\n\n41,x,000000,provinz\n'
    assert faults(rows.encode("gbk"), "regions") == [("field_invalid", "line[5].level")]


def test_more_rows_than_a_file_may_have_are_refused() -> None:
    rows = "category_id,name_zh,name_en\n" + "".join(f"c{n},x,x\n" for n in range(MOST_ROWS + 1))
    assert faults(rows.encode(), "categories") == [("file_too_many_rows", "file")]


def test_plain_scalars_are_read_as_they_look() -> None:
    text = "a: on\nb: 010000\nc: 2017-10-24\nd: 7\ne: true\nf: ~\ng: '7'\nh: 1e3\n"
    assert strict_yaml.load(text) == {
        "a": "on",
        "b": "010000",
        "c": "2017-10-24",
        "d": 7,
        "e": True,
        "f": None,
        "g": "7",
        "h": "1e3",
    }


@pytest.mark.parametrize("placed", [one for one in CONTENT.placed() if not one.place.startswith("regions")])
def test_every_item_that_ships_is_the_same_after_a_row_and_after_yaml(placed: Placed) -> None:
    item, sheet = placed.item, sheet_of(kind_of(placed.item))
    row = from_row(MODELS[sheet], list(columns(type(item))), to_row(item))
    assert MODELS[sheet].model_validate(row) == item
    [again] = read(io.BytesIO(f"{sheet}:\n{yaml_item(item)}".encode()), None).items
    assert again.item == item


def test_a_list_in_a_cell_may_be_written_by_hand() -> None:
    domains = from_row(MODELS["domains"], ["domain_id", "may_list"], ["tax", "a；b;c\nd"])
    assert domains["may_list"] == ["a", "b", "c", "d"]
