"""Bulk import as officers meet it: files of every kind, rejects, approval, and workers that die on the way."""

import asyncio
import csv
import io
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import openpyxl
import orjson
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from sqlalchemy import event as sql_events
from sqlalchemy import text

from services.initiator.files.columns import COLUMNS
from services.initiator.files.reading import Record, csv_records, rows_of
from services.initiator.jobs.step import run_step
from shared.contracts.event import EntryId, Topic
from shared.contracts.listing import EntryPublished
from shared.files.child import ReadAgain
from shared.files.text import GB18030, UTF8, decoded_lines
from shared.rejection import Rejected
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, build, eventually
from tests.services.test_initiator import COURT, approver, lister, the_body, with_lawbook
from tests.subjects import INVENTED

CHINESE = [
    *("名单类型", "领域", "等级", "证件类型", "统一社会信用代码", "名称", "决定文书号", "决定日期", "事实", "依据"),
    *("行为终止日期", "告知日期", "陈述申辩截止日期", "期限开始", "期限结束", "辖区", "是否公示"),
    *("有履行能力但拒不履行", "相关责任人", "来源"),
]

Rows = Sequence[dict[str, str]]


def a_row(index: int, **values: str) -> dict[str, str]:
    company = INVENTED.company(index)
    sound = {
        "list_kind": "black",
        "domain_id": "judgment-defaulters",
        "scheme": "uscc",
        "number": company.credit_code,
        "name": company.name,
        "document_number": f"（2018）示例执{index}号",
        "decided_on": "2018-03-01",
        "facts": "示例事实，有能力履行而未履行",
        "legal_basis": "示例依据第一条",
        "term_from": "2018-03-01",
        "term_to": "2999-12-31",
        "jurisdiction": "410300",
        "public": "是",
    }
    return sound | values


def rows(count: int, start: int = 0) -> list[dict[str, str]]:
    return [a_row(index) for index in range(start, start + count)]


def as_csv(given: Rows, encoding: str = "utf-8", headings: Sequence[str] = COLUMNS) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(headings)
    writer.writerows([row.get(column, "") for column in COLUMNS] for row in given)
    return written.getvalue().encode(encoding)


async def upload(
    w: World, http: httpx.AsyncClient, content: bytes, key: str = "", name: str = "示例.csv"
) -> httpx.Response:
    return await http.post("/v1/imports", files={"file": (name, content)}, headers=lister(w, key=key))


async def look(w: World, http: httpx.AsyncClient, import_id: str) -> dict[str, Any]:
    answer = await http.get(f"/v1/imports/{import_id}", headers=w.bearer(COURT, OfficerRole.LISTER))
    return answer.json()


async def until(w: World, http: httpx.AsyncClient, import_id: str, *statuses: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any]:
        found = await look(w, http, import_id)
        return found if found["status"] in statuses else {}

    return await eventually(reached, what=f"import {' or '.join(statuses)}")


async def checked(w: World, http: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    answer = await upload(w, http, content)
    assert answer.status_code == 202, answer.text
    return await until(w, http, answer.json()["import_id"], "checked", "refused")


async def approve(w: World, http: httpx.AsyncClient, import_id: str) -> None:
    answer = await http.post(f"/v1/imports/{import_id}/approve", headers=approver(w))
    assert answer.status_code == 202, answer.text


async def published(w: World, http: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    found = await checked(w, http, content)
    await approve(w, http, found["import_id"])
    return await until(w, http, found["import_id"], "done")


async def rejects(w: World, http: httpx.AsyncClient, import_id: str, language: str = "zh") -> list[dict[str, str]]:
    headers = {**w.bearer(COURT, OfficerRole.LISTER), "Accept-Language": language}
    answer = await http.get(f"/v1/imports/{import_id}/rejects.csv", headers=headers)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["rows"], found["good"], found["rejected"], found["published"]


async def nothing_is_kept_of_the_file(w: World) -> bool:
    kept = [await w.rows("initiator", f"SELECT 1 FROM import_{table}") for table in ("chunks", "keys", "work")]
    return kept == [[], [], []]


# --- reading, in pieces


def read(content: bytes, piece: int = 1_000_000, encoding: str = UTF8) -> list[Record]:
    pieces = (content[at : at + piece] for at in range(0, len(content), piece))
    return list(csv_records(decoded_lines(pieces, encoding)))


@pytest.mark.parametrize("piece", [1, 2, 7, 1_000_000])
def test_rows_are_named_by_the_line_on_which_they_begin(piece: int) -> None:
    content = '\ufeffa,b\r\n1,"two\r\nlines"\r\n\r\n2,"示""例"\n"three\nmore\nlines",3\r\n4,end'.encode()
    assert read(content, piece) == [
        Record(1, ["a", "b"]),
        Record(2, ["1", "two\r\nlines"]),
        Record(5, ["2", '示"例']),
        Record(6, ["three\nmore\nlines", "3"]),
        Record(9, ["4", "end"]),
    ]


_CELLS = st.text(st.sampled_from('ab,"\r\n 示例'), max_size=6)


@examples(st.lists(st.lists(_CELLS, min_size=2, max_size=3), min_size=1, max_size=8), st.integers(1, 9))
def test_a_file_read_in_pieces_is_the_file_read_whole(table: list[list[str]], piece: int) -> None:
    written = io.StringIO()
    csv.writer(written).writerows(table)
    whole = [cells for cells in csv.reader(io.StringIO(written.getvalue(), newline="")) if any(map(str.strip, cells))]
    found = read(written.getvalue().encode("gb18030"), piece, encoding="gb18030")
    assert [record.cells for record in found] == whole


def test_an_unreadable_row_does_not_affect_the_others() -> None:
    found = read(b'a,b\n1,"x"y\n2,z\n3,"never closed\n4,w\n', 5)
    assert [(record.line, record.fault.code if record.fault else None) for record in found] == [
        (1, None),
        (2, "row_unreadable"),
        (3, None),
        (4, "row_unreadable"),
        (5, None),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\xef\xbb\xbf \r\n", "file_empty"),
        (b"a,b\n1,\x00\n", "file_binary"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_old_workbook"),
        ("a,b\n示例,1\n".encode("utf-16"), "file_binary"),
        (b"a,b\n\xff\xff\xff\n", "file_encoding"),
    ],
)
def test_a_file_that_is_not_text_is_detected_by_its_content(content: bytes, code: str) -> None:
    encodings = iter((UTF8, GB18030))
    with pytest.raises(Rejected) as rejected:
        for encoding in encodings:
            with suppress(ReadAgain):
                list(rows_of(io.BytesIO(content), COLUMNS, encoding).records)
    assert [fault.code for fault in rejected.value.faults] == [code]


def test_a_file_without_line_breaks_is_not_read_to_its_end() -> None:
    with pytest.raises(Rejected, match="file_line_too_long"):
        read(b"x" * 2_100_000, 1_000_000)


# --- files of every kind


async def test_a_file_is_checked_approved_by_another_officer_and_published(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        found = await checked(w, http, as_csv(rows(30)))
        assert counts(found) == (30, 30, 0, 0) and found["domains"] == ["judgment-defaulters"]
        own = await http.post(f"/v1/imports/{found['import_id']}/approve", headers=approver(w, subject="lister"))
        assert (own.status_code, own.json()["code"]) == (403, "four_eyes")
        other = await http.post(f"/v1/imports/{found['import_id']}/approve", headers=approver(w, "luoyang-work-safety"))
        assert (other.status_code, other.json()["code"]) == (403, "may_not_publish")

        await approve(w, http, found["import_id"])
        done = await until(w, http, found["import_id"], "done")
        assert counts(done) == (30, 30, 0, 30)
        assert await nothing_is_kept_of_the_file(w)

        async def arrived() -> list[EntryPublished]:
            events = await w.seen(Topic.LIST, EntryPublished)
            return events if len(events) == 30 else []

        events = await eventually(arrived)
        assert {event.import_id for event in events} == {found["import_id"]}
        assert {event.entry.subject.name for event in events} == {INVENTED.company(index).name for index in range(30)}
        assert all(event.entry.term_to is None and event.entry.public for event in events)
        page = await http.get(
            f"/v1/entries?import_id={found['import_id']}", headers=w.bearer(COURT, OfficerRole.LISTER)
        )
        assert len(page.json()["items"]) == 30


async def test_files_in_utf8_and_gbk_with_english_and_chinese_headings_are_read(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        for encoding in ("utf-8", "utf-8-sig", "gbk", "gb18030"):
            for headings in (COLUMNS, CHINESE):
                found = await checked(w, http, as_csv(rows(3), encoding, headings))
                assert (encoding, found["status"], *counts(found)) == (encoding, "checked", 3, 3, 0, 0)


async def test_workbooks_and_lines_of_json_are_read_too(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        sheet.append(list(COLUMNS))
        for row in [*rows(3), a_row(3, decided_on="2999-01-01")]:
            sheet.append([row.get(column) for column in COLUMNS])
        content = io.BytesIO()
        book.save(content)
        found = await checked(w, http, content.getvalue())
        assert counts(found) == (4, 3, 1, 0)
        assert [row["line"] for row in await rejects(w, http, found["import_id"])] == ["5"]

        lines = [orjson.dumps({**row, "public": True, "responsible": []}) for row in rows(3, start=10)]
        found = await published(w, http, b"\n".join([*lines, b'{"list_kind":', b'{"colour": "grey"}']))
        assert counts(found) == (5, 3, 2, 3)
        rejected = await rejects(w, http, found["import_id"])
        assert [(row["line"], row["code"]) for row in rejected] == [
            ("4", "json_unreadable"),
            ("5", "json_keys_unknown"),
        ]


WRONG_FILES = [
    (b"", "file_empty"),
    (as_csv([]), "file_without_rows"),
    (bytes(range(256)) * 50, "file_binary"),
    (b"PK\x03\x04 this is no workbook", "file_not_a_workbook"),
    (b"name,number\n\xff\xfe\xff,1\n", "file_encoding"),
    (b"name,number,colour\nx,1,red\n", "columns_missing"),
    (as_csv(rows(1), headings=[*COLUMNS[:-1], "name"]), "columns_twice"),
]


async def test_an_unreadable_file_is_refused_and_not_kept(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        for content, code in WRONG_FILES:
            found = await checked(w, http, content)
            assert (found["status"], found["faults"][0]["code"]) == ("refused", code)
            assert found["faults"][0]["remedy"]
            again = await http.post(f"/v1/imports/{found['import_id']}/approve", headers=approver(w))
            assert (again.status_code, again.json()["code"]) == (409, "wrong_step")
        assert await nothing_is_kept_of_the_file(w)


async def test_missing_and_unknown_columns_are_listed(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        found = await checked(w, http, as_csv(rows(1), headings=["备注", *COLUMNS[1:]]))
        assert [(fault["code"], fault["facts"]["columns"]) for fault in found["faults"]] == [
            ("columns_missing", ["list_kind"]),
            ("columns_unknown", ["备注"]),
        ]


# --- bad rows


async def test_twenty_bad_rows_of_two_hundred_are_reported_with_line_column_and_reason(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        given = rows(200)
        faults: list[dict[str, str]] = [
            {"number": "91410300MA0000000X"},
            {"domain_id": "nowhere"},
            {"legal_basis": ""},
            {"decided_on": "2999-01-01"},
            {"term_to": "2018-01-01"},
        ]
        for nth in range(20):
            given[nth * 10] |= faults[nth % 5]
        found = await checked(w, http, as_csv(given))
        assert counts(found) == (200, 180, 20, 0)
        rejected = await rejects(w, http, found["import_id"])
        assert [int(row["line"]) for row in rejected] == [nth * 10 + 2 for nth in range(20)]
        assert Counter((row["field"], row["code"]) for row in rejected) == {
            ("number", "credit_code_check_digit"): 4,
            ("domain_id", "unknown_domain"): 4,
            ("legal_basis", "field_missing"): 4,
            ("decided_on", "date_in_future"): 4,
            ("term_to", "end_before_start"): 4,
        }
        assert "尚未到来" in rejected[3]["reason"] and "示例" in rejected[3]["row"]
        in_english = await rejects(w, http, found["import_id"], "en")
        assert "which is in the future" in in_english[3]["reason"]

        await approve(w, http, found["import_id"])
        assert counts(await until(w, http, found["import_id"], "done")) == (200, 180, 20, 180)
        assert len(await rejects(w, http, found["import_id"])) == 20


async def test_quoted_line_breaks_count_as_lines_of_the_file(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        given = [a_row(0, facts="第一行\n第二行\n第三行"), a_row(1, decided_on="2999-01-01")]
        found = await checked(w, http, as_csv(given))
        assert [row["line"] for row in await rejects(w, http, found["import_id"])] == ["5"]


async def test_a_second_row_of_one_decision_names_the_first(start: StartWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_BATCH_ROWS", "2")
    async with start("initiator") as w:
        http = await with_lawbook(w)
        bad = a_row(1, legal_basis="")
        given = [a_row(0), a_row(0), bad, a_row(1), a_row(2), a_row(0), a_row(1)]
        found = await published(w, http, as_csv(given))
        assert counts(found) == (7, 3, 4, 3)
        rejected = await rejects(w, http, found["import_id"])
        assert [(row["line"], row["code"]) for row in rejected] == [
            ("3", "duplicate_in_file"),
            ("4", "field_missing"),
            ("7", "duplicate_in_file"),
            ("8", "duplicate_in_file"),
        ]
        assert (
            "第 2 行" in rejected[0]["reason"]
            and "第 2 行" in rejected[2]["reason"]
            and "第 5 行" in rejected[3]["reason"]
        )


async def test_what_was_published_since_the_check_becomes_a_reject(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        first, second = await checked(w, http, as_csv(rows(10))), await checked(w, http, as_csv(rows(10, start=5)))
        assert counts(second) == (10, 10, 0, 0)
        entry_id = (await http.post("/v1/entries", json=the_body(0), headers=lister(w))).json()["entry_id"]
        assert (await http.post(f"/v1/entries/{entry_id}/submit", headers=lister(w))).status_code == 200
        for found in (first, second):
            await approve(w, http, found["import_id"])
        done = [await until(w, http, found["import_id"], "done") for found in (first, second)]
        assert sum(one["published"] for one in done) == 14
        assert all(one["published"] + one["rejected"] == one["rows"] for one in done)
        third = await published_or_refused(w, http, rows(3))
        assert counts(third) == (3, 0, 3, 0)
        rejected = await rejects(w, http, third["import_id"])
        assert {row["code"] for row in rejected} == {"duplicate_entry"}
        assert entry_id in rejected[0]["reason"]


async def published_or_refused(w: World, http: httpx.AsyncClient, given: Rows) -> dict[str, Any]:
    """Check a file and try to approve it; one without good rows is not approved."""
    found = await checked(w, http, as_csv(given))
    if found["good"]:
        await approve(w, http, found["import_id"])
        return await until(w, http, found["import_id"], "done")
    refused = await http.post(f"/v1/imports/{found['import_id']}/approve", headers=approver(w))
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_publish")
    return found


async def test_a_persons_number_is_kept_nowhere_once_the_import_is_done(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        good, bad, other = (INVENTED.person(index) for index in (1, 2, 3))
        responsible = [{"role": "董事", "scheme": "person", "number": other.resident_id, "name": other.name}]
        given = [
            a_row(1, scheme="person", number=good.resident_id, name=good.name),
            a_row(2, scheme="person", number=bad.resident_id, name=bad.name, decided_on="2999-01-01"),
            a_row(3, responsible=orjson.dumps(responsible).decode()),
            a_row(4, responsible=orjson.dumps(responsible).decode(), legal_basis=""),
        ]
        found = await published(w, http, as_csv(given))
        assert counts(found) == (4, 2, 2, 2)
        kept = ""
        for table in ("events", "entries", "imports", "import_rejects", "import_chunks", "import_keys", "idempotency"):
            kept += "".join(str(row) for row in await w.rows("initiator", f"SELECT t::text FROM {table} t"))
        for person in (good, bad, other):
            assert person.resident_id not in kept and person.name not in kept


# --- the upload


async def test_the_same_file_under_one_key_is_one_import_and_another_file_refused(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        first = await upload(w, http, as_csv(rows(2)), key="once")
        again = await upload(w, http, as_csv(rows(2)), key="once")
        assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
        other = await upload(w, http, as_csv(rows(3)), key="once")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        both = await asyncio.gather(*(upload(w, http, as_csv(rows(4)), key="at once") for _ in range(4)))
        assert len({answer.json()["import_id"] for answer in both}) == 1
        pieces = await w.rows("initiator", "SELECT DISTINCT import_id FROM import_chunks")
        assert len(pieces) == 2


async def test_too_large_a_file_is_refused_and_nothing_of_it_kept(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_LARGEST_FILE", "2000000")
    async with start("initiator") as w:
        http = await with_lawbook(w)
        answer = await upload(w, http, b"x" * 2_000_001)
        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
        assert answer.json()["faults"][0]["field"] == "file"
        assert await nothing_is_kept_of_the_file(w)


async def test_a_file_larger_than_other_bodies_may_be_is_taken_in_pieces(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        wide = [row | {"facts": "示例事实" * 1_000} for row in rows(1_000)]
        content = as_csv(wide)
        assert len(content) > 10 * 1024 * 1024
        found = await checked(w, http, content)
        assert counts(found) == (1_000, 1_000, 0, 0) and found["size"] == len(content)
        assert len(await w.rows("initiator", "SELECT 1 FROM import_chunks")) == len(content) // 1024**2 + 1


async def test_a_request_without_a_file_is_refused(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        other = await http.post("/v1/imports", files={"other": ("x.csv", b"x")}, headers=lister(w))
        assert (other.status_code, other.json()["faults"][0]["field"]) == (422, "file")
        plain = await http.post("/v1/imports", content=b"x", headers=lister(w))
        assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media_type")
        two = await http.post("/v1/imports", files=[("file", ("a", b"x")), ("file", ("b", b"y"))], headers=lister(w))
        assert (two.status_code, two.json()["code"]) == (422, "several_files")
        broken = {**lister(w), "Content-Type": "multipart/form-data; boundary=b"}
        answer = await http.post("/v1/imports", content=b"no multipart at all", headers=broken)
        assert (answer.status_code, answer.json()["code"]) == (400, "body_unreadable")
        no_key = await http.post(
            "/v1/imports", files={"file": ("x", b"x")}, headers=w.bearer(COURT, OfficerRole.LISTER)
        )
        assert (no_key.status_code, no_key.json()["code"]) == (400, "idempotency_key_missing")
        assert await nothing_is_kept_of_the_file(w)


async def test_an_exactly_full_last_page_of_imports_has_no_next(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        ids = [(await upload(w, http, as_csv(rows(1, nth)))).json()["import_id"] for nth in range(4)]
        reader = w.bearer(COURT, OfficerRole.LISTER)
        first = (await http.get("/v1/imports?limit=2", headers=reader)).json()
        last = (await http.get(f"/v1/imports?limit=2&after={first['next']}", headers=reader)).json()
        assert [row["import_id"] for row in [*first["items"], *last["items"]]] == ids
        assert first["next"] is not None and last["next"] is None


async def test_an_import_is_withdrawn_with_its_file_and_seen_by_its_department_only(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        found = await checked(w, http, as_csv(rows(3)))
        path = f"/v1/imports/{found['import_id']}"
        others = w.bearer("luoyang-work-safety", OfficerRole.LISTER)
        assert (await http.get(path, headers=others)).status_code == 404
        assert (await http.get(f"{path}/rejects.csv", headers=others)).status_code == 404
        assert (await http.get("/v1/imports", headers=others)).json()["items"] == []
        assert (await http.get("/v1/imports/nonsense", headers=others)).status_code == 404
        office = w.bearer("luoyang-credit-office", OfficerRole.CREDIT_OFFICE)
        assert [one["import_id"] for one in (await http.get("/v1/imports", headers=office)).json()["items"]] == [
            found["import_id"]
        ]
        stale = await http.post(f"{path}/withdraw", headers={**lister(w), "If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        answer = await http.post(f"{path}/withdraw", headers=lister(w))
        assert answer.json()["status"] == "refused"
        assert (await look(w, http, found["import_id"]))["faults"][0]["code"] == "import_withdrawn"
        assert await nothing_is_kept_of_the_file(w)


async def test_unapproved_files_and_pieces_of_broken_uploads_are_deleted(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        found = await checked(w, http, as_csv(rows(3)))
        async with w.services["initiator"].core.engine.begin() as connection:
            for age in ("2 hours", "2 minutes"):
                await connection.execute(
                    text(
                        "INSERT INTO import_chunks (import_id, number, bytes, received_at)"
                        f" VALUES (gen_random_uuid(), 0, 'x', now() - interval '{age}')"
                    )
                )
        await w.move_clock(datetime.now(UTC) + timedelta(days=31))
        await w.restart("initiator")
        found = await until(w, w.http("initiator"), found["import_id"], "refused")
        assert [fault["code"] for fault in found["faults"]] == ["import_expired"]
        assert len(await w.rows("initiator", "SELECT 1 FROM import_chunks")) == 1


# --- workers that die


@pytest.mark.fault
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_event_is_lost_or_consumed_twice_when_workers_die_and_others_join(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_BATCH_ROWS", "7")
    chance = random.Random(seed)
    async with start("initiator") as w:
        await with_lawbook(w)
        given = rows(400)
        for index in range(0, 400, 40):
            given[index]["legal_basis"] = ""
        given[399] = a_row(398)
        second = build("initiator", w.settings)
        await second.start()
        import_id = (await upload(w, w.http("initiator"), as_csv(given))).json()["import_id"]
        status, approved = "checking", False
        while status != "done":
            await asyncio.sleep(chance.uniform(0.01, 0.4))
            await w.restart("initiator")
            if chance.random() < 0.5:
                await second.stop()
                second = build("initiator", w.settings)
                await second.start()
            status = (await look(w, w.http("initiator"), import_id))["status"]
            if status == "checked" and not approved:
                await approve(w, w.http("initiator"), import_id)
                approved = True
        await second.stop()

        assert counts(await look(w, w.http("initiator"), import_id)) == (400, 389, 11, 389)
        rejected = await rejects(w, w.http("initiator"), import_id)
        assert [int(row["line"]) for row in rejected] == [*range(2, 402, 40), 401]
        streams = await w.rows("initiator", "SELECT stream FROM events WHERE type = 'list.entry.published.v1'")
        assert len(streams) == len(set(streams)) == 389
        assert await nothing_is_kept_of_the_file(w)

        async def arrived() -> dict[str, EntryId]:
            """What consumers see: a relay that died may send again, under the same number."""
            found = await w.topic(Topic.LIST)
            seen = {envelope.event_id: event.entry_id for envelope, event in found if isinstance(event, EntryPublished)}
            return seen if len(seen) >= 389 else {}

        seen = await eventually(arrived)
        assert len(seen) == len(set(seen.values())) == 389


@pytest.mark.parametrize("step", ["check", "publish"])
async def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_WORKERS", "0")
    async with start("initiator") as w:
        http = await with_lawbook(w)
        aside = build("initiator", w.settings)  # never started: what its engine does, the work on imports does
        statements = 0

        def count(*given: Any) -> None:
            """The law book is read every half second, for any number of rows."""
            nonlocal statements
            statements += "lawbook_changes" not in given[2]

        costs: list[int] = []
        sql_events.listen(aside.core.engine.sync_engine, "before_cursor_execute", count)
        for size, begin in ((10, 0), (10, 100), (400, 1_000)):  # the first one also fills caches
            import_id = (await upload(w, http, as_csv(rows(size, begin)))).json()["import_id"]
            if step == "publish":
                await run_step(aside.core, import_id, batch_rows=1_000)
                await approve(w, http, import_id)
            statements = 0
            await run_step(aside.core, import_id, batch_rows=1_000)
            costs.append(statements)
        await aside.core.engine.dispose()
        assert costs[1] == costs[2]


async def test_a_file_that_does_not_say_whether_a_listing_is_public_is_refused_and_so_is_each_row(
    start: StartWorld,
) -> None:
    """As over HTTP: a black entry is not published in silence without publicity."""
    async with start("initiator") as w:
        http = await with_lawbook(w)
        without = [column for column in COLUMNS if column != "public"]
        written = io.StringIO()
        csv.writer(written).writerows([without, [a_row(0).get(column, "") for column in without]])
        refused = await checked(w, http, written.getvalue().encode())
        assert refused["status"] == "refused"
        assert [(fault["code"], fault["facts"]) for fault in refused["faults"]] == [
            ("columns_missing", {"columns": ["public"]})
        ]
        for content in (as_csv([a_row(0), a_row(1, public="")]), ndjson_without_public()):
            found = await checked(w, http, content)
            assert counts(found) == (2, 1, 1, 0)
            [reject] = await rejects(w, http, found["import_id"])
            assert (reject["field"], reject["code"]) == ("public", "field_missing")


def ndjson_without_public() -> bytes:
    """Two rows; the second does not say whether it is public."""
    second = {name: value for name, value in a_row(3).items() if name != "public"}
    return b"\n".join(map(orjson.dumps, [a_row(2), second]))


async def test_a_file_of_a_county_whose_lists_the_credit_office_publishes_is_approved_by_that_office(
    start: StartWorld,
) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        county, office = "puyang-county-court", "puyang-county-credit-office"
        file = {"file": ("示例.csv", as_csv([a_row(0, jurisdiction="410928")]))}
        sent = await http.post("/v1/imports", files=file, headers=lister(w, county))
        path = f"/v1/imports/{sent.json()['import_id']}"

        async def status() -> str:
            return (await http.get(path, headers=w.bearer(county, OfficerRole.LISTER))).json()["status"]

        async def is_checked() -> bool:
            return await status() == "checked"

        await eventually(is_checked)
        assert (await http.get(path, headers=w.bearer(office, OfficerRole.APPROVER))).status_code == 200
        own = await http.post(f"{path}/approve", headers=approver(w, county))
        assert (own.status_code, own.json()["code"]) == (403, "may_not_publish")
        assert (await http.post(f"{path}/approve", headers=approver(w, office))).status_code == 202
        [event] = await eventually(lambda: w.seen(Topic.LIST, EntryPublished))
        assert (event.entry.initiated_by, event.entry.published_by) == (county, office)
