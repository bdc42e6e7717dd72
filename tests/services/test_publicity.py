"""What the public sees: only what is public today, without keys of persons; and who reads the past (rows 3, 20, F4)."""

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import orjson
import pytest
from sqlalchemy import text

from liandong.soak.lawful import public_past_maximum
from services.catalogue.files.shipped import shipped
from shared.calendar.working_days import today
from shared.contracts.lawbook import Channel, ChannelKind, ChannelPurpose, Department
from shared.contracts.lawbook_events import DepartmentPublished, PolicyPublished
from shared.contracts.listing import Cause, Entry, EntryCorrected, EntryRepaired, Suspends
from shared.contracts.policy import PublicityLength
from shared.lawbook.terms import months_after
from shared.trust import OfficerRole
from tests.builders import a_department
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import VERSION, an_entry, published, recently, resumed, revoked, suspended
from tests.services.test_registry import settled
from tests.subjects import company, person

LAWBOOK = shipped().changes()
LIST = "/v1/lists/judgment-defaulters/black"
OFFICE, OTHER_OFFICE = "luoyang-credit-office", "example-credit-office"


def day_of(w: World) -> date:
    return today(w.services["registry"].core.clock.now())


async def move_to(w: World, day: date) -> None:
    """To noon of a day in Shanghai."""
    await w.move_clock(datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Asia/Shanghai")))


async def ask(w: World, path: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
    answer = await w.http("registry").get(path, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(w: World, path: str, headers: dict[str, str] | None = None, **params: Any) -> tuple[int, str]:
    answer = await w.http("registry").get(path, params=params, headers=headers)
    return answer.status_code, answer.json()["code"]


async def ids(w: World, path: str = LIST, **params: Any) -> list[str]:
    return [item["entry_id"] for item in (await ask(w, path, **params))["items"]]


async def listed(w: World, *entries: Entry) -> None:
    before = len(await w.rows("registry", "SELECT 1 FROM entries"))
    await w.publish(*map(published, entries))

    async def recorded() -> bool:
        return len(await w.rows("registry", "SELECT 1 FROM entries")) == before + len(entries)

    await eventually(recorded, what="the entries are recorded")


async def in_list(w: World, *expected: str) -> None:
    async def shown() -> bool:
        return await ids(w) == list(expected)

    await eventually(shown, what=f"{len(expected)} entries in the public list")


# --- publicity ends -------------------------------------------------------------------------------------------------


async def test_publicity_ends_by_itself_at_its_maximum_though_the_entry_goes_on(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w))
        entry = entry.model_copy(update={"term_to": months_after(entry.term_from, 120)})
        await listed(w, entry)
        until = months_after(entry.term_from, 36)
        [item] = (await ask(w, LIST))["items"]
        assert item["public_until"] == until.isoformat()
        await move_to(w, until)
        assert await ids(w) == [entry.entry_id]
        await move_to(w, until + timedelta(days=1))
        assert await ids(w) == []
        assert await ids(w, "/v1/public/search", q=entry.subject.name) == []
        [left] = (await ask(w, f"{LIST}/exits"))["items"]
        assert (left["entry_id"], left["left_on"]) == (entry.entry_id, (until + timedelta(days=1)).isoformat())
        office = w.bearer(OFFICE, OfficerRole.CREDIT_OFFICE)
        assert (await ask(w, "/v1/conflicts", office))["items"] == []
        await move_to(w, months_after(entry.term_from, 66))  # its sixth year
        assert await ids(w) == []


async def test_verify_finds_an_entry_that_is_public_past_its_maximum(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w))
        entry = entry.model_copy(update={"term_to": months_after(entry.term_from, 120)})
        await listed(w, entry)
        await in_list(w, entry.entry_id)
        engine = w.services["registry"].core.engine
        assert await public_past_maximum(engine) == []
        latest = months_after(entry.term_from, 36)
        for later in (latest + timedelta(days=1), None):
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE entries SET public_until = :later"), {"later": later})
            [sentence] = await public_past_maximum(engine)
            assert entry.entry_id in sentence
            assert f"may be until {latest} at most" in sentence


async def test_a_repaired_company_is_gone_for_the_public_on_every_day_and_read_by_its_credit_office(
    start: StartWorld,
) -> None:
    async with start("registry") as w:
        another = a_department(OTHER_OFFICE, region="320681", credit_office=True)
        await w.publish_lawbook(*LAWBOOK, DepartmentPublished(lawbook_version=VERSION + 1, department=another))
        entry = an_entry(company(w, 1), decided_on=recently(w))
        await listed(w, entry)
        yesterday = day_of(w) - timedelta(days=1)
        await w.publish(
            EntryRepaired(
                entry_id=entry.entry_id,
                subject=entry.subject.key,
                lawbook_version=VERSION,
                case_id="c1",
                reason="已纠正",
                document_number="示例〔2026〕3号",
            )
        )
        await in_list(w)
        assert await refusal(w, LIST, on=yesterday) == (403, "past_not_public")
        assert await refusal(w, LIST, on=day_of(w) + timedelta(days=1)) == (403, "past_not_public")
        assert await refusal(w, LIST, after=f"{day_of(w) - timedelta(days=3)}.") == (403, "past_not_public")
        assert await refusal(w, LIST, after="x") == (422, "cursor_unreadable")
        assert await ids(w, on=day_of(w)) == []

        history = f"{LIST}/history"
        office, auditor = (w.bearer(OFFICE, role) for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))
        for headers, region in ((office, None), (office, "410302"), (auditor, None), (auditor, "410300")):
            found = await ask(w, history, headers, on=yesterday, **({"region": region} if region else {}))
            expected = [] if region == "410302" else [(entry.entry_id, day_of(w).isoformat())]
            assert [(item["entry_id"], item["ended_on"]) for item in found["items"]] == expected
        elsewhere = w.bearer(OTHER_OFFICE, OfficerRole.CREDIT_OFFICE)
        assert (await ask(w, history, elsewhere, on=yesterday))["items"] == []
        assert await refusal(w, history, elsewhere, on=yesterday, region="410300") == (403, "outside_responsibility")
        assert await refusal(w, history, office, on=yesterday, region="410000") == (403, "outside_responsibility")
        assert await refusal(w, history, w.bearer("luoyang-court", OfficerRole.LISTER), on=yesterday) == (
            403,
            "forbidden_role",
        )


async def test_a_listing_that_spans_midnight_is_about_one_day_and_shows_nothing_that_is_gone(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        decided, day = recently(w), day_of(w)
        entries = [an_entry(company(w, nth), decided_on=decided) for nth in range(1, 5)]
        entries[2] = entries[2].model_copy(update={"term_to": day})
        later = an_entry(company(w, 9), decided_on=decided).model_copy(update={"term_from": day + timedelta(days=1)})
        await listed(w, *entries, later)
        first = await ask(w, LIST, limit=1)
        await move_to(w, day + timedelta(days=1))
        rest = await ask(w, LIST, after=first["next"])
        shown = [item["entry_id"] for item in (*first["items"], *rest["items"])]
        assert shown == [entries[0].entry_id, entries[1].entry_id, entries[3].entry_id]
        assert first["as_of"] == rest["as_of"] == day.isoformat()
        await move_to(w, day + timedelta(days=2))
        assert await refusal(w, LIST, after=first["next"]) == (403, "past_not_public")


async def test_a_later_policy_ends_publicity_on_the_day_on_which_it_comes(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w, 60))
        await listed(w, entry)
        await in_list(w, entry.entry_id)
        policy = next(
            one for one in shipped().policies if (one.policy_id, one.version) == ("state-publicity-and-repair", 2)
        )
        setting = policy.procedure.publicity_lengths
        assert setting is not None
        shorter = setting.model_copy(update={"value": (PublicityLength(at_most_months=1),)})
        procedure = policy.procedure.model_copy(update={"publicity_lengths": shorter})
        changes = {"version": 3, "effective_from": day_of(w), "procedure": procedure}
        await w.publish_lawbook(PolicyPublished(lawbook_version=VERSION + 1, policy=policy.model_copy(update=changes)))
        await in_list(w)
        [left] = (await ask(w, f"{LIST}/exits"))["items"]
        assert left["left_on"] == day_of(w).isoformat(), "it was public until yesterday"


async def test_a_suspension_of_publicity_takes_the_entry_out_while_it_lasts(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w))
        await listed(w, entry)
        await w.publish(suspended(entry, "c1"))
        await settled(w, 2)
        assert await ids(w) == [entry.entry_id], "measures are suspended, publicity is not"
        await w.publish(suspended(entry, "c1", Suspends.MEASURES, Suspends.PUBLICITY))
        await in_list(w)
        assert await ids(w, "/v1/public/search", q=entry.subject.name) == []
        assert await ids(w, f"{LIST}/exits") == [entry.entry_id]
        corrected = EntryCorrected(
            entry_id=entry.entry_id,
            subject=entry.subject.key,
            lawbook_version=VERSION,
            entry=entry.model_copy(update={"decision": entry.decision.model_copy(update={"facts": "示例：更正"})}),
            cause=Cause.ERROR,
            reason="示例",
            document_number="示例〔2026〕9号",
        )
        await w.publish(corrected)
        await settled(w, 4)
        assert await ids(w) == [], "a correction does not resume it"
        await w.publish(resumed(entry, "c1"))
        await in_list(w, entry.entry_id)
        assert await ids(w, f"{LIST}/exits") == []


async def test_a_lesser_grade_is_not_shown_even_if_it_was_published_as_public(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        lesser, serious = (
            an_entry(company(w, nth), domain="work-safety", grade=grade, decided_on=recently(w))
            for nth, grade in ((1, "ordinary"), (2, "serious"))
        )
        await listed(w, lesser, serious)
        assert await ids(w, "/v1/lists/work-safety/black") == [serious.entry_id]
        assert await ids(w, "/v1/public/search", q="示例") == [serious.entry_id]


async def test_entries_from_before_this_version_are_not_public_until_their_publicity_is_decided(
    start: StartWorld,
) -> None:
    """As the migration leaves them, and with events that are older than `publicity`."""
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w))
        await listed(w, entry)
        await eventually(lambda: w.rows("registry", "SELECT 1 FROM resolving WHERE finished_at IS NOT NULL"))
        async with w.services["registry"].core.engine.begin() as connection:
            await connection.execute(text("UPDATE entries SET public = false"))
            old = "UPDATE events SET data = (data::jsonb - 'publicity')::json WHERE type = 'registry.entry_recorded.v1'"
            await connection.execute(text(old))
            await connection.execute(text("DELETE FROM resolving"))
        await w.restart("registry")
        await in_list(w, entry.entry_id)
        [changed] = await w.rows("registry", "SELECT data FROM events WHERE type = 'registry.publicity_changed.v1'")
        assert orjson.loads(changed.data)["publicity"]["allowed"] is True


# --- what an item says ----------------------------------------------------------------------------------------------


async def test_lists_are_filtered_by_region_and_carry_names(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        luoyang, district, qidong = (
            an_entry(company(w, nth), decided_on=recently(w)).model_copy(update={"jurisdiction": region})
            for nth, region in ((1, "410300"), (2, "410302"), (3, "320681"))
        )
        await listed(w, luoyang, district, qidong)
        assert await ids(w, region="410300") == [luoyang.entry_id, district.entry_id]
        assert await ids(w, region="410302") == [district.entry_id]
        assert await ids(w, region="000000") == await ids(w)
        assert await refusal(w, LIST, region="999999") == (422, "unknown_region")
        answer = await w.http("registry").get(LIST, params={"regoin": "410302"})
        fault = answer.json()["faults"][0]
        assert (answer.status_code, fault["code"], fault["field"]) == (422, "unknown_parameter", "query.regoin")
        assert "region" in fault["facts"]["known"]
        page = await ask(w, LIST, region="410302")
        [item] = page["items"]
        assert item["domain_name_zh"] and item["domain_name_en"] and item["region_name_zh"]
        assert item["credit_office"] == OFFICE and item["credit_code"] == district.subject.key.removeprefix("uscc:")
        named = {one["department_id"]: one["name_zh"] for one in page["departments"]}
        assert named.keys() == {"luoyang-court", OFFICE} and all(named.values())


async def test_a_natural_person_appears_with_the_masked_name_only(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        subject = person(w, 1)
        entry = an_entry(subject, decided_on=recently(w))
        await listed(w, entry)
        texts = [(await w.http("registry").get(path)).text for path in (LIST, f"{LIST}.csv")]
        search = await w.http("registry").get("/v1/public/search", params={"q": subject.name})
        await w.publish(revoked(entry))
        await in_list(w)
        texts += [search.text, (await w.http("registry").get(f"{LIST}/exits")).text]
        for shown in texts:
            assert subject.name in shown
            assert subject.key not in shown and subject.key.removeprefix("person:") not in shown
            assert "sealed" not in shown and str(subject.sealed_name) not in shown


async def test_items_name_the_channels_for_objections(start: StartWorld) -> None:
    async with start("registry") as w:
        office = next(one for one in shipped().departments if one.department_id == OFFICE)
        channels = (
            Channel(kind=ChannelKind.PHONE, value="000-12345678（示例）"),
            Channel(kind=ChannelKind.WEBSITE, value="https://example.invalid/", purpose=ChannelPurpose.COMPLAINT),
        )
        reachable: Department = office.model_copy(update={"channels": channels, "example_settings": ("channels",)})
        await w.publish_lawbook(*LAWBOOK, DepartmentPublished(lawbook_version=VERSION + 1, department=reachable))
        await listed(w, an_entry(company(w, 1), decided_on=recently(w)))
        departments = {one["department_id"]: one["channels"] for one in (await ask(w, LIST))["departments"]}
        assert [one["value"] for one in departments[OFFICE]] == [one.value for one in channels]
        assert departments["luoyang-court"] == []


# --- exits and files ------------------------------------------------------------------------------------------------


async def test_exits_tell_who_left_since_a_day_and_not_why(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = [an_entry(company(w, nth), decided_on=recently(w)) for nth in range(1, 4)]
        private = an_entry(company(w, 5), decided_on=recently(w)).model_copy(update={"public": False})
        await listed(w, *entries, private)
        assert await ids(w, f"{LIST}/exits") == []
        await w.publish(*map(revoked, (entries[0], entries[2], private)))
        await settled(w, 7)
        day = day_of(w)
        first = await ask(w, f"{LIST}/exits", limit=1)
        rest = await ask(w, f"{LIST}/exits", after=first["next"], since=day)
        left = [*first["items"], *rest["items"]]
        assert [item["entry_id"] for item in left] == [entries[0].entry_id, entries[2].entry_id]
        assert {item["left_on"] for item in left} == {day.isoformat()} and rest["next"] is None
        assert left[0].keys() & {"reason", "cause", "ended_mode", "subject"} == set()
        assert await ids(w, f"{LIST}/exits", region="320681") == []
        assert await refusal(w, f"{LIST}/exits", since=months_after(day, -13)) == (422, "exits_too_old")
        await move_to(w, months_after(day, 12))
        assert await ids(w, f"{LIST}/exits") == [entries[0].entry_id, entries[2].entry_id]
        await move_to(w, months_after(day, 12) + timedelta(days=32))
        assert await ids(w, f"{LIST}/exits") == [], "an exit is no record for ever"


async def test_list_and_exits_are_downloaded_as_csv_and_as_a_workbook(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        bad = company(w, 2).model_copy(update={"name": "=示例(1+1)有限公司"})
        stays, goes = (an_entry(one, decided_on=recently(w)) for one in (bad, company(w, 1)))
        await listed(w, stays, goes)
        await w.publish(revoked(goes))
        await in_list(w, stays.entry_id)
        http = w.http("registry")
        for path, entry in ((LIST, stays), (f"{LIST}/exits", goes)):
            answer = await http.get(f"{path}.csv")
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
            assert row["entry_id"] == entry.entry_id and not row["name"].startswith("=")
            workbook = openpyxl.load_workbook(io.BytesIO((await http.get(f"{path}.xlsx")).content))
            heading, *found = workbook["黑名单"].iter_rows(values_only=True)
            assert [dict(zip(heading, one, strict=True))["entry_id"] for one in found] == [entry.entry_id]


# --- search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["白馬", "白马寺（洛陽）ab", "马寺(洛", "AB 文化", "ａｂ文化", "白 马 寺", "有限公司", "〔洛阳〕"],
)
async def test_a_name_is_found_by_any_part_of_it_however_it_is_written(query: str, start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        temple = company(w, 1).model_copy(update={"name": "示例白马寺（洛阳）Ab文化有限公司"})
        other = company(w, 2).model_copy(update={"name": "示例马白寺石刻厂"})
        await listed(w, *(an_entry(one, decided_on=recently(w)) for one in (temple, other)))
        found = (await ask(w, "/v1/public/search", q=query))["items"]
        assert [item["name"] for item in found] == [temple.name]
        code = temple.key.removeprefix("uscc:")
        assert [item["name"] for item in (await ask(w, "/v1/public/search", q=code))["items"]] == [temple.name]


async def test_blanks_and_single_characters_are_no_search_and_patterns_are_plain_text(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listed(w, an_entry(company(w, 1), decided_on=recently(w)))
        for query in ("", "  ", "\u3000\u3000", "示", " 示 "):
            assert await refusal(w, "/v1/public/search", q=query) == (422, "search_too_short"), query
        for query in ("%%", "__", "示_", "\\\\"):
            assert await ids(w, "/v1/public/search", q=query) == [], query
