"""The catalogue over HTTP, and its events on the topic of the law book."""

import asyncio
import csv
import io
import itertools
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
import yaml
from httpx import Response

from services.catalogue.files.rows import columns, to_row
from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.lawbook import (
    Department,
    ItemKind,
    Measure,
)
from shared.contracts.lawbook_events import LawbookEvent
from shared.lawbook.items import SHAPES, Item
from shared.lawbook.policy import GROUPS
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually

SHIPPED = shipped()
CONTENT = SHIPPED.content()
OFFICE = next(d.department_id for d in SHIPPED.departments if d.credit_office)
ALL = len(SHIPPED.changes())
DEPARTMENTS = [item.model_dump(mode="json") for item in SHIPPED.departments]
ANOTHER_OFFICE = {"department_id": "example-office", "name_zh": "示例信用办", "credit_office": True}
CATEGORIES = [item.model_dump(mode="json") for item in SHIPPED.categories]


async def post(
    w: World, path: str, body: Any, officer: str = "first", department: str = OFFICE, **headers: str
) -> Response:
    given = {**w.writes(department, OfficerRole.CREDIT_OFFICE, subject=officer), **headers}
    return await w.http("catalogue").post(f"/v1/{path}", json=body, headers=given)


async def draft(w: World, kind: str, *items: Item | dict[str, Any]) -> str:
    body = [item if isinstance(item, dict) else item.model_dump(mode="json") for item in items]
    answer = await post(w, kind, {"items": body})
    assert answer.status_code == 201, answer.text
    return answer.json()["draft_id"]


async def publish(w: World, draft_id: str, officer: str = "second") -> dict[str, Any]:
    answer = await post(w, f"drafts/{draft_id}/publish", {}, officer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def enact(w: World, kind: str, *items: Item | dict[str, Any]) -> dict[str, Any]:
    return await publish(w, await draft(w, kind, *items))


async def load_all(w: World) -> Response:
    return await post(w, "drafts", {"title": "all", "content": CONTENT.model_dump(mode="json", exclude_defaults=True)})


async def founded(w: World) -> None:
    """The departments of the shipped book, and the kinds that they are of."""
    body = {"content": {"categories": CATEGORIES, "departments": DEPARTMENTS}}
    await publish(w, (await post(w, "drafts", body)).json()["draft_id"])


async def loaded(w: World) -> None:
    await publish(w, (await load_all(w)).json()["draft_id"])


async def ask(w: World, path: str, role: OfficerRole = OfficerRole.EXECUTOR, **query: Any) -> Response:
    headers = w.bearer("luoyang-court", role)
    return await w.http("catalogue").get(f"/v1/{path}", params=query, headers=headers)


async def get(w: World, path: str, role: OfficerRole = OfficerRole.EXECUTOR, **query: Any) -> Any:
    answer = await ask(w, path, role, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: Response, status: int) -> list[tuple[str, str | None]]:
    assert answer.status_code == status, answer.text
    return [(fault["code"], fault["field"]) for fault in answer.json()["faults"]]


# --- drafting and publishing


async def test_the_shipped_law_book_is_drafted_by_one_officer_and_published_by_another_without_a_gap(
    start: StartWorld,
) -> None:
    async with start("catalogue") as w:
        filed = (await load_all(w)).json()
        assert (filed["status"], filed["changes"], filed["lawbook_version"]) == ("open", len(CONTENT), 0)
        assert (await get(w, "version")) == {"lawbook_version": 0}
        published = await publish(w, filed["draft_id"])
        assert (published["lawbook_version"], len(published["published"])) == (ALL, len(CONTENT))

        again = await load_all(w)
        assert (again.status_code, again.json()["status"], again.json()["draft_id"]) == (200, "nothing_new", None)
        assert len(again.json()["unchanged"]) == len(CONTENT)

        async def on_topic() -> list[Any]:
            found = await w.topic(Topic.LAWBOOK)
            return found if len(found) == ALL else []

        events = [event for _, event in await eventually(on_topic, what="the whole book on its topic")]
        versions = [event.lawbook_version for event in events if isinstance(event, LawbookEvent)]
        assert versions == list(range(1, ALL + 1))


async def test_the_officer_who_drafted_it_neither_publishes_nor_returns_it(start: StartWorld) -> None:
    async with start("catalogue") as w:
        drafted = await draft(w, "departments", DEPARTMENTS[3])
        assert refusal(await post(w, f"drafts/{drafted}/publish", {}), 403) == [("four_eyes", None)]
        assert refusal(await post(w, f"drafts/{drafted}/return", {"reason": "示例"}), 403) == [("four_eyes", None)]
        assert (await get(w, "version")) == {"lawbook_version": 0}


async def test_a_draft_shows_what_it_would_change_and_what_was_decided(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        changed = {**DEPARTMENTS[0], "name_en": "Another name"}
        new = {**DEPARTMENTS[0], "department_id": "example-new"}
        drafted = await draft(w, "departments", changed, new)
        content = await get(w, f"drafts/{drafted}/content", OfficerRole.AUDITOR)
        assert [(item["new"], item["differences"]) for item in content["items"]] == [
            (False, [{"field": "name_en", "was": DEPARTMENTS[0]["name_en"], "now": "Another name"}]),
            (True, []),
        ]
        returned = await post(w, f"drafts/{drafted}/return", {"reason": "依据不足"}, "second")
        assert returned.json() == {"draft_id": drafted, "status": "returned"}
        one = await get(w, f"drafts/{drafted}", OfficerRole.AUDITOR)
        assert (one["status"], one["filed_by"], one["closed_by"], one["reason"]) == (
            "returned",
            "first",
            "second",
            "依据不足",
        )
        late = await post(w, f"drafts/{drafted}/publish", {}, "second")
        assert refusal(late, 409) == [("draft_closed", None)]
        statuses = [d["status"] for d in (await get(w, "drafts", OfficerRole.AUDITOR))["drafts"]]
        assert statuses == ["returned", "published"]
        assert (await get(w, "drafts", OfficerRole.AUDITOR, status="open"))["drafts"] == []


async def test_a_draft_is_withdrawn_by_its_own_department(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        drafted = await draft(w, "departments", {**DEPARTMENTS[0], "name_en": "Other"})
        await publish(w, await draft(w, "departments", {**DEPARTMENTS[0], **ANOTHER_OFFICE}))
        other = await post(w, f"drafts/{drafted}/withdraw", {"reason": "示例"}, department="example-office")
        assert refusal(other, 403) == [("forbidden_department", None)]
        own = await post(w, f"drafts/{drafted}/withdraw", {"reason": "示例"})
        assert own.json()["status"] == "withdrawn"


async def test_a_draft_that_no_longer_fits_is_refused_when_it_is_published(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        old = SHIPPED.measures[0]
        drafts = [
            await draft(w, "measures", old.model_copy(update={"version": 2, "text_en": text}))
            for text in ("One", "Two")
        ]
        await publish(w, drafts[0])
        late = await post(w, f"drafts/{drafts[1]}/publish", {}, "second")
        assert refusal(late, 422) == [("version_not_next", "measures[0].version")]
        assert (await get(w, f"drafts/{drafts[1]}", OfficerRole.AUDITOR))["status"] == "open"


async def test_a_list_with_faults_is_refused_whole_and_every_fault_is_reported(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        good, wrong = (m.model_dump(mode="json") for m in SHIPPED.measures[:2])
        good |= {"measure_id": "new-one"}
        wrong |= {"measure_id": "new-two", "implementers": ["nobody"], "instrument_id": "nothing"}
        answer = await post(w, "measures", {"items": [good, wrong]})
        assert refusal(answer, 422) == [
            ("unknown_department", "items[1].implementers[0]"),
            ("unknown_instrument", "items[1].instrument_id"),
        ]
        assert (await get(w, "drafts", OfficerRole.AUDITOR, status="open"))["drafts"] == []


async def test_an_unknown_field_of_an_item_is_refused(start: StartWorld) -> None:
    async with start("catalogue") as w:
        item = {**SHIPPED.policies[0].model_dump(mode="json"), "efective_to": "2027-01-01"}
        answer = await post(w, "policies", {"items": [item]})
        assert refusal(answer, 422) == [("field_invalid", "items[0].efective_to")]
        several = await post(w, "drafts", {"content": {"measures": [], "mesures": []}})
        assert refusal(several, 422) == [("field_invalid", "content.mesures")]


async def test_the_same_key_files_once_and_an_older_book_is_refused(start: StartWorld) -> None:
    async with start("catalogue") as w:
        body = {"content": {"categories": CATEGORIES, "departments": DEPARTMENTS}}
        first, second = [await post(w, "drafts", body, **{"Idempotency-Key": "departments"}) for _ in range(2)]
        assert (second.status_code, second.json()) == (first.status_code, first.json())
        await publish(w, first.json()["draft_id"])
        drafted = await draft(w, "departments", {**DEPARTMENTS[0], "name_en": "Other"})
        stale = await post(w, f"drafts/{drafted}/publish", {}, "second", **{"If-Match": '"0"'})
        assert refusal(stale, 409) == [("stale_version", None)]


async def test_drafts_published_at_the_same_time_leave_no_gap(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        before = (await get(w, "version"))["lawbook_version"]
        template = DEPARTMENTS[0]
        drafts = [
            await draft(w, "departments", *({**template, "department_id": f"example-{n}-{m}"} for m in range(3)))
            for n in range(5)
        ]
        await asyncio.gather(*(publish(w, drafted) for drafted in drafts))
        changes = (await get(w, "changes", limit=1000))["changes"]
        assert [change["lawbook_version"] for change in changes] == list(range(1, before + 16))


async def test_the_day_of_publication_is_that_of_the_service_clock(start: StartWorld) -> None:
    async with start("catalogue") as w:
        later = w.services["catalogue"].core.clock.now() + timedelta(days=30)
        await w.move_clock(later)
        await founded(w)
        [first, *_] = (await get(w, "changes"))["changes"]
        assert first["published_at"] >= later.isoformat()[:19]


# --- who may

WRITES = [
    *(f"{kind.value}" for kind in ItemKind),
    "drafts",
    "drafts/x/publish",
    "drafts/x/return",
    "drafts/x/withdraw",
    "measures/x/retire",
    "measures/x/confirm",
    "confirmations",
]


async def test_only_officers_of_the_credit_office_write(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        for path, role in itertools.product(
            WRITES, set(OfficerRole) - {OfficerRole.CREDIT_OFFICE, OfficerRole.OPERATOR}
        ):
            answer = await w.http("catalogue").post(f"/v1/{path}", json={}, headers=w.writes(OFFICE, role))
            assert refusal(answer, 403) == [("forbidden_role", None)], (path, role)
        for path in WRITES:
            anonymous = await w.http("catalogue").post(f"/v1/{path}", json={}, headers={"Idempotency-Key": "k"})
            assert anonymous.status_code == 401, path
        file = {"file": ("a.yaml", b"measures: []", "application/yaml")}
        upload = await w.http("catalogue").post(
            "/v1/imports", files=file, headers=w.writes(OFFICE, OfficerRole.AUDITOR)
        )
        assert refusal(upload, 403) == [("forbidden_role", None)]


READS = [
    "version",
    "changes",
    "working-days?start=2017-09-29&add=1",
    "unconfirmed",
    "measures",
    "measures/x",
    "measures/x/versions",
    "measures/x/compare?was=1&now=2",
    "measures/x/implementers?region=410300",
    "memoranda/x/content",
    "directory?region=410300",
    "regions/410300/lineage",
    "exports/yaml",
    "drafts",
    "drafts/x",
    "drafts/x/content",
]


async def test_the_law_book_is_public_and_drafts_are_for_those_who_oversee(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        for path in READS:
            anonymous = await w.http("catalogue").get(f"/v1/{path}")
            assert (anonymous.status_code == 401) is path.startswith(("drafts", "unconfirmed")), path
            headers = w.bearer("luoyang-court", OfficerRole.EXECUTOR)
            answer = await w.http("catalogue").get(f"/v1/{path}", headers=headers)
            assert (answer.status_code == 403) is path.startswith("drafts"), path


async def test_every_route_of_the_catalogue_is_among_those_whose_refusal_is_tested(start: StartWorld) -> None:
    async with start("catalogue") as w:
        routes = (await w.http("catalogue").get("/openapi.json")).json()["paths"]
        own = {path: set(methods) for path, methods in routes.items() if "/operations" not in path}
        tested = [(path.partition("?")[0], "get") for path in READS]
        tested += [(path, "post") for path in (*WRITES, "imports")]
        for path, methods in own.items():
            if path.startswith("/v1/"):
                form = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path.removeprefix("/v1/")))
                missing = {m for m in methods if not any(form.fullmatch(p) and m == method for p, method in tested)}
                assert not missing, path


async def test_officers_of_other_departments_change_nothing_once_there_is_a_credit_office(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        changed = {**DEPARTMENTS[0], "name_en": "Other"}
        other = "luoyang-court"
        outside = [
            await post(w, "departments", {"items": [changed]}, department=other),
            await post(
                w, "departments/luoyang-coal/retire", {"last_day": "2020-01-01", "reason": "x"}, department=other
            ),
            await post(w, "departments/luoyang-coal/confirm", {"settings": ["kind"], "note": "x"}, department=other),
        ]
        drafted = await draft(w, "departments", changed)
        outside += [
            await post(w, f"drafts/{drafted}/publish", {}, "second", "luoyang-court"),
            await post(w, f"drafts/{drafted}/return", {"reason": "x"}, "second", "luoyang-court"),
        ]
        assert [refusal(answer, 403) for answer in outside] == [[("not_a_credit_office", None)]] * 5


# --- reading


async def test_everyone_with_a_token_reads_the_newest_edition_page_by_page(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        seen: list[str] = []
        after: dict[str, Any] = {}
        while True:
            page = await get(w, "departments", limit=40, **after)
            seen += [item["department_id"] for item in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert seen == sorted(d.department_id for d in SHIPPED.departments)
        one = await get(w, f"measures/{SHIPPED.measures[0].measure_id}")
        assert one == SHIPPED.measures[0].model_dump(mode="json")
        assert (await get(w, "regions/410122"))["name_zh"] == "中牟县"
        assert (await get(w, "regions/410122/lineage"))["lineage"] == ["410122", "410100", "410000", "000000"]
        assert refusal(await ask(w, "measures/none"), 404) == [("unknown_id", "path.item_id")]


async def test_pages_follow_one_another_and_an_exactly_full_last_page_has_no_next(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        await draft(w, "departments", {**DEPARTMENTS[0], "name_en": "Other"})
        changes = (await get(w, "changes", limit=1000))["changes"]
        assert (await get(w, "changes", limit=len(changes)))["next"] is None
        assert (await get(w, "changes", limit=1, after=len(changes) - 1))["next"] is None
        by_ten = await pages(w, "changes", "changes", 10)
        assert [change for page in by_ten for change in page["changes"]] == changes
        assert [len(page["drafts"]) for page in await pages(w, "drafts", "drafts", 1)] == [1, 1]
        assert (await get(w, "drafts", OfficerRole.AUDITOR, limit=2))["next"] is None
        count = len(DEPARTMENTS)
        assert (await get(w, "departments", limit=count))["next"] is None
        [newest, oldest] = (await get(w, "drafts", OfficerRole.AUDITOR))["drafts"]
        assert (await get(w, f"drafts/{newest['draft_id']}/content", OfficerRole.AUDITOR, limit=1))["next"] is None
        content = f"drafts/{oldest['draft_id']}/content"
        first = await get(w, content, OfficerRole.AUDITOR, limit=1)
        last = await get(w, content, OfficerRole.AUDITOR, limit=1000, after=first["next"])
        assert (first["next"], last["next"]) == (1, None)
        assert len(first["items"] + last["items"]) == count + len(CATEGORIES)


async def pages(w: World, path: str, items: str, limit: int) -> list[dict[str, Any]]:
    """All pages of a list. Each follows the one before; none is empty."""
    found = [await get(w, path, OfficerRole.AUDITOR, limit=limit)]
    while found[-1]["next"] is not None:
        found.append(await get(w, path, OfficerRole.AUDITOR, limit=limit, after=found[-1]["next"]))
    assert all(page[items] for page in found)
    return found


async def test_a_policy_says_of_each_of_its_settings_whether_a_service_decides_by_it(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        county = await get(w, "policies/puyang-county-2022")
        uses = county["settings_in_use"]
        settings = {name for group in GROUPS for name, setting in county[group].items() if setting is not None}
        assert uses.keys() == settings
        assert uses["lists_published_by_credit_office"] == {"in_use": "enforced", "enforced_by": ["initiator"]}
        assert uses["tell_subject_basis"] == {"in_use": "planned", "enforced_by": []}
        listed = [p for p in (await get(w, "policies"))["items"] if p["policy_id"] == county["policy_id"]]
        [edition] = (await get(w, "policies/puyang-county-2022/versions"))["editions"]
        assert [one["settings_in_use"] for one in (*listed, edition["item"])] == [uses, uses]


async def test_lists_are_narrowed_to_a_region_or_a_domain(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        of_state = await get(w, "policies", region="000000")
        assert {item["region"] for item in of_state["items"]} == {"000000"}
        for_tax = await get(w, "measures", domain="tax", limit=1000)
        expected = {m.measure_id for m in SHIPPED.measures if not m.target.domains or "tax" in m.target.domains}
        assert {item["measure_id"] for item in for_tax["items"]} == expected
        of_luoyang = await get(w, "measures", region="410300", limit=1000)
        bound = {i.instrument_id for i in SHIPPED.instruments if i.region == "410300"}
        assert {item["measure_id"] for item in of_luoyang["items"]} == {
            m.measure_id for m in SHIPPED.measures if m.instrument_id in bound
        }
        assert refusal(await ask(w, "departments", domain="tax"), 422) == [("filter_not_for_kind", "query.domain")]
        assert refusal(await ask(w, "regions", region="410300"), 422) == [("filter_not_for_kind", "query.region")]


async def test_versions_of_a_measure_stay_and_are_compared(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        old = SHIPPED.measures[0]
        new = old.model_copy(update={"version": old.version + 1, "text_en": "Another wording"})
        published = await enact(w, "measures", new)
        assert published == {"lawbook_version": ALL + 1, "published": [old.measure_id], "retired": []}
        path = f"measures/{old.measure_id}"
        assert (await get(w, path))["text_en"] == "Another wording"
        assert (await get(w, path, version=old.version)) == old.model_dump(mode="json")
        editions = (await get(w, f"{path}/versions"))["editions"]
        assert [edition["item"]["version"] for edition in editions] == [old.version, new.version]
        compared = await get(w, f"{path}/compare", was=1, now=2)
        assert compared["differences"] == [{"field": "text_en", "was": old.text_en, "now": "Another wording"}]
        assert compared["measures"] is None
        since = await get(w, "changes", after=ALL)
        assert [(c["kind"], c["item"]["measure_id"]) for c in since["changes"]] == [("measures", old.measure_id)]


async def test_two_editions_of_the_list_of_measures_are_compared_measure_by_measure(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        first = next(one for one in SHIPPED.measure_lists if one.list_id == "puyang-county")
        second = first.model_copy(update={"version": 2, "recommended": first.recommended[1:]})
        await enact(w, "measure-lists", second)
        compared = await get(w, "measure-lists/puyang-county/compare", was=1, now=2)
        assert compared["measures"] == {
            "added": [],
            "removed": [first.recommended[0].measure_id],
            "reclassified": [],
            "reworded": [],
        }
        assert refusal(await ask(w, "measure-lists/puyang-county/compare", was=1, now=3), 404) == [
            ("unknown_id", "query.now")
        ]


async def test_a_department_is_compared_as_of_two_versions_of_the_book(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        before = (await get(w, "version"))["lawbook_version"]
        await enact(w, "departments", {**DEPARTMENTS[0], "name_en": "Other"})
        path = f"departments/{DEPARTMENTS[0]['department_id']}/compare"
        compared = await get(w, path, was=before, now=before + 1)
        assert [one["field"] for one in compared["differences"]] == ["name_en"]


async def test_implementers_and_checking_departments_are_resolved_for_a_region(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        by_kind = await get(w, "measures/S002-138/implementers", region="410122")
        assert {one["category_id"] for one in by_kind["implementers"]} == {"industry-authorities"}
        assert {one["department"]["region"] for one in by_kind["implementers"]} == {"410122"}
        followed = await get(w, "memoranda/hexinyongban-2023-27/content")
        assert [one["instrument_id"] for one in followed["follows"]] == ["guofa-2016-33"]
        assert len(followed["measures"]) == 33
        directory = await get(w, "directory", region="320681")
        checks = {one["matter"]["matter_id"]: one["checked_by"] for one in directory["matters"]}
        assert "qidong-administrative-approval" in checks["administrative-licence"]
        in_luoyang = (await get(w, "directory", region="410300"))["matters"]
        bodies = {body for one in in_luoyang for body in one["checked_by"]}
        assert {body.partition("-")[0] for body in bodies} == {"luoyang"}
        assert {name.partition("-")[0] for one in in_luoyang for name in one["measures"]} == {"S000"}
        assert (await ask(w, "measures/none/implementers", region="410122")).status_code == 404
        for unknown in ("memoranda/none/content", "regions/990000/lineage"):
            assert (await ask(w, unknown)).status_code == 404
        assert refusal(await ask(w, "regions/410122/lineage", region="410122"), 422) == [
            ("unknown_parameter", "query.region")
        ]


async def test_the_directory_of_a_region_names_channels_for_objections_credit_offices_first(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        assert (await get(w, "directory", region="410300"))["reachable"] == [], "no document states any"
        phone = {"kind": "phone", "value": "000-12345678（示例）", "purpose": "objection"}
        for department_id, region, office in (
            ("example-a", "410302", False),
            ("example-b", "410300", True),
            ("example-c", "320681", True),
        ):
            names = {"name_zh": "示例部门", "name_en": "Example", "channels": [phone], "example_settings": ["channels"]}
            item = {"department_id": department_id, "region": region, "credit_office": office, **names}
            await enact(w, "departments", item)
        found = (await get(w, "directory", region="410302"))["reachable"]
        assert [one["department_id"] for one in found] == ["example-b", "example-a"]
        assert found[0]["channels"] == [phone]


# --- example settings


async def test_example_settings_are_listed_until_the_credit_office_confirms_them(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        assert (await get(w, "unconfirmed"))["items"]["measures"] == 141
        waiting = (await get(w, "measures", unconfirmed=True, limit=1000))["items"]
        assert len(waiting) == 141
        one = next(item for item in waiting if item["measure_id"] == "S000-013")
        confirmation = {"settings": one["example_settings"], "note": "示例〔2026〕2号"}
        confirmed = await post(w, "measures/S000-013/confirm", confirmation)
        assert confirmed.json() == {"lawbook_version": ALL + 1, "settings": len(one["example_settings"])}
        assert (await get(w, "unconfirmed"))["items"]["measures"] == 140
        assert (await get(w, "measures/S000-013")) == {**one, "example_settings": []}
        editions = (await get(w, "measures/S000-013/versions"))["editions"]
        assert [(e["change"], e["said"]) for e in editions] == [("published", None), ("confirmed", "示例〔2026〕2号")]
        again = await post(w, "measures/S000-013/confirm", confirmation)
        assert {code for code, _ in refusal(again, 422)} == {"setting_not_open"}
        assert (await load_all(w)).status_code == 200


async def test_many_settings_are_confirmed_by_one_decision_or_none(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        asked: list[dict[str, Any]] = [
            {"kind": "domains", "item_id": "tax", "settings": ["lists"]},
            {"kind": "measures", "item_id": "S000-014", "settings": ["force", "no-such-setting"]},
        ]
        refused = await post(w, "confirmations", {"confirmations": asked, "note": "示例"})
        assert refusal(refused, 422) == [("setting_not_open", "confirmations[1].settings[1]")]
        asked[1]["settings"] = ["force"]
        done = await post(w, "confirmations", {"confirmations": asked, "note": "示例"})
        assert done.json()["settings"] == 2
        assert "lists" not in (await get(w, "domains/tax"))["example_settings"]


# --- retirement


async def test_an_item_is_retired_by_two_officers_and_its_end_is_shown(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        day = {"last_day": "2027-12-31", "reason": "依据废止"}
        drafted = await post(w, "measures/S000-013/retire", day)
        assert drafted.status_code == 201
        assert (await get(w, "measures/S000-013"))["effective_to"] is None
        published = await publish(w, drafted.json()["draft_id"])
        assert published["retired"] == ["S000-013"]
        assert (await get(w, "measures/S000-013"))["effective_to"] == "2027-12-31"
        editions = (await get(w, "measures/S000-013/versions"))["editions"]
        assert [(e["change"], e["said"]) for e in editions] == [("published", None), ("retired", "依据废止")]
        assert (await post(w, "measures/S000-013/retire", day)).json()["status"] == "nothing_new"
        again = await post(w, "measures/S000-013/retire", {**day, "last_day": "2028-12-31"})
        assert refusal(again, 409) == [("retired_already", "item_id")]
        region = await post(w, "regions/410300/retire", day)
        assert refusal(region, 422) == [("not_retirable", "kind")]


async def test_a_basis_that_ends_is_lost_to_every_measure_and_the_book_can_be_rebuilt(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        basis = SHIPPED.measures[0].basis_ids[0]
        drafted = await post(w, f"bases/{basis}/retire", {"last_day": "2026-12-31", "reason": "失效"})
        await publish(w, drafted.json()["draft_id"])
        assert (await get(w, f"bases/{basis}"))["valid_to"] == "2026-12-31"
        before = await w.rows("catalogue", "SELECT to_jsonb(items)::text FROM items ORDER BY 1")
        await w.services["catalogue"].rebuild(lambda _: None).run()
        assert await w.rows("catalogue", "SELECT to_jsonb(items)::text AS again FROM items ORDER BY 1") == before


# --- files


async def upload(w: World, name: str, content: bytes, officer: str = "first", **query: str) -> Response:
    headers = w.writes(OFFICE, OfficerRole.CREDIT_OFFICE, subject=officer)
    file = {"file": (name, content, "application/octet-stream")}
    return await w.http("catalogue").post("/v1/imports", params=query, files=file, headers=headers)


async def export(w: World, form: str, **query: Any) -> bytes:
    answer = await ask(w, f"exports/{form}", **query)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("form", ["yaml", "xlsx"])
async def test_what_is_exported_is_the_book_and_importing_it_again_changes_nothing(
    start: StartWorld, form: str
) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        ended = await post(w, "measures/S000-013/retire", {"last_day": "2027-12-31", "reason": "依据废止"})
        await publish(w, ended.json()["draft_id"])
        await post(w, "measures/S000-014/confirm", {"settings": ["force"], "note": "示例"})
        again = await upload(w, f"book.{form}", await export(w, form))
        assert (again.status_code, again.json()["status"]) == (200, "nothing_new"), again.text
        assert len(again.json()["unchanged"]) == len(CONTENT)


async def test_each_kind_is_exported_as_csv_and_imported_again(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        for kind, shape in SHAPES.items():
            content = await export(w, "csv", kind=kind.value)
            assert content.startswith(b"\xef\xbb\xbf")
            again = await upload(w, "items.csv", content, kind=kind.value)
            assert sorted(set(again.json()["unchanged"])) == [one[shape.key] for one in await every(w, kind)]


async def every(w: World, kind: ItemKind) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await get(w, kind.value, limit=1000, **after)
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def sheet(model: type[Department | Measure], *items: Department | Measure) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([list(columns(model)), *(to_row(item) for item in items)])
    return out.getvalue()


async def test_a_csv_file_in_gbk_becomes_a_draft_and_its_faults_are_reported_by_line(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        new = SHIPPED.departments[0].model_copy(update={"department_id": "example-new", "name_zh": "示例局"})
        filed = await upload(w, "departments.csv", sheet(Department, new).encode("gbk"), kind="departments")
        assert filed.status_code == 201, filed.text
        await publish(w, filed.json()["draft_id"])
        assert (await get(w, "departments/example-new"))["name_zh"] == "示例局"
        wrong = sheet(Department, new, new).replace("government", "gouvernement", 1).replace("410300", "洛阳", 2)
        answer = await upload(w, "departments.csv", wrong.encode(), kind="departments")
        assert refusal(answer, 422) == [("field_invalid", "line[2].kind")]
        answer = await upload(
            w, "departments.csv", wrong.replace("gouvernement", "government").encode(), kind="departments"
        )
        assert refusal(answer, 422) == [("jurisdiction_not_a_region", "line[2].region"), ("item_twice", "line[3]")]


async def test_a_workbook_names_sheet_and_line(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await loaded(w)
        book = openpyxl.Workbook()
        assert book.active is not None
        book.remove(book.active)
        measures = book.create_sheet("measures")
        measures.append(list(columns(Measure)))
        good = SHIPPED.measures[0]
        measures.append(to_row(good))
        measures.append(to_row(good.model_copy(update={"measure_id": "new", "implementers": ("nobody",)})))
        retirements = book.create_sheet("retirements")
        retirements.append(["kind", "item_id", "last_day", "reason"])
        retirements.append(["measures", "unknown", "2026-12-31", "示例"])
        file = io.BytesIO()
        book.save(file)
        answer = await upload(w, "book.xlsx", file.getvalue())
        assert refusal(answer, 422) == [
            ("unknown_department", "measures.line[3].implementers[0]"),
            ("unknown_item", "retirements.line[2].item_id"),
        ]


async def test_an_invalid_file_is_refused_with_the_place(start: StartWorld) -> None:
    async with start("catalogue") as w:
        broken = await upload(w, "book.yaml", b"departments:\n  - {department_id: [\n")
        assert refusal(broken, 422) == [("yaml_unreadable", "file")]
        assert broken.json()["faults"][0]["facts"] == {"line": 3}
        large = await upload(w, "book.yaml", b"x" * (5 * 1024 * 1024 + 1))
        assert refusal(large, 413) == [("file_too_large", "file")]
        larger = await upload(w, "book.yaml", b"x" * (12 * 1024 * 1024))
        assert larger.status_code == 413


async def test_a_yaml_file_of_several_kinds_becomes_one_draft(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await founded(w)
        domain: dict[str, Any] = {**SHIPPED.domains[0].model_dump(mode="json"), "central_basis_ids": []}
        book: dict[str, list[dict[str, Any]]] = {
            "domains": [domain],
            "retirements": [{"kind": "domains", "item_id": "nowhere", "last_day": "2020-01-01", "reason": "x"}],
        }
        wrong = await upload(w, "book.yaml", yaml.safe_dump(book, allow_unicode=True).encode())
        assert refusal(wrong, 422) == [("unknown_item", "retirements[0].item_id")]
        del book["retirements"]
        filed = await upload(w, "book.yaml", yaml.safe_dump(book, allow_unicode=True).encode())
        assert (await publish(w, filed.json()["draft_id"]))["published"] == [SHIPPED.domains[0].domain_id]


async def test_an_upload_needs_a_key_and_a_file(start: StartWorld) -> None:
    async with start("catalogue") as w:
        http = w.http("catalogue")
        bearer = w.bearer(OFFICE, OfficerRole.CREDIT_OFFICE)
        file = {"file": ("a.yaml", b"measures: []", "application/yaml")}
        assert refusal(await http.post("/v1/imports", files=file, headers=bearer), 400) == [
            ("idempotency_key_missing", "Idempotency-Key")
        ]
        keyed = w.writes(OFFICE, OfficerRole.CREDIT_OFFICE)
        other = {"other": ("a.yaml", b"x", "application/yaml")}
        assert refusal(await http.post("/v1/imports", files=other, headers=keyed), 422) == [("field_missing", "file")]
        assert (await http.post("/v1/imports", content=b"x", headers=keyed)).status_code == 415
        await founded(w)
        assert refusal(await ask(w, "exports/csv"), 422) == [("field_missing", "query.kind")]


# --- working days


async def test_a_limit_is_counted_and_unknown_years_are_named(start: StartWorld) -> None:
    async with start("catalogue") as w:
        limit = await get(w, "working-days", start="2017-09-29", add=2)
        assert (limit["end"], limit["certain"], limit["unknown_years"]) == ("2017-10-09", True, [])
        far = await get(w, "working-days", start="2098-12-30", add=3)
        assert (far["certain"], far["unknown_years"]) == (False, [2098, 2099])
        between = await get(w, "working-days", start="2017-09-29", end="2017-10-09")
        assert between["working_days"] == 2
        assert refusal(await ask(w, "working-days", start="2017-09-29"), 422) == [("add_or_end", "query.add")]
        early = await ask(w, "working-days", start="1017-09-29", add=1)
        assert refusal(early, 422) == [("day_out_of_range", "query.start")]
        assert (await w.http("catalogue").get("/v1/working-days?start=2017-09-29&add=1")).status_code == 200
