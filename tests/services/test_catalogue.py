"""The catalogue as the credit office and everyone else meet it: over HTTP, and on the topic of the law book."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from services.catalogue.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.lawbook import LawbookEvent
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually

SHIPPED = shipped()
OFFICE = next(d.department_id for d in SHIPPED.departments if d.credit_office)
LISTS = {
    "departments": SHIPPED.departments,
    "domains": SHIPPED.domains,
    "memoranda": SHIPPED.instruments,
    "measures": SHIPPED.measures,
    "policies": SHIPPED.policies,
}
ALL = sum(map(len, LISTS.values()))


def sent(kind: str) -> dict[str, Any]:
    return {"items": [item.model_dump(mode="json") for item in LISTS[kind]]}


async def publish(w: World, kind: str, body: dict[str, Any], department: str = OFFICE, **headers: str) -> Response:
    given = {**w.writes(department, OfficerRole.CREDIT_OFFICE), **headers}
    return await w.http("catalogue").post(f"/v1/{kind}", json=body, headers=given)


async def load_all(w: World) -> list[dict[str, Any]]:
    answers = [await publish(w, kind, sent(kind)) for kind in LISTS]
    assert all(answer.is_success for answer in answers), [answer.text for answer in answers]
    return [answer.json() for answer in answers]


async def get(w: World, path: str, **query: Any) -> Any:
    headers = w.bearer("luoyang-court", OfficerRole.EXECUTOR)
    answer = await w.http("catalogue").get(f"/v1/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(answer: Response, status: int) -> list[tuple[str, str | None]]:
    assert answer.status_code == status, answer.text
    return [(fault["code"], fault["field"]) for fault in answer.json()["faults"]]


async def test_the_shipped_law_book_is_published_without_a_gap_and_loading_it_again_changes_nothing(
    start: StartWorld,
) -> None:
    async with start("catalogue") as w:
        first = await load_all(w)
        assert first[-1]["lawbook_version"] == ALL
        again = await load_all(w)
        assert [answer["published"] for answer in again] == [[]] * 5
        assert (await get(w, "version")) == {"lawbook_version": ALL}

        async def on_topic() -> list[Any]:
            found = await w.topic(Topic.LAWBOOK)
            return found if len(found) == ALL else []

        events = [event for _, event in await eventually(on_topic, what="the whole book on its topic")]
        versions = [event.lawbook_version for event in events if isinstance(event, LawbookEvent)]
        assert versions == list(range(1, ALL + 1))


async def test_everyone_with_a_token_reads_the_newest_edition_page_by_page(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await load_all(w)
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = await get(w, "departments", limit=7, **after)
            seen += [item["department_id"] for item in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert seen == sorted(d.department_id for d in SHIPPED.departments)
        one = await get(w, f"measures/{SHIPPED.measures[0].measure_id}")
        assert one == SHIPPED.measures[0].model_dump(mode="json")
        anonymous = await w.http("catalogue").get("/v1/departments")
        assert anonymous.status_code == 401


async def test_lists_are_narrowed_to_a_region_or_a_domain(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await load_all(w)
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
        headers = w.bearer("luoyang-court", OfficerRole.EXECUTOR)
        answer = await w.http("catalogue").get("/v1/departments", params={"domain": "tax"}, headers=headers)
        assert await refusal(answer, 422) == [("filter_not_for_kind", "query.domain")]


async def test_versions_of_a_measure_stay_and_can_be_compared(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await load_all(w)
        old = SHIPPED.measures[0]
        new = old.model_copy(update={"version": old.version + 1, "text_en": "Another wording"})
        answer = await publish(w, "measures", {"items": [new.model_dump(mode="json")]})
        assert answer.status_code == 201
        assert answer.json() == {"lawbook_version": ALL + 1, "published": [old.measure_id], "unchanged": []}
        path = f"measures/{old.measure_id}"
        assert (await get(w, path))["text_en"] == "Another wording"
        assert (await get(w, path, version=old.version)) == old.model_dump(mode="json")
        editions = (await get(w, f"{path}/versions"))["editions"]
        assert [edition["item"]["version"] for edition in editions] == [old.version, new.version]
        since = await get(w, "changes", after=ALL)
        assert [(c["kind"], c["item"]["measure_id"]) for c in since["changes"]] == [("measures", old.measure_id)]
        of_nobody = await w.http("catalogue").get("/v1/measures/none", headers=w.bearer("x", OfficerRole.LISTER))
        assert await refusal(of_nobody, 404) == [("unknown_id", "path.item_id")]


async def test_a_list_with_faults_is_refused_whole_and_every_fault_is_told(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await load_all(w)
        good, wrong = (m.model_dump(mode="json") for m in SHIPPED.measures[:2])
        good |= {"measure_id": "new-one"}
        wrong |= {"measure_id": "new-two", "implementers": ["nobody"], "instrument_id": "nothing"}
        answer = await publish(w, "measures", {"items": [good, wrong]})
        assert await refusal(answer, 422) == [
            ("unknown_department", "items[1].implementers[0]"),
            ("unknown_instrument", "items[1].instrument_id"),
        ]
        assert (await get(w, "version")) == {"lawbook_version": ALL}


async def test_a_field_that_no_item_has_is_a_slip_of_the_pen(start: StartWorld) -> None:
    async with start("catalogue") as w:
        item = {**SHIPPED.policies[0].model_dump(mode="json"), "efective_to": "2027-01-01"}
        answer = await publish(w, "policies", {"items": [item]})
        assert await refusal(answer, 422) == [("field_invalid", "items[0].efective_to")]


@pytest.mark.parametrize(
    ("department", "role", "code"),
    [
        ("luoyang-court", OfficerRole.CREDIT_OFFICE, "not_a_credit_office"),
        (OFFICE, OfficerRole.AUDITOR, "forbidden_role"),
    ],
)
async def test_only_a_credit_office_writes(start: StartWorld, department: str, role: OfficerRole, code: str) -> None:
    async with start("catalogue") as w:
        await publish(w, "departments", sent("departments"))
        headers = w.writes(department, role)
        answer = await w.http("catalogue").post("/v1/domains", json=sent("domains"), headers=headers)
        assert await refusal(answer, 403) == [(code, None)]


async def test_the_same_key_publishes_once_and_an_older_book_is_refused(start: StartWorld) -> None:
    async with start("catalogue") as w:
        key = "departments-of-luoyang"
        first = await publish(w, "departments", sent("departments"), **{"Idempotency-Key": key})
        second = await publish(w, "departments", sent("departments"), **{"Idempotency-Key": key})
        assert (second.status_code, second.json()) == (first.status_code, first.json())
        stale = await publish(w, "domains", sent("domains"), **{"If-Match": '"0"'})
        assert await refusal(stale, 409) == [("stale_version", None)]


async def test_lists_published_at_the_same_time_leave_no_gap(start: StartWorld) -> None:
    async with start("catalogue") as w:
        await publish(w, "departments", sent("departments"))
        template = SHIPPED.departments[0].model_dump(mode="json")
        bodies = [{"items": [{**template, "department_id": f"example-{n}-{m}"} for m in range(3)]} for n in range(5)]
        answers = await asyncio.gather(*(publish(w, "departments", body) for body in bodies))
        assert [answer.status_code for answer in answers] == [201] * 5, [answer.text for answer in answers]
        changes = (await get(w, "changes", limit=1000))["changes"]
        assert [change["lawbook_version"] for change in changes] == list(range(1, len(SHIPPED.departments) + 16))


async def test_the_day_of_publication_is_that_of_the_service_clock(start: StartWorld) -> None:
    async with start("catalogue") as w:
        later = w.services["catalogue"].core.clock.now() + timedelta(days=30)
        await w.move_clock(later)
        await publish(w, "departments", sent("departments"))
        [first, *_] = (await get(w, "changes"))["changes"]
        assert first["published_at"] >= later.isoformat()[:19]
