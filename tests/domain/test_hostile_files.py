"""Files that are broken, hostile or not what their name says: each is refused by its reason, or loses its bad rows only."""

import io
import time
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.initiator.files.columns import COLUMNS, REQUIRED
from services.initiator.files.heading import find_heading, whole_layout
from services.initiator.files.reading import Record, frames, rows_of
from services.initiator.files.rejects import masked
from services.initiator.files.rows import read_row
from services.initiator.jobs.batches import read_record
from shared.contracts.event import DepartmentId
from shared.files.child import ReadAgain, Summary
from shared.files.csv_text import as_written, csv_line, no_formula
from shared.files.multipart import FilePart, boundary_of
from shared.files.strict_json import KeyTwice, strict_json
from shared.identity import SubjectKeys, credit_code
from shared.identity.texts import unclean, unclean_prose, without_letters
from shared.rejection import Rejected
from tests.subjects import INVENTED

OFFICE = DepartmentId("example-office")
KEYS = SubjectKeys(b"x" * 32)
PERSON, COMPANY = INVENTED.person(1), INVENTED.company(1)


def a_row(**values: Any) -> dict[str, Any]:
    return {
        "list_kind": "black",
        "domain_id": "judgments",
        "scheme": "uscc",
        "number": COMPANY.credit_code,
        "name": COMPANY.name,
        "document_number": "示例〔2024〕2号",
        "decided_on": "2024-05-20",
        "facts": "示例事实",
        "legal_basis": "示例法第一条",
        "term_from": "2024-05-20",
        "jurisdiction": "410300",
        "public": "是",
    } | values


def cells_of(row: dict[str, Any]) -> list[Any]:
    return [row.get(column) for column in COLUMNS]


def code_of(content: bytes) -> str:
    """The code by which a file is refused."""
    with pytest.raises(Rejected) as refused:
        records(content)
    return refused.value.faults[0].code


def records(content: bytes) -> list[Record]:
    try:
        return list(rows_of(io.BytesIO(content), COLUMNS).records)
    except ReadAgain as again:
        return list(rows_of(io.BytesIO(content), COLUMNS, again.instruction["encoding"]).records)


def faults_of(content: bytes) -> list[list[tuple[str, str | None]]]:
    """The faults of each row behind the heading: code and column."""
    first, *others = records(content)
    if content.startswith(b"{"):
        layout, found = whole_layout(OFFICE), [first, *others]
    else:
        layout, found = find_heading([first], OFFICE)[0], others
    filled = [row._replace(cells=row.cells + [""] * (layout.width - len(row.cells))) for row in found]
    return [[(fault.code, fault.field) for fault in read_record(row, layout, KEYS)[2]] for row in filled]


# --- workbooks


def a_workbook(*rows: Sequence[Any], change: Callable[[Any], None] = lambda book: None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    change(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def a_sheet(xml: bytes, *, strings: bytes = b"") -> bytes:
    """A workbook whose only sheet has this content in `sheetData`."""
    made = io.BytesIO()
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/1.xml"/>'
            f'<Relationship Id="r2" Type="{relations}/sharedStrings" Target="strings.xml"/></Relationships>',
        )
        archive.writestr("xl/worksheets/1.xml", b"<worksheet><sheetData>" + xml + b"</sheetData></worksheet>")
        archive.writestr("xl/strings.xml", b"<sst>" + strings + b"</sst>")
    return made.getvalue()


CELL = b'<c t="inlineStr"><is><t>x</t></is></c>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (a_sheet(b'<row r="99999999999">' + CELL + b"</row>"), "sheet_row_too_far"),
        (a_sheet(b'<row r="2">' + CELL + b'</row><row r="2">' + CELL + b"</row>"), "sheet_row_twice"),
        (a_sheet(b'<row r="3">' + CELL + b'</row><row r="2">' + CELL + b"</row>"), "sheet_row_twice"),
        (a_sheet(b'<row><c r="XFD1" t="inlineStr"><is><t>x</t></is></c></row>'), "sheet_too_wide"),
        (a_sheet(b"<row>" + CELL + b" " * 100_000_000 + b"</row>"), "file_too_large"),
        (a_sheet(b"", strings=b"<si><t>ab</t></si>" * 4_000_001), "file_too_many_texts"),
        (a_sheet(b"", strings=b"<si/>" * 4_000_001), "file_too_many_texts"),
        (a_sheet(b'<row><c t="s"><v>5</v></c></row>'), "file_not_a_workbook"),
        (a_sheet(b'<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), "file_not_a_workbook"),
    ],
    ids=[
        *("row beyond the sheet", "row twice", "rows out of order", "last column", "white space", "many strings"),
        *("too many strings", "no such string", "cell twice"),
    ],
)
def test_a_workbook_that_costs_much_or_says_two_things_is_refused_at_once(content: bytes, code: str) -> None:
    begun = time.process_time()
    assert code_of(content) == code
    assert time.process_time() - begun < 10


def test_no_entity_of_a_workbook_is_expanded() -> None:
    laughs = a_workbook(["a"])
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(laughs)) as before, zipfile.ZipFile(made, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name.endswith("sheet1.xml"):
                part = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + part
            after.writestr(name, part)
    assert code_of(made.getvalue()) == "file_not_a_workbook"


def test_a_number_that_lost_digits_is_rejected_with_the_way_out() -> None:
    lost = int(PERSON.resident_id[:17] + "0")
    content = a_workbook(COLUMNS, cells_of(a_row(scheme="person", number=lost)), cells_of(a_row(number=10**15)))
    assert faults_of(content) == [[("cell_digits_lost", "number")]] * 2


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": "#N/A"}, ("cell_error", "name")),
        ({"name": "=A1&B1"}, ("cell_formula_without_value", "name")),
        ({"grade": "=1/0"}, ("cell_formula_without_value", "grade")),
        ({"name": "示例_x0007_公司"}, ("text_control_character", "name")),
        ({"name": "示例\u202e公司"}, ("text_invisible_character", "subject.name")),
        ({"document_number": "示例〔2024〕2号\u200b"}, ("text_invisible_character", "decision.document_number")),
        ({"name": "示\ufffd公司"}, ("text_damaged", "subject.name")),
    ],
)
def test_a_cell_that_says_nothing_sure_is_a_rejected_row(values: dict[str, str], fault: tuple[str, str]) -> None:
    assert faults_of(a_workbook(COLUMNS, cells_of(a_row(**values)), cells_of(a_row()))) == [[fault], []]


def test_a_carriage_return_as_spreadsheets_write_it_is_decoded() -> None:
    _, row = records(a_workbook(COLUMNS, cells_of(a_row(facts="甲_x000D_乙"))))
    assert row.cells[COLUMNS.index("facts")] == "甲\r乙"


def test_hidden_rows_are_taken_and_counted() -> None:
    def hide(book: Any) -> None:
        book.worksheets[0].row_dimensions[2].hidden = True

    content = a_workbook(COLUMNS, cells_of(a_row()), cells_of(a_row()), change=hide)
    [summary] = [frame for frame in frames(io.BytesIO(content), {"columns": COLUMNS}) if isinstance(frame, Summary)]
    assert summary.content == {"format": "xlsx", "encoding": "", "total": 3, "hidden_rows": 1}


def test_a_hidden_first_sheet_and_further_sheets_with_rows_are_refused() -> None:
    def hide_first(book: Any) -> None:
        book.create_sheet("b")
        book.worksheets[0].sheet_state = "hidden"

    assert code_of(a_workbook(COLUMNS, change=hide_first)) == "sheet_hidden"
    assert code_of(a_workbook(COLUMNS, change=lambda book: book.create_sheet("b").append(["x"]))) == "sheets_several"
    assert records(a_workbook(COLUMNS, change=lambda book: book.create_sheet("b")))


# --- what the file is


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n", "file_kind"),
        (b"\x89PNG\r\n\x1a\n\0\0", "file_kind"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "file_kind"),
        ("<html><table><tr><td>名称</td></tr></table>".encode(), "file_kind"),
        (b"\xef\xbb\xbf  <TABLE><tr></tr></TABLE>", "file_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "Workbook".encode("utf-16-le"), "file_old_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "file_password"),
        (b'[{"name": "x"}]', "file_json_array"),
        (b"name,number\n1,\0\n", "file_binary"),
    ],
)
def test_a_file_of_another_kind_is_named_as_what_it_is(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_a_file_that_is_utf8_but_for_some_bytes_is_not_read_as_another_encoding() -> None:
    good = csv_line(COLUMNS) + csv_line(map(str, cells_of(a_row())))
    assert len(records(good.encode())) == len(records(good.encode("gb18030"))) == 2
    for wrong in (
        good.encode() + "示例\n".encode("gbk"),
        good.encode()[:-40] + b"\xe7\xa4\n",
        b"\xef\xbb\xbfa,\xd6\xd0",
    ):
        assert code_of(wrong) == "file_encoding_mixed"


@examples(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=400))
def test_chinese_text_is_read_in_the_encoding_that_it_has(text: str) -> None:
    for encoding in ("utf-8", "gb18030"):
        assert [row.cells[0] for row in records(f"示例{text}".encode(encoding))] in ([f"示例{text}"],)


def test_rows_of_broken_quotes_take_time_by_their_number_and_not_its_square() -> None:
    begun = time.process_time()
    assert code_of(b"a,b\n" + b'a","""\n' * 30_000) == "file_quotes_broken"
    assert all(row.fault for row in records(b'"x\n",' * 400_000))
    assert time.process_time() - begun < 5


# --- heading


def test_a_file_without_a_heading_repeats_nothing_of_its_first_row() -> None:
    row = cells_of(a_row(scheme="person", number=PERSON.resident_id, name=PERSON.name))
    for rows in ([Record(1, [str(cell or "") for cell in row])], [Record(1, [PERSON.name, "名称"])]):
        with pytest.raises(Rejected) as refused:
            find_heading(rows, OFFICE)
        assert refused.value.faults[0].code == "heading_missing"
        assert PERSON.name not in str(refused.value.faults) and PERSON.resident_id not in str(refused.value.faults)


def test_an_unknown_heading_that_could_be_a_value_is_named_by_its_place() -> None:
    with pytest.raises(Rejected) as refused:
        find_heading([Record(1, [*REQUIRED, PERSON.resident_id, "备注"])], OFFICE)
    assert refused.value.faults[0].facts == {"columns": [f"#{len(REQUIRED) + 1}", "备注"]}


@pytest.mark.parametrize(("mark", "name"), [(";", ";"), ("\t", "TAB"), ("，", "，")])
def test_a_wrong_separator_is_named(mark: str, name: str) -> None:
    with pytest.raises(Rejected) as refused:
        find_heading(records(mark.join(COLUMNS).encode()), OFFICE)
    assert (refused.value.faults[0].code, refused.value.faults[0].facts) == ("separator_wrong", {"separator": name})


def test_a_title_above_the_heading_is_recognised_and_rows_above_it_are_not() -> None:
    title, heading, row = Record(1, ["示例名单", ""]), Record(3, list(COLUMNS)), Record(4, ["x"] * 5)
    assert find_heading([title, heading, row], OFFICE)[1] == 2
    with pytest.raises(Rejected, match="heading_not_first"):
        find_heading([Record(1, ["x"] * 5), heading], OFFICE)


def test_empty_columns_behind_the_last_heading_are_ignored_and_filled_ones_said() -> None:
    heading = [*COLUMNS, "", " "]
    layout, _ = find_heading([Record(1, heading)], OFFICE)
    cells = [str(cell or "") for cell in cells_of(a_row())]
    assert read_row([*cells, "", ""], layout)[1] == read_row(cells, layout)[1] == []
    assert [fault.code for fault in read_row([*cells, "x", ""], layout)[1]] == ["row_length"]
    between, _ = find_heading([Record(1, [*COLUMNS[:5], "", *COLUMNS[5:]])], OFFICE)
    assert [fault.code for fault in read_row([*cells[:5], "x", *cells[5:]], between)[1]] == ["cell_without_heading"]
    assert read_row([*cells[:5], "", *cells[5:]], between)[1] == []


# --- lines of JSON


def a_line(**values: Any) -> bytes:
    import orjson

    return orjson.dumps(a_row(**values))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (a_line(decided_on=0), ("value_type", "decided_on")),
        (a_line(name=["示例"]), ("value_type", "name")),
        (a_line(name=True), ("value_type", "name")),
        (a_line(name={"zh": "示例"}), ("value_type", "name")),
        (a_line(number=1), ("value_type", "number")),
        (a_line(public=1), ("value_type", "public")),
        (a_line(decided_on="2024-05-20T00:00:00+08:00"), ("day_unreadable", "decided_on")),
        (a_line()[:-1] + b',"name":"x"}', ("json_key_twice", None)),
        (a_line()[:-1] + b',"NAME":"x"}', ("json_key_twice", None)),
        (a_line(responsible='[{"role":"董事","role":"股东","scheme":"person","number":"1","name":"示"}]'),
         ("responsible_unreadable", "responsible")),
        (a_line() + b"}", ("json_unreadable", None)),
        (b'{"name":"\\ud800"}', ("json_unreadable", None)),
        (a_line(name="示例\0"), ("text_control_character", "name")),
    ],
)  # fmt: skip
def test_a_line_of_json_that_says_two_things_or_another_type_is_rejected(line: bytes, fault: tuple[str, str]) -> None:
    assert faults_of(a_line(public=True, responsible=[]) + b"\n" + line)[1][:1] == [fault]


def test_an_empty_object_is_a_rejected_row() -> None:
    [faults] = faults_of(b"{}")
    assert {code for code, _ in faults} == {"field_missing"}


def test_json_with_a_repeated_key_or_deep_nesting_is_no_json() -> None:
    with pytest.raises(KeyTwice):
        strict_json('{"a": {"b": 1, "b": 2}}')
    with pytest.raises(ValueError):
        strict_json("[" * 100_000 + "]" * 100_000)


# --- texts and numbers


def test_length_limits_come_before_normalisation() -> None:
    marks = "e" + "\u0301" * 80_000
    begun = time.process_time()
    for scheme in ("uscc", "person", "vessel", "person-passport"):
        with pytest.raises(Rejected):
            KEYS.of(scheme, marks)
    for column in COLUMNS:
        assert read_row([str(cell or "") for cell in cells_of(a_row(**{column: marks}))], whole_layout(OFFICE))[1]
    assert faults_of(b'{"' + marks.encode() + b'": 1}') == [[("json_keys_unknown", None)]]
    with pytest.raises(Rejected):
        find_heading([Record(1, [marks, "名称"])], OFFICE)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234567890123", "credit_code_is_old_number"),
        ("410300000000123", "credit_code_is_old_number"),
        ("12345678-9", "credit_code_is_organisation_code"),
        ("A1234567X", "credit_code_is_organisation_code"),
        ("示例公司", "credit_code_is_text"),
        ("example", "credit_code_is_text"),
        ("锟斤拷123", "text_damaged"),
        ("91410300\u200bMA", "text_invisible_character"),
        ("123", "credit_code_length"),
    ],
)
def test_the_true_reason_of_a_wrong_credit_code_is_said(text: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        credit_code(text, "number")
    assert (refused.value.faults[0].code, refused.value.faults[0].field) == (code, "number")


INVISIBLE = "\u00ad\u034f\u061c\u115f\u180e\u200b\u200d\u200f\u2028\u202e\u2060\u2066\u2800\u3164\ufe0f\ufeff\U000e0041"


@pytest.mark.parametrize("character", INVISIBLE)
def test_every_invisible_character_is_named(character: str) -> None:
    fault = unclean(f"示例{character}公司", "name")
    assert fault is not None and fault.code == "text_invisible_character"
    assert fault.facts == {"position": 3, "character": f"U+{ord(character):04X}"}


@pytest.mark.parametrize("text", ["\ufffd示例", "示\ue123例", "锟斤拷", "ä¸­å›½å…¬å¸", "示\ud800"])
def test_damaged_text_is_called_damaged(text: str) -> None:
    fault = unclean(text, "name")
    assert fault is not None and fault.code in ("text_damaged", "text_control_character")


@pytest.mark.parametrize(
    "text", ["示例（河南）有限公司", "Müller & Söhne GmbH", "示例·买买提", "𠮷野示例", "ＡＢＣ", ""]
)
def test_names_as_people_have_them_are_clean(text: str) -> None:
    assert unclean(text, "name") is None


def test_free_text_keeps_its_line_breaks_and_is_never_turned_round() -> None:
    assert unclean_prose("第一行\r\n\t第二行\u200b", "facts") is None
    fault = unclean_prose("示例\u202e", "facts")
    assert fault is not None and fault.code == "text_invisible_character"


@pytest.mark.parametrize(("name", "without"), [("-", True), ("？", True), ("", True), ("示", False), ("3M", False)])
def test_a_name_has_a_letter_or_a_digit(name: str, without: bool) -> None:
    assert without_letters(name) is without


@pytest.mark.parametrize("word", ["长期", "长期有效", "永久", "2999-12-31"])
def test_words_for_no_end_are_no_end(word: str) -> None:
    entry, faults = read_row([str(cell or "") for cell in cells_of(a_row(term_to=word))], whole_layout(OFFICE))
    assert entry is not None and not faults and entry.term_to is None


# --- rejects and CSV


@pytest.mark.parametrize("scheme", ["uscc", "person", "persn", "passport", ""])
@pytest.mark.parametrize("number", [PERSON.resident_id, PERSON.resident_id[:17], f" {PERSON.resident_id[:6]}-1", "X1"])
def test_no_name_and_no_number_that_could_be_a_persons_is_kept_of_a_rejected_row(scheme: str, number: str) -> None:
    cells = [str(cell or "") for cell in cells_of(a_row(scheme=scheme, number=number, name=PERSON.name))]
    cells[COLUMNS.index("facts")] = f"{PERSON.name}的示例事实"
    layout = whole_layout(OFFICE)
    for row in (masked(cells, layout), masked([*cells, "x"], layout), masked([PERSON.name], layout)):
        assert PERSON.name not in row and (number.strip() not in row or len(number) < 6)


@pytest.mark.parametrize("start", "=+-@＝＋－＠\t\r\n")
def test_every_start_of_a_formula_gets_a_quote(start: str) -> None:
    assert no_formula(f"{start}1") == f"'{start}1"


@examples(st.text(st.sampled_from("'=+-@＝＋－＠\t\rab示"), max_size=6))
def test_the_quote_before_a_formula_is_taken_away_again_and_no_other(text: str) -> None:
    assert as_written(no_formula(text)) == text


# --- multipart bodies

BODY = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x\0\xe2\x80\xae.csv"\r\n\r\nab,c\r\n--b--\r\n'


def received(body: bytes, piece: int = 7) -> bytes:
    part = FilePart(boundary_of("multipart/form-data; boundary=b"))
    found = b"".join(one for at in range(0, len(body), piece) for one in part.feed(body[at : at + piece]))
    part.end()
    return found


def test_a_whole_body_gives_its_file() -> None:
    assert received(BODY) == received(BODY + b"epilogue", 1) == b"ab,c"


@pytest.mark.parametrize("kept", range(1, len(BODY) - 4))
def test_a_body_without_its_closing_boundary_is_refused_wherever_it_breaks_off(kept: int) -> None:
    with pytest.raises(Rejected) as refused:
        received(BODY[:kept])
    assert refused.value.faults[0].code in ("body_incomplete", "body_unreadable")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            BODY.replace(b"--b--", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"x" * 70_000),
            "body_too_large",
        ),
        (b"--b\r\nX: " + b"y" * 70_000, "body_unreadable"),
        (b"--b\r\nX: y\r\n\r\n\r\n" * 21 + b"--b--", "body_unreadable"),
    ],
)
def test_what_is_not_the_file_is_limited(body: bytes, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        received(body)
    assert refused.value.faults[0].code == code


def test_a_boundary_of_five_thousand_characters_is_refused() -> None:
    with pytest.raises(Rejected, match="body_unreadable"):
        boundary_of("multipart/form-data; boundary=" + "b" * 5_000)
