"""A tour: the same invented case under the five documents. Each answers by its own tiers, suspension and deadlines, and each
answer cites its clause (rows 7, 16, 17, and the disagreements of the documents)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import pytest

from services.catalogue.files.shipped import shipped
from shared.calendar.working_days import add_working_days, today
from shared.contracts.event import DepartmentId, Topic
from shared.contracts.lawbook import (
    Basis,
    Instrument,
    ListKind,
    Measure,
    Target,
    Undoing,
    Works,
)
from shared.contracts.listing import Entry
from shared.contracts.response import (
    Line,
    RefusalReason,
    ResponseDirected,
    ResponseRefused,
    ResponseSuspended,
    Settled,
)
from shared.ids import new_event_id
from shared.lawbook.items import Item, publications
from shared.lawbook.settings_in_use import SETTINGS_IN_USE
from shared.trust import OfficerRole
from tests.builders import a_department, a_measure, an_instrument
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import an_entry, published
from tests.subjects import company

SHIPPED = shipped().changes()
DOMAIN = "work-safety"
LISTED_ON = date(2024, 3, 1)


class Stop(NamedTuple):
    """The rules of one document for the case."""

    name: str
    region: str
    document: str
    tiers: list[str]
    tiers_clause: str
    suspends: bool
    suspension_clause: str
    suspended_by: str
    verify_days: int | None
    total_days: int | None
    publicity_days: int | None
    publicity_clause: str


STATE = "国发〔2016〕33号"
LUOYANG, QIDONG, ZHONGMU, PUYANG = (
    "洛政〔2017〕44号",
    "启东市信用办 2019-09-10",
    "牟信用〔2017〕3号",
    "濮县信用办〔2022〕12号",
)
THREE = ["ordinary", "graver", "serious"]
STOPS = [
    Stop("Luoyang 2017", "410300", LUOYANG, ["serious"], "四(一)", True, "五(八)", LUOYANG, None, None, 7, "五(三)"),
    Stop("Qidong 2019", "320681", QIDONG, ["serious"], "6", True, "18", QIDONG, None, None, 7, "13"),
    Stop("Zhongmu 2017", "410122", ZHONGMU, THREE, "三(三)", False, "六(三)", ZHONGMU, 5, 12, None, "六(二)"),
    Stop("Hezuo 2023", "623001", STATE, ["serious"], "(九)", True, "(二十二)", STATE, None, None, 7, "(十七)"),
    Stop(
        "Puyang 2022", "410928", PUYANG, ["watch", "black"], "三(二)", True, "五(三)", PUYANG, None, None, 7, "(十七)"
    ),
]
each_stop = pytest.mark.parametrize("stop", STOPS, ids=[stop.name for stop in STOPS])


def own_items() -> Iterator[Item]:
    """In each jurisdiction an office and invented measures by its own document, for the domain that ships."""
    yield a_document("000000", "示例〔2016〕1号")
    for stop in STOPS:
        yield a_document(stop.region, stop.document)
        yield a_department(office(stop), region=stop.region)
        for name, target, matters in OF_EACH:
            by = "000000" if name == "flights" else stop.region
            yield measure_of(name, stop, f"tour-{by}", target, matters)


def a_document(region: str, number: str) -> Instrument:
    return an_instrument(f"tour-{region}", document_number=number, region=region, in_force_from=date(2017, 1, 1))


OF_EACH: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("black", {"lists": ["black"]}, ()),
    ("watch", {"lists": ["watch"]}, ()),
    ("serious", {"lists": ["black"], "grades": ["serious"]}, ()),
    ("flights", {"lists": ["black"]}, ("flights-and-trains",)),
)


def office(stop: Stop) -> DepartmentId:
    return DepartmentId(f"tour-office-{stop.region}")


def measure_of(name: str, stop: Stop, instrument: str, target: dict[str, Any], matters: tuple[str, ...]) -> Measure:
    return a_measure(
        f"tour-{stop.region}-{name}",
        works=Works.LASTING,
        target=Target.model_validate({**target, "domains": [DOMAIN]}),
        implementers=(office(stop),),
        matters=matters,
        basis=(Basis(document=stop.document, article="示例", valid_from=date(2017, 1, 1)),),
        instrument_id=instrument,
        on_error=Undoing.STOP,
        effective_from=date(2017, 1, 1),
    )


OWN = tuple(publications(own_items(), SHIPPED[-1].lawbook_version))
VERSION = OWN[-1].lawbook_version


def the_case(w: World, stop: Stop, **changed: Any) -> Entry:
    """One company, one act, one decision; only the jurisdiction differs."""
    entry = an_entry(company(w, 1), domain=DOMAIN, decided_on=LISTED_ON)
    return entry.model_copy(update={"jurisdiction": stop.region, "entry_id": new_event_id(), **changed})


async def governing(w: World, stop: Stop, **asked: str) -> dict[str, dict[str, Any]]:
    """Settings by name, from the registry."""
    params = {"region": stop.region, "domain": DOMAIN, "decided_on": LISTED_ON.isoformat(), **asked}
    answer = await w.http("registry").get(
        "/v1/policies/governing", params=params, headers=w.bearer("luoyang-court", OfficerRole.LISTER)
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {one["name"]: one for group in ("substance", "procedure", "execution") for one in found[group]}


async def listed(w: World, *entries: Entry) -> None:
    for entry in entries:
        await w.publish(published(entry).model_copy(update={"lawbook_version": VERSION}))

    async def settled() -> bool:
        found = {event.entry_id for event in await w.seen(Topic.RESPONSE, Settled)}
        return {entry.entry_id for entry in entries} <= found

    await eventually(settled, what="the entries settled")


@pytest.fixture
def tour(start: StartWorld) -> StartWorld:
    return start


@each_stop
async def test_each_document_answers_by_its_own_tiers_suspension_and_deadlines_and_cites_the_clause(
    stop: Stop, tour: StartWorld
) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED)
        await eventually(lambda: has_law(w, SHIPPED[-1].lawbook_version), what="the law book")
        found = await governing(w, stop, act_on="2025-02-03")
        grades = found["grades"]
        assert [tier["code"] for tier in grades["value"]] == stop.tiers
        assert (grades["document"], grades["clause"]) == (stop.document, stop.tiers_clause)
        suspension = found["suspend_measures_on_objection"]
        assert (suspension["value"], suspension["document"], suspension["clause"]) == (
            stop.suspends,
            stop.suspended_by,
            stop.suspension_clause,
        )
        assert found["objection_verify_days"]["value"] == stop.verify_days
        assert found["objection_verify_days"]["clause"]
        assert found.get("objection_total_days", {}).get("value") == stop.total_days
        publicity = found["publicity_within_days"]
        assert (publicity["value"], publicity["clause"]) == (stop.publicity_days, stop.publicity_clause)
        assert stop.document in grades["because"] and grades["by"]


async def has_law(w: World, version: int) -> bool:
    return (await w.services["registry"].core.lawbook.current()).version >= version


async def test_the_case_is_answered_in_each_jurisdiction_by_the_measures_of_its_tiers(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED, *OWN)
        cases = {stop.region: the_case(w, stop, grade=stop.tiers[-1]) for stop in STOPS}
        watched = the_case(w, STOPS[-1], grade="watch", list_kind=ListKind.WATCH, public=False)
        await listed(w, *cases.values(), watched)
        directed = await w.seen(Topic.RESPONSE, ResponseDirected)

        def own(entry: Entry) -> set[str]:
            return {
                line.measure_id.rpartition("-")[2]
                for event in directed
                if event.entry_id == entry.entry_id
                for line in event.lines
                if line.measure_id.startswith("tour-")
            }

        assert own(cases["410300"]) == own(cases["410122"]) == own(cases["623001"]) == {"black", "serious"}
        assert own(cases["320681"]) == {"black", "serious"}
        assert own(cases["410928"]) == {"black", "flights"}, "any black entry, not only the able but unwilling"
        assert own(watched) == {"watch"}
        for event in directed:
            entry = next(e for e in [*cases.values(), watched] if e.entry_id == event.entry_id)
            assert all(line.valid_on == LISTED_ON and line.basis for line in event.lines)
            assert event.policies, entry.jurisdiction


async def test_flights_are_limited_for_the_able_but_unwilling_by_the_jurisdiction_itself_or_by_the_level_above(
    tour: StartWorld,
) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED, *OWN)
        cases = {stop.region: the_case(w, stop, able_but_unwilling=True) for stop in STOPS}
        await listed(w, *cases.values())
        directed = await w.seen(Topic.RESPONSE, ResponseDirected)
        refused = await w.seen(Topic.RESPONSE, ResponseRefused)

        place = {entry.entry_id: region for region, entry in cases.items()}

        def limited_in(events: Sequence[ResponseDirected] | Sequence[ResponseRefused]) -> set[str]:
            """The jurisdictions whose own department must limit flights, or must not because the matter is passed up."""
            found: set[str] = set()
            for event in events:
                for one in event.lines if isinstance(event, ResponseDirected) else event.refused:
                    meant = isinstance(one, Line) or one.reason is RefusalReason.PASSED_UP
                    if meant and one.measure_id == f"tour-{place[event.entry_id]}-flights":
                        found.add(place[event.entry_id])
            return found

        assert limited_in(directed) == {"410300", "410122", "623001", "410928"}
        assert limited_in(refused) == {"320681"}


@each_stop
async def test_an_objection_suspends_the_measures_and_has_the_time_limit_of_each_document(
    stop: Stop, tour: StartWorld
) -> None:
    async with tour("registry", "repair") as w:
        await w.publish_lawbook(*SHIPPED, *OWN)
        entry = the_case(w, stop, grade=stop.tiers[-1])
        await listed(w, entry)
        officer = w.writes("luoyang-court", OfficerRole.REPAIRER)

        async def filed() -> dict[str, Any]:
            body = {"entry_id": entry.entry_id, "reason": "示例异议"}
            answer = await w.http("repair").post("/v1/objections", json=body, headers=officer)
            return answer.json() if answer.status_code == 201 else {}

        objection = await eventually(filed, what="the objection")
        case = (await w.http("repair").get(f"/v1/objections/{objection['objection_id']}", headers=officer)).json()
        expected = (
            add_working_days(today(w.services["repair"].core.clock.now()), stop.verify_days)
            if stop.verify_days
            else None
        )
        assert case["verify_by"] == (expected.date.isoformat() if expected else None)
        assert objection["status"] == "listed", (
            "the measures go on until the verification begins (国发〔2016〕33号 (二十二))"
        )
        path = f"/v1/objections/{objection['objection_id']}/verify"
        verifying = await w.http("repair").post(path, headers=w.writes("luoyang-court", OfficerRole.REPAIRER))
        assert verifying.json()["status"] == ("suspended" if stop.suspends else "listed")

        async def paused() -> list[ResponseSuspended]:
            return await w.seen(Topic.RESPONSE, ResponseSuspended)

        if stop.suspends:
            assert await eventually(paused, what="the measures rest")


async def test_every_line_has_its_reason_in_words(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED, *OWN)
        entry = the_case(w, STOPS[2], grade="serious")
        await listed(w, entry)
        path = f"/v1/entries/{entry.entry_id}/resolution"
        auditor = w.bearer(office(STOPS[2]), OfficerRole.AUDITOR) | {"Accept-Language": "en"}
        resolution = (await w.http("registry").get(path, headers=auditor)).json()
        elsewhere = w.bearer("luoyang-credit-office", OfficerRole.CREDIT_OFFICE)
        assert (await w.http("registry").get(path, headers=elsewhere)).status_code == 404
        whys = [line["why"] for response in resolution["responses"] for line in response["lines"]]
        reason = "measure tour-410122-serious v1, instrument tour-410122 v1, basis 牟信用〔2017〕3号 示例 valid on 2024-03-01"
        assert any(why.startswith(reason) for why in whys)
        assert all("implementer" in why for why in whys)


async def test_a_listing_of_luoyang_carried_out_in_qidong_says_which_governs_what(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED)
        await eventually(lambda: has_law(w, SHIPPED[-1].lawbook_version), what="the law book")
        found = await governing(w, STOPS[0], act_on="2024-05-06", executed_in="320681")
        assert found["escalate_from_domains"]["policy_id"] == "luoyang-2017"
        assert found["suspend_measures_on_objection"]["policy_id"] == "luoyang-2017"
        assert found["passed_up_matters"]["policy_id"] == "qidong-2019"
        assert found["passed_up_matters"]["value"] == ["flights-and-trains"]
        assert "320681" in found["passed_up_matters"]["by"]


async def test_the_national_rules_prevail_by_the_day_of_the_act_and_say_over_whom(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED)
        await eventually(lambda: has_law(w, SHIPPED[-1].lawbook_version), what="the law book")
        zhongmu = STOPS[2]
        before = await governing(w, zhongmu, act_on="2023-04-30")
        assert "publicity_lengths" not in before
        lengths = (await governing(w, zhongmu, act_on="2026-05-06"))["publicity_lengths"]
        assert lengths["why"] == "higher_authority" and lengths["policy_version"] == 2
        assert lengths["example"], "its text is not available: a credit office must confirm"
        assert "优先" in lengths["because"]


async def test_each_setting_that_governs_says_whether_a_service_decides_by_it(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED)
        await eventually(lambda: has_law(w, SHIPPED[-1].lawbook_version), what="the law book")
        shown = await governing(w, STOPS[0])
        assert shown["escalate_from_domains"]["enforced_by"] == ["registry"]
        uses = {name: one["in_use"] for name, one in shown.items()}
        assert uses == {name: SETTINGS_IN_USE[name].in_use for name in shown}


async def test_a_question_about_an_unknown_domain_or_no_region_is_refused(tour: StartWorld) -> None:
    async with tour("registry") as w:
        await w.publish_lawbook(*SHIPPED)
        await eventually(lambda: has_law(w, SHIPPED[-1].lawbook_version), what="the law book")
        http, headers = w.http("registry"), w.bearer("luoyang-court", OfficerRole.LISTER)
        assert (
            await http.get("/v1/policies/governing", params={"region": "Luoyang"}, headers=headers)
        ).status_code == 422
        unknown = await http.get(
            "/v1/policies/governing", params={"region": "410300", "domain": "nowhere"}, headers=headers
        )
        assert unknown.json()["code"] == "unknown_domain"
        assert (await http.get("/v1/policies/governing", params={"region": "410300"})).status_code == 200, "public"
