"""Readings of natural persons over HTTP (row 25): their grounds, their record, their limit, and what is shown."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.lawbook import ListKind, Role
from shared.contracts.listing import Entry, ResponsiblePerson
from shared.contracts.response import ResponseDirected, Settled
from shared.trust import OfficerRole
from tests.harness import World, eventually, world
from tests.listings import an_entry, published, recently, revoked
from tests.stacks import Addresses
from tests.subjects import INVENTED, company, person

COURT, MEDIA, STRANGER = "luoyang-court", "luoyang-media", "luoyang-grain"
OFFICE = "luoyang-credit-office"
GROUNDS = {"purpose": "approval_or_supervision", "business_number": "示例办件1号"}
_PURPOSES = {
    OfficerRole.AUDITOR: "audit",
    OfficerRole.CREDIT_OFFICE: "oversight",
    OfficerRole.REPAIRER: "repair",
    OfficerRole.LISTER: "listing",
}
_numbers = count(1)


@pytest.fixture(scope="module")
async def w(stack: Addresses) -> AsyncIterator[World]:
    async with world(stack, "registry") as made:
        await made.publish_lawbook(*shipped().changes())
        yield made


async def listed(w: World, *entries: Entry) -> None:
    """Publish the entries, and wait until the registry has settled them."""
    await publish(w, *(published(entry) for entry in entries))


async def publish(w: World, *events: Any) -> None:
    already = len(await w.seen(Topic.RESPONSE, Settled))
    await w.publish(*events)

    async def enough() -> bool:
        return len(await w.seen(Topic.RESPONSE, Settled)) >= already + len(events)

    await eventually(enough, what="the list events settled")


async def read(
    w: World, index: int, department: str, role: OfficerRole, *, account: str = "", path: str = "query", **body: Any
) -> Response:
    """Read the file of the invented person."""
    number = INVENTED.person(index).resident_id
    grounds = {**GROUNDS, "purpose": _PURPOSES.get(role, GROUNDS["purpose"])}
    return await w.http("registry").post(
        f"/v1/subjects/{path}",
        json={"scheme": "person", "number": number, **grounds, **body},
        headers=w.bearer(department, role, subject=account),
    )


async def entries_of(answer: Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["entry"]["entry_id"] for one in answer.json()["entries"]]


async def readings(w: World, by: str = OFFICE, **query: str) -> list[dict[str, Any]]:
    headers = w.bearer(by, OfficerRole.AUDITOR) | {"Accept-Language": "en"}
    answer = await w.http("registry").get("/v1/readings", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_reading_a_person_is_refused_without_role_purpose_and_business_number_and_recorded_with_them(
    w: World,
) -> None:
    index = next(_numbers)
    await listed(w, entry := an_entry(person(w, index)))
    for path, more in (("query", {}), ("clean-record", {"region": "410300"})):

        async def code(path: str = path, more: dict[str, Any] = more, **body: Any) -> str:
            answer = await read(w, index, COURT, OfficerRole.EXECUTOR, path=path, **more, **body)
            assert answer.status_code != 200
            return answer.json()["code"]

        assert await code(purpose=None) == "purpose_missing"
        assert await code(business_number=" ") == "business_number_missing"
        assert await code(business_number=INVENTED.person(index).resident_id) == "personal_number_in_text"
        assert await code(purpose="audit") == "purpose_not_of_role"
        number = INVENTED.person(index).resident_id
        body = {"scheme": "person", "number": number, **GROUNDS, **more}
        no_role = await w.http("registry").post(f"/v1/subjects/{path}", json=body, headers=w.bearer(COURT))
        assert (no_role.status_code, no_role.json()["code"]) == (403, "caller_without_role")
    assert await readings(w, entry_id=entry.entry_id) == [], "nothing was read"
    before = len(await readings(w, account="zhang"))
    shown = await entries_of(await read(w, index, COURT, OfficerRole.EXECUTOR, account="zhang"))
    assert shown == [entry.entry_id]
    clean = await read(w, index, COURT, OfficerRole.EXECUTOR, account="zhang", path="clean-record", region="410300")
    assert clean.json()["clean"] is False
    of_record, of_file, *older = await readings(w, account="zhang")
    assert (of_file["entries"], of_file["asked"], of_file["department"]) == ([entry.entry_id], "file", COURT)
    assert (of_file["purpose"], of_file["purpose_called"]) == ("approval_or_supervision", "approval or supervision")
    assert (of_file["business_number"], of_file["roles"]) == ("示例办件1号", ["executor"])
    assert (of_record["asked"], of_record["entries"], len(older)) == ("clean_record", [], before)


async def test_no_answer_leaves_without_its_record(w: World) -> None:
    index = next(_numbers)
    await listed(w, an_entry(person(w, index)))
    engine = w.services["registry"].core.engine
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE entries_read RENAME TO entries_read_away"))
    try:
        failed = await read(w, index, COURT, OfficerRole.EXECUTOR)
        assert failed.status_code >= 500 and "entries" not in failed.json()
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE entries_read_away RENAME TO entries_read"))
    assert (await read(w, index, COURT, OfficerRole.EXECUTOR)).status_code == 200


async def test_a_department_sees_what_its_matters_need_and_its_region_the_rest(w: World) -> None:
    index = next(_numbers)
    entry = an_entry(person(w, index)).model_copy(update={"public": False})
    await listed(w, entry)
    directed = [e for e in await w.seen(Topic.RESPONSE, ResponseDirected) if e.entry_id == entry.entry_id]
    book = await w.services["registry"].core.lawbook.current()
    authorities = [e for e in directed if e.department != COURT and not book.departments[e.department].is_third_party]
    acts = authorities[0]
    answer = await read(w, index, acts.department, OfficerRole.EXECUTOR)
    [shown] = answer.json()["entries"]
    assert (shown["extent"], shown["entry"]["decision"]["facts"]) == ("own_measures", None)
    assert shown["entry"]["decision"]["document_number"] == entry.decision.document_number
    lines = answer.json()["lines"]
    assert {line["department"] for line in lines} == {acts.department} and all(line["basis"] for line in lines)
    assert await entries_of(await read(w, index, STRANGER, OfficerRole.EXECUTOR)) == []
    for department, role in (
        (OFFICE, OfficerRole.CREDIT_OFFICE),
        (STRANGER, OfficerRole.AUDITOR),
        (COURT, OfficerRole.LISTER),
    ):
        answer = await read(w, index, department, role)
        [shown] = answer.json()["entries"]
        assert (shown["extent"], shown["entry"]["decision"]["facts"]) == ("whole", entry.decision.facts), department
        assert len(answer.json()["lines"]) == sum(len(event.lines) for event in directed)
    assert await entries_of(await read(w, index, "qidong-development-reform", OfficerRole.AUDITOR)) == []
    await publish(w, revoked(entry))
    assert await entries_of(await read(w, index, acts.department, OfficerRole.EXECUTOR)) == []
    past: tuple[dict[str, Any], ...] = ({"history": True}, {"effective_at": "2019-01-01"})
    for asked in past:
        assert await entries_of(await read(w, index, STRANGER, OfficerRole.EXECUTOR, **asked)) == []
    assert await entries_of(await read(w, index, STRANGER, OfficerRole.AUDITOR, history=True)) == [entry.entry_id]


async def test_a_third_party_reads_no_person_and_only_what_is_public_of_others(w: World) -> None:
    refused = await read(w, next(_numbers), MEDIA, OfficerRole.EXECUTOR)
    assert (refused.status_code, refused.json()["code"]) == (403, "natural_persons_not_read")
    nth = next(_numbers)
    subject = company(w, nth)
    public = an_entry(subject, decided_on=recently(w))
    past = an_entry(subject, domain="transport")  # its publicity has passed
    private = an_entry(subject, domain="tax", grade="serious").model_copy(update={"public": False})
    watched = an_entry(subject, domain="food-safety", kind=ListKind.WATCH)
    await listed(w, public, past, private, watched)
    number = subject.key.removeprefix("uscc:")

    async def ask(department: str, role: OfficerRole, path: str = "", **query: str) -> Response:
        url = f"/v1/subjects/uscc/{number}{path}"
        return await w.http("registry").get(url, params=query, headers=w.bearer(department, role))

    for role in (OfficerRole.EXECUTOR, OfficerRole.AUDITOR):
        found = (await ask("zhongmu-media", role)).json()
        assert [one["entry"]["entry_id"] for one in found["entries"]] == [public.entry_id], role
        assert found["entries"][0]["extent"] == "public" and found["lines"] == []
    whole = (await ask(OFFICE, OfficerRole.AUDITOR)).json()
    assert len(whole["entries"]) == 4
    refused = await ask(MEDIA, OfficerRole.EXECUTOR, "/clean-record", region="410300")
    assert (refused.status_code, refused.json()["code"]) == (403, "clean_record_not_for_third_parties")
    before = await ask(STRANGER, OfficerRole.EXECUTOR, "/clean-record", region="410300", on="2019-01-01")
    assert (before.status_code, before.json()["code"]) == (403, "clean_record_of_the_past")
    hidden = (await ask(STRANGER, OfficerRole.EXECUTOR, "/clean-record", region="410300")).json()
    assert (hidden["clean"], hidden["last_bad_record"]) == (False, None)


async def test_persons_an_hour_are_limited_also_when_they_are_asked_for_at_once(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANDONG_READING_PERSONS_AN_HOUR", "3")
    indexes = [next(_numbers) for _ in range(8)]
    department = "luoyang-tourism"
    answers = await asyncio.gather(*(read(w, i, department, OfficerRole.EXECUTOR, account="wang") for i in indexes))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] * 3 + [429] * 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "reading_limit_reached"
    assert 3500 < int(refused.headers["retry-after"]) <= 3601
    found = await readings(w, department=department)
    assert sorted(str(one["refused_by"]) for one in found) == ["None"] * 3 + ["account"], "one record of the refusals"
    again = next(i for i, answer in zip(indexes, answers, strict=True) if answer.status_code == 200)
    assert (await read(w, again, department, OfficerRole.EXECUTOR, account="wang")).status_code == 200, (
        "a person counts once"
    )
    assert (await read(w, indexes[0], department, OfficerRole.EXECUTOR, account="chen")).status_code == 200
    monkeypatch.setenv("LIANDONG_READING_PERSONS_AN_HOUR_OF_DEPARTMENT", "3")
    whole = await read(w, next(_numbers), department, OfficerRole.EXECUTOR, account="zhao")
    assert whole.status_code == 429
    await w.move_clock(w.services["registry"].core.clock.now() + timedelta(hours=1, seconds=1))
    assert (await read(w, next(_numbers), department, OfficerRole.EXECUTOR, account="wang")).status_code == 200


async def test_readings_are_listed_for_their_region_by_pages_and_filters_and_never_say_about_whom(w: World) -> None:
    index = next(_numbers)
    boss = person(w, index)
    responsible = (ResponsiblePerson(subject=boss, role=Role.LEGAL_REPRESENTATIVE),)
    entry = an_entry(company(w, index), domain="tax", grade="serious", responsible=responsible)
    await listed(w, entry)
    for account in ("a", "b", "c"):
        assert (await read(w, index, COURT, OfficerRole.EXECUTOR, account=account)).status_code == 200
    found = await readings(w, entry_id=entry.entry_id)
    assert [one["account"] for one in found] == ["c", "b", "a"]
    day = found[0]["read_at"][:10]
    assert await readings(w, entry_id=entry.entry_id, until="2020-01-01") == []
    assert len(await readings(w, entry_id=entry.entry_id, since="2020-01-01", department=COURT, account="b")) == 1, day
    assert await readings(w, "qidong-development-reform", entry_id=entry.entry_id) == []
    headers = w.bearer(OFFICE, OfficerRole.CREDIT_OFFICE)
    first = await w.http("registry").get("/v1/readings", params={"limit": 2}, headers=headers)
    rest = await w.http("registry").get("/v1/readings", params={"after": first.json()["next"]}, headers=headers)
    whole = await readings(w)
    assert [*first.json()["items"], *rest.json()["items"]][0]["reading_id"] == whole[0]["reading_id"]
    assert len(first.json()["items"]) + len(rest.json()["items"]) == len(whole)
    assert boss.key not in first.text + rest.text and "person:" not in first.text + rest.text
    refused = await w.http("registry").get("/v1/readings", headers=w.bearer(COURT, OfficerRole.EXECUTOR))
    assert refused.status_code == 403


async def test_the_past_of_a_person_has_one_answer_for_those_who_may_ask(w: World) -> None:
    index = next(_numbers)
    await listed(w, entry := an_entry(person(w, index)))
    before = (await read(w, index, STRANGER, OfficerRole.AUDITOR)).json()
    await publish(w, revoked(entry))
    then = await read(w, index, STRANGER, OfficerRole.AUDITOR, known_at=before["known_at"])
    assert then.json()["entries"] == before["entries"]
    assert await entries_of(await read(w, index, STRANGER, OfficerRole.AUDITOR)) == []
