"""Entries in force are resolved again, once, when the law changes; before that, a draft is rehearsed (N6)."""

import asyncio
import csv
import io
from datetime import date
from typing import Any

import pytest

from services.catalogue.files.shipped import shipped
from services.registry.jobs import resolving
from services.registry.jobs.rehearsals import RehearsalWorker
from shared.contracts.event import DomainId, Topic
from shared.contracts.lawbook import (
    Basis,
    ListKind,
    Measure,
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import (
    LawbookChange,
)
from shared.contracts.listing import Entry, EntryPublished
from shared.contracts.response import EndMode, RefusalReason, ResponseAmended, ResponseDirected, ResponseEnded, Settled
from shared.lawbook.items import Item, publications
from shared.trust import OfficerRole
from tests.builders import a_measure, an_instrument
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import an_entry
from tests.policies import a_policy
from tests.subjects import company

OFFICE = "luoyang-credit-office"
ENDED = date(2020, 12, 31)


def punishment(version: int = 1, **changes: Any) -> Measure:
    """An invented punishment of judgment defaulters by an invented instrument."""
    standard: dict[str, Any] = {
        "works": Works.LASTING,
        "target": Target(lists=(ListKind.BLACK,), domains=(DomainId("judgment-defaulters"),)),
        "implementers": ("luoyang-court",),
        "basis": (Basis(document="示例〔2017〕9号", article="一", valid_from=date(2017, 1, 1)),),
        "instrument_id": "rehearsed-instrument",
        "on_error": Undoing.STOP,
        "effective_from": date(2017, 1, 1),
    }
    return a_measure("rehearsed", version, **{**standard, **changes})


INSTRUMENT = an_instrument("rehearsed-instrument", region="410300", in_force_from=date(2017, 1, 1))


def with_items(book: tuple[LawbookChange, ...], *items: Item) -> tuple[LawbookChange, ...]:
    return tuple(publications(items, book[-1].lawbook_version))


SHIPPED = shipped().changes()
LAWBOOK = (*SHIPPED, *with_items(SHIPPED, INSTRUMENT, punishment()))
VERSION = LAWBOOK[-1].lawbook_version
RETIRED = punishment(2, effective_to=ENDED)


async def listed(w: World, count: int) -> list[Entry]:
    """`count` companies, each with an entry on the black list of judgment defaulters."""
    entries = [an_entry(company(w, nth)) for nth in range(1, count + 1)]
    for entry in entries:
        await w.publish(
            EntryPublished(entry_id=entry.entry_id, subject=entry.subject.key, lawbook_version=VERSION, entry=entry)
        )

    async def settled() -> bool:
        return len(await w.seen(Topic.RESPONSE, Settled)) >= count

    await eventually(settled, what="the entries settled")
    return entries


async def lines_of(w: World, measure_id: str = "rehearsed") -> set[str]:
    directed = await w.seen(Topic.RESPONSE, ResponseDirected)
    return {line.line_id for event in directed for line in event.lines if line.measure_id == measure_id}


async def get(w: World, path: str, **params: str | int) -> dict[str, Any]:
    office = w.bearer(OFFICE, OfficerRole.CREDIT_OFFICE)
    answer = await w.http("registry").get(f"/v1/{path}", params=params, headers=office)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def resolved_by(w: World, version: int) -> dict[str, Any]:
    """The run through all entries by this version of the book, once it is finished."""

    async def finished() -> dict[str, Any]:
        runs = (await get(w, "resolving"))["items"]
        done = [run for run in runs if run["finished_at"] and run["lawbook_version"] >= version]
        return done[0] if done else {}

    return await eventually(finished, what=f"all entries resolved by law book {version}")


async def test_what_a_later_law_takes_away_is_ended_everywhere_once_with_the_reason_and_the_versions(
    start: StartWorld,
) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = await listed(w, 5)
        lines = await lines_of(w)
        assert len(lines) == 5
        [change] = with_items(LAWBOOK, RETIRED)
        await w.publish_lawbook(change)
        run = await resolved_by(w, change.lawbook_version)
        assert (run["subjects"], run["changed"]) == (5, 5)

        async def all_ended() -> list[ResponseEnded]:
            found = await w.seen(Topic.RESPONSE, ResponseEnded)
            return found if {line for event in found for line in event.lines} == lines else []

        ended = await eventually(all_ended, what="the lines ended")
        assert {event.mode for event in ended} == {EndMode.FROM_NOW}
        amended = await w.seen(Topic.RESPONSE, ResponseAmended)
        assert {event.entry_id for event in amended} == {entry.entry_id for entry in entries}
        assert {(e.before_lawbook_version, e.lawbook_version) for e in amended} == {(VERSION, change.lawbook_version)}
        assert all(event.reason for event in amended)
        [again] = with_items((*LAWBOOK, change), punishment(3, effective_to=ENDED))
        await w.publish_lawbook(again)
        assert (await resolved_by(w, again.lawbook_version))["changed"] == 0
        assert len(await w.seen(Topic.RESPONSE, ResponseEnded)) == len(ended), "nothing is ended twice"


async def test_a_run_that_is_interrupted_repeatedly_continues_from_its_cursor_and_ends_nothing_twice(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "LAW_KNOWN_AFTER_SECONDS", 3_600)
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 8)
        lines = await lines_of(w)
        core = w.services["registry"].core
        [change] = with_items(LAWBOOK, RETIRED)
        await w.publish_lawbook(change)

        async def known() -> bool:
            return (await core.lawbook.current()).version == change.lawbook_version

        await eventually(known, what="the law book")
        monkeypatch.setattr(resolving, "LAW_KNOWN_AFTER_SECONDS", 0)
        for nth in range(12):
            jobs = [resolving.ResolveAgainWorker(core, batch=1) for _ in range(3)]
            for job in jobs:
                job.start()
            await asyncio.sleep(0.01 * (nth % 4))
            for job in jobs:
                await job.stop()
        run = await resolved_by(w, change.lawbook_version)
        assert (run["subjects"], run["changed"]) == (8, 8)

        async def all_ended() -> list[str]:
            found = await w.seen(Topic.RESPONSE, ResponseEnded)
            ended: list[str] = [line for event in found for line in event.lines]
            return ended if set(ended) == lines else []

        ended = await eventually(all_ended, what="the lines ended")
        assert len(ended) == len(lines)


async def test_departments_and_the_ledger_end_the_lines_that_a_later_law_takes_away(start: StartWorld) -> None:
    async with start("registry", "executor", "feedback") as w:
        await w.publish_lawbook(*LAWBOOK)
        [entry] = await listed(w, 1)
        court = w.bearer("luoyang-court", OfficerRole.EXECUTOR)

        async def task(asks: str) -> dict[str, Any]:
            params = {"entry_id": entry.entry_id, "limit": 1_000}
            answered = await w.http("executor").get("/v1/tasks", params=params, headers=court)
            tasks: list[dict[str, Any]] = answered.json()["items"]
            found = [one for one in tasks if one["measure_id"] == "rehearsed" and one["asks"] == asks]
            return found[0] if found else {}

        async def answer(task_id: str, how: str, body: dict[str, str]) -> None:
            headers = w.writes("luoyang-court", OfficerRole.EXECUTOR)
            given = await w.http("executor").post(f"/v1/tasks/{task_id}/{how}", json=body, headers=headers)
            assert given.is_success, given.text

        directed = await eventually(lambda: task("answer"), what="the task")
        await answer(directed["task_id"], "apply", {})
        [change] = with_items(LAWBOOK, RETIRED)
        await w.publish_lawbook(change)
        ended = await eventually(lambda: task("undo"), what="the undoing asked for")
        assert (ended["end"]["reason"], ended["end"]["mode"]) == ("law_changed", "from_now")

        async def in_ledger(state: str) -> bool:
            office = w.bearer(OFFICE, OfficerRole.CREDIT_OFFICE)
            found = await w.http("feedback").get(f"/v1/entries/{entry.entry_id}/closure", headers=office)
            lines: list[dict[str, Any]] = found.json()["lines"] if found.is_success else []
            return [line["state"] for line in lines if line["line_id"] == ended["task_id"]] == [state]

        await eventually(lambda: in_ledger("undoing"), what="the ledger asks for the undoing")
        await answer(ended["task_id"], "undo", {"how": "stopped", "evidence": "示例〔2026〕3号"})
        await eventually(lambda: in_ledger("closed"), what="the line closed in the ledger")


async def test_a_harsher_law_changes_nothing_for_earlier_entries(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 2)
        [change] = with_items(LAWBOOK, punishment().model_copy(update={"measure_id": "harsher"}))
        await w.publish_lawbook(change)
        assert (await resolved_by(w, change.lawbook_version))["changed"] == 0
        assert await lines_of(w, "harsher") == set()


async def test_entries_are_resolved_again_on_a_day_on_which_something_ends(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 2)
        now = w.services["registry"].core.clock.now()
        ends = now.date().replace(year=now.year + 1, day=28)
        [change] = with_items(LAWBOOK, punishment(2, effective_to=ends))
        await w.publish_lawbook(change)
        assert (await resolved_by(w, change.lawbook_version))["changed"] == 0
        await w.move_clock(now.replace(year=now.year + 1, month=now.month, day=28).replace(hour=23, minute=59))

        async def ended() -> bool:
            found = await w.seen(Topic.RESPONSE, ResponseEnded)
            return {line for event in found for line in event.lines} == await lines_of(w)

        await eventually(ended, what="the lines ended with the measure")


async def rehearsed(w: World, body: dict[str, Any]) -> dict[str, Any]:
    """Start a rehearsal, and wait for the whole report."""
    headers = w.writes(OFFICE, OfficerRole.CREDIT_OFFICE)
    answer = await w.http("registry").post("/v1/rehearsals", json=body, headers=headers)
    assert answer.status_code == 202, answer.text

    async def done() -> dict[str, Any]:
        found = await get(w, f"rehearsals/{answer.json()['rehearsal_id']}")
        return found if found["state"] == "done" else {}

    return await eventually(done, what="the rehearsal done")


def as_json(*items: Item) -> list[dict[str, Any]]:
    return [item.model_dump(mode="json") for item in items]


async def test_a_draft_measure_is_rehearsed_on_the_live_files_and_nothing_is_written(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = await listed(w, 7)
        before = await w.rows("registry", "SELECT count(*) AS events, max(position) AS last FROM events")
        found = await rehearsed(w, {"items": {"measures": as_json(RETIRED)}})
        assert (found["subjects"], found["of_subjects"], found["entries"]) == (7, 7, 7)
        assert (found["added"], found["ended"], found["changed"]) == (0, 7, 7)
        page = await get(w, f"rehearsals/{found['rehearsal_id']}/differences", limit=5)
        rest = await get(w, f"rehearsals/{found['rehearsal_id']}/differences", after=page["next"], limit=2)
        assert rest["next"] is None, "the last page, exactly full"
        differences = [*page["items"], *rest["items"]]
        assert {one["entry_id"] for one in differences} == {entry.entry_id for entry in entries}
        assert {(one["what"], one["reason"], one["department"]) for one in differences} == {
            ("ended", RefusalReason.RETIRED.value, "luoyang-court")
        }
        assert await w.rows("registry", "SELECT count(*) AS events, max(position) AS last FROM events") == before
        assert (await w.services["registry"].core.lawbook.current()).version == VERSION


async def test_a_rehearsal_that_is_interrupted_repeatedly_reports_every_line_once(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = await listed(w, 6)
        core = w.services["registry"].core

        async def interrupt() -> None:
            for nth in range(10):
                jobs = [RehearsalWorker(core, batch=1) for _ in range(2)]
                for job in jobs:
                    job.start()
                await asyncio.sleep(0.01 * (nth % 4))
                for job in jobs:
                    await job.stop()

        found, _ = await asyncio.gather(rehearsed(w, {"items": {"measures": as_json(RETIRED)}}), interrupt())
        assert (found["subjects"], found["ended"]) == (6, 6)
        differences = (await get(w, f"rehearsals/{found['rehearsal_id']}/differences"))["items"]
        assert sorted(one["entry_id"] for one in differences) == sorted(entry.entry_id for entry in entries)
        assert [one["number"] for one in differences] == list(range(1, 7))


async def test_the_report_can_be_fetched_as_a_file(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 2)
        found = await rehearsed(w, {"items": {"measures": as_json(RETIRED)}})
        answer = await w.http("registry").get(
            f"/v1/rehearsals/{found['rehearsal_id']}/differences.csv",
            headers=w.bearer(OFFICE, OfficerRole.AUDITOR),
        )
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert [row["measure_id"] for row in rows] == ["rehearsed"] * 2
        assert "attachment" in answer.headers["content-disposition"]


async def test_the_two_modes_of_a_rehearsal_have_different_results(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 3)
        harsher = punishment().model_copy(update={"measure_id": "harsher"})
        now = await rehearsed(w, {"items": {"measures": as_json(harsher)}})
        assert (now["added"], now["ended"]) == (0, 0), "a harsher law does not reach back"
        then = await rehearsed(w, {"mode": "had_been_in_force", "items": {"measures": as_json(harsher)}})
        assert (then["added"], then["ended"]) == (3, 0)


async def test_a_draft_policy_reports_which_settings_would_change_for_how_many_entries(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 3)
        begins = date(2020, 1, 1)
        draft = a_policy(
            "draft", effective_from=begins, suspend_measures_on_objection=False, able_but_unwilling_matters=()
        )
        found = await rehearsed(w, {"items": {"policies": as_json(draft)}})
        assert found["settings"] == {"410300": {"procedure.suspend_measures_on_objection": 3}}, (
            "procedure is judged by today; a substance that begins after the decision does not apply to it"
        )


async def test_a_draft_that_contradicts_itself_is_refused_with_the_field(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, 1)
        headers = w.writes(OFFICE, OfficerRole.CREDIT_OFFICE)
        broken = a_policy("draft", plea_working_days=5, notice_before_listing=False)
        body = {"items": {"policies": as_json(broken), "measures": as_json(punishment(5))}}
        answer = await w.http("registry").post("/v1/rehearsals", json=body, headers=headers)
        assert answer.status_code == 422
        fields = {one["field"] for one in answer.json()["faults"]}
        assert fields == {"items[0].version", "items[1].procedure.plea_working_days"}
        slip = await w.http("registry").post(
            "/v1/rehearsals",
            json={"items": {"measures": [{"measure_id": "x", "versoin": 1}]}},
            headers=w.writes(OFFICE, OfficerRole.CREDIT_OFFICE),
        )
        assert slip.status_code == 422
        other = w.writes("luoyang-court", OfficerRole.LISTER)
        assert (await w.http("registry").post("/v1/rehearsals", json=body, headers=other)).status_code == 403
