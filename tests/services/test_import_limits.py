"""What a hostile file, a broken upload or a worker that dies may cost: its own import, and nothing else."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from services.initiator.api.bodies import DecisionBody
from services.initiator.files import opening
from services.initiator.files.columns import COLUMNS
from services.initiator.jobs import workers
from shared.files.apart import Chunks, ReadingStopped
from shared.files.budget import Budget
from shared.rejection import Rejected
from tests.conftest import StartWorld
from tests.domain.test_hostile_files import CELL, a_sheet, a_workbook, cells_of
from tests.harness import eventually
from tests.services.test_imports import (
    a_row,
    approve,
    as_csv,
    checked,
    counts,
    look,
    nothing_is_kept_of_the_file,
    rejects,
    rows,
    until,
    upload,
)
from tests.services.test_initiator import lister, the_body, with_lawbook
from tests.subjects import INVENTED

SMALL = Budget(memory=256 * 1024**2, cpu_seconds=10, wall_seconds=20.0, text=10**9, spool=10**9)


DECISION = {"document_number": "示例〔2024〕2号", "facts": "示例事实", "legal_basis": "示例法第一条"}


def chunks_of(content: bytes, after: asyncio.Event | None = None) -> Chunks:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 1_000_000):
            yield content[at : at + 1_000_000]
        if after is not None:
            await after.wait()

    return chunks


async def total(chunks: Chunks, budget: Budget) -> int:
    async with opening.open_file(chunks, 0, budget) as file:
        return sum([len(group) async for group in file.groups])


def children() -> set[str]:
    """The ids of the processes that read files for this one."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {child for child in found if b"files.reading" in _command(child)}


def _command(child: str) -> bytes:
    try:
        return Path(f"/proc/{child}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


# --- the child process


MANY_CELLS = a_sheet((b"<row>" + CELL * 100 + b"</row>") * 20_000)
MANY_LISTS = b'{"facts": [' + b"[]," * 300_000 + b"[]]}"
MANY_ROWS = as_csv(rows(1_000)) * 20


@pytest.mark.parametrize(
    ("content", "budget", "code"),
    [
        (MANY_LISTS, Budget(40 * 1024**2, 10, 60.0, 10**9, 10**9), "file_needs_too_much_memory"),
        (MANY_CELLS, Budget(256 * 1024**2, 1, 60.0, 10**9, 10**9), "file_takes_too_long"),
        (MANY_CELLS, Budget(256 * 1024**2, 60, 0.2, 10**9, 10**9), "file_takes_too_long"),
        (MANY_ROWS, Budget(256 * 1024**2, 60, 60.0, 1_000_000, 10**9), "file_too_large"),
        (MANY_ROWS, Budget(256 * 1024**2, 60, 60.0, 10**9, 10_000), "file_too_large"),
    ],
    ids=["memory", "processor", "waiting", "text", "spool"],
)
async def test_a_file_that_exceeds_its_budget_is_refused_by_the_limit(
    content: bytes, budget: Budget, code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await total(chunks_of(content), budget)
    assert refused.value.faults[0].code == code
    assert not children()


async def test_the_loop_goes_on_while_a_file_is_read() -> None:
    reading = asyncio.create_task(total(chunks_of(as_csv(rows(1_000)) * 20), SMALL))
    slowest = 0.0
    while not reading.done():
        begun = time.thread_time()  # processor time of this thread: what others run on this machine does not count
        await asyncio.sleep(0.01)
        slowest = max(slowest, time.thread_time() - begun)
    assert await reading > 19_000 and slowest < 0.3


async def test_a_reader_that_is_killed_or_left_is_no_answer_and_leaves_no_process() -> None:
    never = asyncio.Event()
    reading = asyncio.create_task(total(chunks_of(as_csv(rows(10)), never), SMALL))
    child = (await eventually(_child)).pop()
    os.kill(int(child), signal.SIGKILL)
    with pytest.raises(ReadingStopped):
        await reading
    reading = asyncio.create_task(total(chunks_of(as_csv(rows(10)), never), SMALL))
    await eventually(_child)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not children()


async def _child() -> set[str]:
    return children()


async def test_a_file_that_cannot_be_handed_over_whole_is_not_read_as_a_whole_one() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield as_csv(rows(10))
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        await total(broken, SMALL)


async def test_the_reader_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANDONG_SECRET", "示例")
    never = asyncio.Event()
    reading = asyncio.create_task(total(chunks_of(b"", never), SMALL))
    child = (await eventually(_child)).pop()
    environment = await asyncio.to_thread(Path(f"/proc/{child}/environ").read_bytes)
    assert b"PYTHONPATH" in environment and b"LIANDONG" not in environment
    reading.cancel()


# --- imports


async def test_hostile_files_are_refused_while_good_ones_go_on(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        far = a_sheet(b'<row r="99999999999">' + CELL + b"</row>")
        hostile = [far, a_sheet(b"<row>" + CELL + b" " * 100_000_000 + b"</row>"), b'a","""\n' * 30_000, far]
        ids = [(await upload(w, http, content)).json()["import_id"] for content in hostile]
        good = await checked(w, http, as_csv(rows(10)))
        assert counts(good) == (10, 10, 0, 0) and good["total"] == 10
        found = [await until(w, http, import_id, "refused") for import_id in ids]
        assert [one["faults"][0]["code"] for one in found] == [
            *("sheet_row_too_far", "file_too_large", "file_quotes_broken", "sheet_row_too_far")
        ]
        assert all(one["faults"][0]["remedy"] and one["faults"][0]["field"] == "file" for one in found)


@pytest.mark.parametrize("step", ["check", "publish"])
async def test_an_import_whose_work_fails_again_and_again_is_refused_and_others_go_on(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.1)
    async with start("initiator") as w:
        http = await with_lawbook(w)
        found = await checked(w, http, as_csv(rows(3))) if step == "publish" else {}
        real, ill = workers.run_step, found.get("import_id", "")

        async def run_step(core: object, import_id: str, batch_rows: int) -> None:
            if import_id == ill:
                raise RuntimeError("示例")
            await real(core, import_id, batch_rows)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(workers, "run_step", run_step)
        if step == "publish":
            await approve(w, http, ill)
        else:
            ill = (await upload(w, http, as_csv(rows(3)))).json()["import_id"]
        good = await checked(w, http, as_csv(rows(3, start=100)))
        assert good["status"] == "checked"
        refused = await until(w, http, ill, "refused")
        assert (refused["faults"][0]["code"], refused["faults"][0]["facts"]) == ("import_failed", {"tries": 3})
        await w.restart("initiator")
        assert (await look(w, w.http("initiator"), ill))["status"] == "refused"


async def test_tries_of_workers_that_were_killed_are_counted_and_those_that_were_stopped_are_not(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_WORKERS", "0")
    async with start("initiator") as w:
        http = await with_lawbook(w)
        killed, other = [(await upload(w, http, as_csv(rows(3)))).json()["import_id"] for _ in range(2)]
        engine = w.services["initiator"].core.engine
        async with engine.begin() as connection:  # as three workers left it that were killed
            await connection.execute(text("UPDATE import_work SET tries = 3 WHERE import_id = :id"), {"id": killed})
        monkeypatch.setenv("LIANDONG_IMPORT_WORKERS", "1")
        await w.restart("initiator")
        http = w.http("initiator")
        assert (await until(w, http, other, "checked"))["good"] == 3
        assert (await until(w, http, killed, "refused"))["faults"][0]["code"] == "import_failed"
        tries = await w.rows("initiator", "SELECT tries FROM import_work")
        assert [row[0] for row in tries] == [0]


async def test_withdrawing_an_import_frees_its_worker(start: StartWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANDONG_IMPORT_WORKERS", "1")
    async with start("initiator") as w:
        http = await with_lawbook(w)
        real, begun, ended = workers.run_step, asyncio.Event(), asyncio.Event()

        async def run_step(core: object, import_id: str, batch_rows: int) -> None:
            """The first import never ends by itself."""
            if begun.is_set():
                return await real(core, import_id, batch_rows)  # pyright: ignore[reportArgumentType]
            begun.set()
            try:
                await asyncio.sleep(600)
            finally:
                ended.set()

        monkeypatch.setattr(workers, "run_step", run_step)
        slow = (await upload(w, http, as_csv(rows(3)))).json()["import_id"]
        await begun.wait()
        answer = await http.post(f"/v1/imports/{slow}/withdraw", headers=lister(w))
        assert answer.json()["status"] == "refused"
        assert (await checked(w, http, as_csv(rows(3, start=50))))["good"] == 3
        assert ended.is_set()


async def test_an_upload_that_breaks_off_is_refused_and_nothing_of_it_kept(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        headers = {**lister(w), "Content-Type": "multipart/form-data; boundary=b"}
        answer = await http.post("/v1/imports", content=head + as_csv(rows(5)), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "body_incomplete")
        assert await nothing_is_kept_of_the_file(w)


async def test_hidden_rows_are_imported_and_said(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)

        def hide(book: object) -> None:
            book.worksheets[0].row_dimensions[3].hidden = True  # type: ignore[attr-defined]

        content = a_workbook(["示例名单"], COLUMNS, *(cells_of(row) for row in rows(4)), change=hide)
        found = await checked(w, http, content)
        assert (*counts(found), found["total"], found["hidden_rows"]) == (4, 4, 0, 0, 4, 1)
        await approve(w, http, found["import_id"])
        done = await until(w, http, found["import_id"], "done")
        assert (done["published"], done["total"], done["hidden_rows"]) == (4, 4, 1)


async def test_a_mangled_number_and_one_control_character_reject_their_rows_only(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        number = int(INVENTED.person(3).resident_id[:17] + "0")
        bad = a_row(1) | {"scheme": "person", "name": "示例甲"}
        content = a_workbook(COLUMNS, cells_of(a_row(0)), cells_of({**bad, "number": number}))
        found = await checked(w, http, content)
        assert counts(found) == (2, 1, 1, 0)
        [row] = await rejects(w, http, found["import_id"])
        assert (row["line"], row["field"], row["code"]) == ("3", "number", "cell_digits_lost")
        assert "文本" in row["reason"] and "示例甲" not in row["row"]

        found = await checked(w, http, as_csv([a_row(5), a_row(6, facts="示例\x07")]))
        assert counts(found) == (2, 1, 1, 0)
        [row] = await rejects(w, http, found["import_id"])
        assert (row["line"], row["field"], row["code"]) == ("3", "facts", "text_control_character")


async def test_a_file_without_a_heading_leaves_nothing_of_its_first_row(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        person = INVENTED.person(4)
        content = as_csv([a_row(1, scheme="person", number=person.resident_id, name=person.name)]).split(b"\n", 1)[1]
        found = await checked(w, http, content)
        assert found["faults"][0]["code"] == "heading_missing"
        kept = str(found)
        for table in ("events", "imports", "import_rejects", "idempotency"):
            kept += "".join(str(row) for row in await w.rows("initiator", f"SELECT t::text FROM {table} t"))
        assert person.resident_id not in kept and person.name not in kept


async def test_one_decision_is_not_published_twice_by_a_space_that_nobody_sees(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        body = the_body(0)
        body["decision"]["document_number"] += "\u200b"
        answer = await http.post("/v1/entries", json=body, headers=lister(w))
        assert (answer.status_code, answer.json()["code"]) == (422, "text_invisible_character")
        assert answer.json()["faults"][0]["field"] == "decision.document_number"


@pytest.mark.parametrize("day", [0, 1.5, True, "2024-05-20T00:00:00+08:00", "2024-05-20T08:00:00", "0"])
async def test_a_number_or_a_moment_is_not_a_day_over_http_either(day: object) -> None:
    with pytest.raises(ValidationError):
        DecisionBody.model_validate({**DECISION, "decided_on": day})


@pytest.mark.parametrize("day", ["2024-05-20", "2024-05-20T00:00:00", "2024-05-20 00:00"])
async def test_midnight_without_a_zone_is_a_day_over_http(day: str) -> None:
    assert DecisionBody.model_validate({**DECISION, "decided_on": day}).decided_on == date(2024, 5, 20)
