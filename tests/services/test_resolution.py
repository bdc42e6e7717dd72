"""What followed from an entry, over HTTP: lines with their bases, and refusals of the basis gate (rows 4 to 6, N2)."""

from typing import Any

import pytest
from httpx import Response

from services.catalogue.files.shipped import shipped
from services.registry.app import DEFINITION
from shared.contracts.event import DepartmentId, Topic
from shared.contracts.lawbook import Role
from shared.contracts.listing import Cause, Entry, EntryCorrected, ResponsiblePerson
from shared.contracts.response import RefusalReason, ResponseDirected, ResponseRefused, Settled
from shared.trust import OfficerRole
from shared.web.language import Language
from shared.web.wording import Wording
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import VERSION, an_entry, published, resumed, revoked, suspended
from tests.subjects import company, person

LAWBOOK = shipped().changes()
COURT = "luoyang-court"


async def settled(w: World, count: int) -> None:
    async def enough() -> bool:
        return len(await w.seen(Topic.RESPONSE, Settled)) >= count

    await eventually(enough, what=f"{count} list events settled")


async def ask(
    w: World, entry: Entry, department: str = COURT, role: OfficerRole = OfficerRole.LISTER, language: str = "en"
) -> Response:
    headers = w.bearer(department, role) | {"Accept-Language": language}
    return await w.http("registry").get(f"/v1/entries/{entry.entry_id}/resolution", headers=headers)


async def resolution_of(w: World, entry: Entry, **asking: Any) -> dict[str, Any]:
    answer = await ask(w, entry, **asking)
    assert answer.status_code == 200, answer.text
    return answer.json()


def lines_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [line for response in answer["responses"] for line in response["lines"]]


async def test_every_line_has_its_basis_and_every_refusal_its_reason(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry))
        await settled(w, 1)
        answer = await resolution_of(w, entry)
        directed = await w.seen(Topic.RESPONSE, ResponseDirected)
        on_topic = {event.response_id: [line.model_dump(mode="json") for line in event.lines] for event in directed}
        assert {r["response_id"]: [one["line"] for one in r["lines"]] for r in answer["responses"]} == on_topic
        assert all(line["lawbook_version"] == VERSION and line["end"] is None for line in lines_of(answer))

        [refused] = await w.seen(Topic.RESPONSE, ResponseRefused)
        assert refused.refused, "the law book that ships has a measure that is not published"
        expected = [(one.measure_id, one.measure_version, one.reason.value) for one in refused.refused]
        assert [(r["measure_id"], r["measure_version"], r["reason"]) for r in answer["refusals"]] == expected
        assert all(refusal["current"] for refusal in answer["refusals"])
        [settlement] = answer["settlements"]
        assert (settlement["list_event_type"], settlement["standing"]) == (
            "list.entry.published.v1",
            len(lines_of(answer)),
        )


async def test_the_reason_of_a_refusal_is_said_in_the_callers_language(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry))
        await settled(w, 1)
        wording = Wording.load(DEFINITION.wording)
        for language in Language:
            for refusal in (await resolution_of(w, entry, language=language.value))["refusals"]:
                assert refusal["why"] == wording.term(f"RefusalReason.{refusal['reason']}", {}, language)


@pytest.mark.parametrize("reason", RefusalReason)
def test_every_reason_of_the_gate_has_wording(reason: RefusalReason) -> None:
    assert f"RefusalReason.{reason.value}" in Wording.load(DEFINITION.wording).terms


async def test_the_resolution_shows_what_became_of_each_line(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry), suspended(entry, "c1"))
        await settled(w, 2)
        assert {line["suspended_because"] for line in lines_of(await resolution_of(w, entry))} == {"异议核实"}
        await w.publish(resumed(entry, "c1"))
        await settled(w, 3)
        assert {line["suspended_because"] for line in lines_of(await resolution_of(w, entry))} == {None}
        await w.publish(revoked(entry))
        await settled(w, 4)
        answer = await resolution_of(w, entry)
        ends = [(line["end"]["mode"], line["end"]["reason"]) for line in lines_of(answer)]
        assert ends and set(ends) == {("from_beginning", "认定有误")}
        assert [one["ended"] for one in answer["settlements"]] == [False, False, False, True]


async def test_refusals_before_a_correction_are_marked_as_past(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        corrected = EntryCorrected(
            entry_id=entry.entry_id,
            subject=entry.subject.key,
            lawbook_version=VERSION,
            entry=entry.model_copy(update={"public": False}),
            cause=Cause.ERROR,
            reason="录入有误",
            document_number="示例〔2018〕3号",
        )
        await w.publish(published(entry), corrected)
        await settled(w, 2)
        refusals = (await resolution_of(w, entry))["refusals"]
        events = [one["list_event_id"] for one in (await resolution_of(w, entry))["settlements"]]
        assert {(one["list_event_id"], one["current"]) for one in refusals} == {(events[0], False), (events[1], True)}


async def test_lines_of_responsible_persons_have_their_roles_and_nothing_of_other_entries(
    start: StartWorld,
) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        boss = person(w, 1)
        responsible = (ResponsiblePerson(subject=boss, role=Role.LEGAL_REPRESENTATIVE),)
        one = an_entry(company(w, 1), domain="tax", grade="serious", responsible=responsible)
        other = an_entry(company(w, 2), domain="tax", grade="serious", responsible=responsible)
        await w.publish(published(one), published(other))
        await settled(w, 2)
        answer = await resolution_of(w, one)
        of_boss = [response for response in answer["responses"] if response["subject"] is None]
        assert of_boss and all(response["roles"] == ["legal_representative"] for response in of_boss)
        assert {response["name"] for response in of_boss} == {boss.name}
        directed = [e for e in await w.seen(Topic.RESPONSE, ResponseDirected) if e.entry_id == one.entry_id]
        expected = {line.line_id for event in directed for line in event.lines}
        assert {line["line"]["line_id"] for line in lines_of(answer)} == expected
        shown = (await ask(w, one)).text
        assert "sealed" not in shown and boss.key not in shown


async def test_only_departments_concerned_and_those_who_oversee_may_read_a_resolution(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry))
        await settled(w, 1)
        carries_out = {event.department for event in await w.seen(Topic.RESPONSE, ResponseDirected)}
        book = await w.services["registry"].core.lawbook.current()
        uninvolved = [d for d in sorted(book.departments) if d not in carries_out | {DepartmentId(COURT)}]
        stranger = next(d for d in uninvolved if d.startswith("luoyang-") and not book.departments[d].is_third_party)
        own = await ask(w, entry, min(carries_out), OfficerRole.EXECUTOR)
        assert {response["department"] for response in own.json()["responses"]} == {min(carries_out)}
        assert own.json()["refusals"] == own.json()["settlements"] == []
        refused = await ask(w, entry, stranger, OfficerRole.EXECUTOR)
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_id")
        assert (await ask(w, entry, stranger, OfficerRole.AUDITOR)).status_code == 200
        assert (await ask(w, entry, "qidong-development-reform", OfficerRole.AUDITOR)).status_code == 404
        of_media = (await ask(w, entry, "luoyang-media", OfficerRole.AUDITOR)).json()
        assert {response["department"] for response in of_media["responses"]} == {"luoyang-media"}
        assert of_media["refusals"] == [], "a third party oversees nothing"
        assert (await ask(w, entry, "luoyang-credit-office", OfficerRole.CREDIT_OFFICE)).status_code == 200
        no_office = await ask(w, entry, stranger, OfficerRole.CREDIT_OFFICE)
        assert (no_office.status_code, no_office.json()["code"]) == (403, "not_a_credit_office")
        anonymous = await w.http("registry").get(f"/v1/entries/{entry.entry_id}/resolution")
        assert anonymous.status_code == 401
        nowhere = await ask(w, an_entry(company(w, 2)), stranger, OfficerRole.AUDITOR)
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "unknown_id")
