"""The registry as other services and people meet it: over Kafka and HTTP."""

from datetime import date
from typing import Any

from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import (
    Cause,
    EntryEnded,
    ResponsiblePerson,
)
from shared.contracts.response import (
    EndMode,
    ResponseDirected,
    ResponseEnded,
    ResponseRefused,
    ResponseSuspended,
    Settled,
)
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import VERSION, an_entry, published, recently, resumed, revoked, suspended
from tests.subjects import INVENTED, company, person

LAWBOOK = shipped().changes()


async def settled(w: World, count: int) -> list[Settled]:
    async def enough() -> list[Settled]:
        found = await w.seen(Topic.RESPONSE, Settled)
        return found if len(found) >= count else []

    return await eventually(enough, what=f"{count} list events settled")


async def test_a_listing_directs_the_measures_of_every_implementer_and_is_settled(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await w.publish(published(entry := an_entry(company(w, 1))))
        [settlement] = await settled(w, 1)
        directed = await w.seen(Topic.RESPONSE, ResponseDirected)
        lines = [line for event in directed for line in event.lines]
        assert {line.line_id for line in lines} == set(settlement.lines)
        assert len({event.department for event in directed}) >= 3
        assert settlement.standing == len(lines) >= 4
        assert all(line.basis and line.instrument_version for line in lines)
        [refused] = await w.seen(Topic.RESPONSE, ResponseRefused)
        assert refused.refused, "the unpublished measure is refused with its reason"
        assert {one.measure_id for one in refused.refused}.isdisjoint({line.measure_id for line in lines})
        assert entry.entry_id == settlement.entry_id


async def test_a_listing_that_comes_before_its_law_book_waits_for_it(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish(published(an_entry(company(w, 1))))
        await eventually(lambda: w.services["registry"].consumer, what="the consumer")
        assert await w.seen(Topic.RESPONSE, Settled) == []
        await w.publish_lawbook(*LAWBOOK)
        [settlement] = await settled(w, 1)
        assert settlement.lines


async def test_revocation_ends_every_line_from_the_beginning(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry), revoked(entry))
        *_, last = await settled(w, 2)
        ended = await w.seen(Topic.RESPONSE, ResponseEnded)
        assert {line for event in ended for line in event.lines} == set(last.lines)
        assert {event.mode for event in ended} == {EndMode.FROM_BEGINNING}
        assert last.ended and last.standing == 0


async def test_a_term_that_ends_ends_every_line_from_then_on(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), kind=ListKind.RED, domain="tax")
        ended = EntryEnded(
            entry_id=entry.entry_id,
            subject=entry.subject.key,
            lawbook_version=VERSION,
            cause=Cause.TERM,
            reason="期限届满",
            ended_on=date(2020, 1, 1),
        )
        await w.publish(published(entry), ended)
        *_, last = await settled(w, 2)
        assert last.lines and last.standing == 0
        assert {e.mode for e in await w.seen(Topic.RESPONSE, ResponseEnded)} == {EndMode.FROM_NOW}


async def test_responsible_persons_are_reached_by_their_roles_and_freed_with_the_entry(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        boss = person(w, 1)
        responsible = (ResponsiblePerson(subject=boss, role=Role.LEGAL_REPRESENTATIVE),)
        entry = an_entry(company(w, 1), domain="tax", grade="serious", responsible=responsible)
        await w.publish(published(entry))
        [first] = await settled(w, 1)
        of_boss = [e for e in await w.seen(Topic.RESPONSE, ResponseDirected) if e.subject == boss.key]
        assert of_boss and all(e.entry_subject == entry.subject.key for e in of_boss)
        assert {line.line_id for e in of_boss for line in e.lines} < set(first.lines)
        await w.publish(revoked(entry))
        *_, last = await settled(w, 2)
        assert last.standing == 0
        answer = await w.http("registry").post(
            "/v1/subjects/query",
            json={
                "scheme": "person",
                "number": INVENTED.person(1).resident_id,
                "purpose": "execution_of_measures",
                "business_number": "示例办件1号",
                "history": True,
            },
            headers=w.bearer("luoyang-court", OfficerRole.EXECUTOR),
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["entries"][0]["in_force"] is False


async def test_suspension_pauses_punishments_and_resumption_lets_them_go_on(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(
            published(entry),
            suspended(entry, "c1"),
            resumed(entry, "c1"),
        )
        first, *_ = await settled(w, 3)
        paused = await w.seen(Topic.RESPONSE, ResponseSuspended)
        assert {line for event in paused for line in event.lines} == set(first.lines)


async def test_a_second_black_list_adds_measures_and_its_removal_takes_them_away(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        subject = company(w, 1)
        one = an_entry(subject)
        two = an_entry(subject, domain="tax", grade="serious")
        await w.publish(published(one))
        [alone] = await settled(w, 1)
        await w.publish(published(two))
        await settled(w, 2)
        directed = [e for e in await w.seen(Topic.RESPONSE, ResponseDirected) if e.entry_id == one.entry_id]
        more = {line.line_id for e in directed for line in e.lines} - set(alone.lines)
        assert more, "two distinct domains bring stronger measures"
        await w.publish(revoked(two))
        await settled(w, 3)
        ended = [e for e in await w.seen(Topic.RESPONSE, ResponseEnded) if e.entry_id == one.entry_id]
        assert {line for e in ended for line in e.lines} == more


async def test_the_same_question_about_the_past_has_one_answer(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry))
        await settled(w, 1)
        url = f"/v1/subjects/uscc/{entry.subject.key.removeprefix('uscc:')}"
        headers = w.bearer("luoyang-court", OfficerRole.EXECUTOR)
        before = (await w.http("registry").get(url, headers=headers)).json()
        assert before["entries"][0]["in_force"] is True
        await w.publish(revoked(entry))
        await settled(w, 2)
        then = (await w.http("registry").get(url, params={"known_at": before["known_at"]}, headers=headers)).json()
        assert then["entries"] == before["entries"]
        now = (await w.http("registry").get(url, headers=headers)).json()
        assert now["entries"] == [], "a revoked record is history"
        history = (await w.http("registry").get(url, params={"history": "true"}, headers=headers)).json()
        assert history["entries"][0]["in_force"] is False


async def test_lists_and_search_show_public_entries_in_force_to_everyone(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1), decided_on=recently(w))
        watched = an_entry(company(w, 2), domain="work-safety", kind=ListKind.WATCH)
        await w.publish(published(entry), published(watched))
        await settled(w, 2)
        http = w.http("registry")
        listed = (await http.get("/v1/lists/judgment-defaulters/black")).json()
        assert [item["entry_id"] for item in listed["items"]] == [entry.entry_id]
        assert (await http.get("/v1/lists/work-safety/watch")).status_code == 404
        found = (await http.get("/v1/public/search", params={"q": entry.subject.name})).json()
        assert [item["name"] for item in found["items"]] == [entry.subject.name]
        assert (await http.get("/v1/public/search", params={"q": watched.subject.name})).json()["items"] == []


async def test_a_persons_number_is_refused_in_a_url_and_files_ask_for_a_token(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        http, headers = w.http("registry"), w.bearer("luoyang-court", OfficerRole.EXECUTOR)
        refused = await http.get("/v1/subjects/person/000", headers=headers)
        assert refused.status_code == 400 and refused.json()["code"] == "person_in_url"
        assert (await http.get("/v1/subjects/uscc/91410300MA0000001X")).status_code == 401
        assert (await http.get("/v1/conflicts", headers=headers)).status_code == 403


async def test_red_and_black_at_once_is_flagged(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        subject = company(w, 1)
        await w.publish(published(an_entry(subject)), published(an_entry(subject, kind=ListKind.RED, domain="tax")))
        await settled(w, 2)
        office = w.bearer("luoyang-credit-office", OfficerRole.CREDIT_OFFICE)
        [conflict] = (await w.http("registry").get("/v1/conflicts", headers=office)).json()["items"]
        assert conflict["subject"] == subject.key and conflict["red"] == 1


async def test_the_last_page_names_no_next_also_when_it_is_exactly_full(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        for index in (1, 2):
            await w.publish(
                published(an_entry(company(w, index), decided_on=recently(w))),
                published(an_entry(company(w, index), kind=ListKind.RED, domain="tax")),
            )
        await settled(w, 4)
        office = w.bearer("luoyang-credit-office", OfficerRole.CREDIT_OFFICE)

        async def page(path: str, **params: str | int) -> dict[str, Any]:
            answer = await w.http("registry").get(path, params=params, headers=office)
            assert answer.status_code == 200, answer.text
            return answer.json()

        for path, query in (
            ("/v1/lists/judgment-defaulters/black", {}),
            ("/v1/public/search", {"q": "示例"}),
            ("/v1/conflicts", {}),
        ):
            everything = await page(path, **query)
            full = await page(path, **query, limit=len(everything["items"]))
            assert full["items"] == everything["items"] and full["next"] is None, path
            first = await page(path, **query, limit=1)
            rest = await page(path, **query, after=first["next"])
            assert [*first["items"], *rest["items"]] == everything["items"] and rest["next"] is None, path
            assert len(everything["items"]) >= 2, path


async def test_a_change_of_an_unknown_entry_is_parked_and_others_go_on(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        lost, other = an_entry(company(w, 1)), an_entry(company(w, 2))
        await w.publish(revoked(lost), published(other))
        await settled(w, 1)
        [row] = await eventually(lambda: w.rows("registry", "SELECT key, reason, is_culprit FROM parked"))
        assert row.key == lost.subject.key and row.is_culprit


async def test_a_clean_record_is_a_statement_about_these_lists_on_this_day(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(published(entry))
        await settled(w, 1)
        http, headers = w.http("registry"), w.bearer("luoyang-court", OfficerRole.EXECUTOR)

        async def ask(index: int, on: str = "") -> dict[str, Any]:
            number = company(w, index).key.removeprefix("uscc:")
            params = {"region": "410300", **({"on": on} if on else {})}
            answer = await http.get(f"/v1/subjects/uscc/{number}/clean-record", params=params, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()

        listed, clean = await ask(1), await ask(2)
        assert (listed["clean"], listed["incentives"]) == (False, [])
        assert (clean["clean"], clean["years"], clean["last_bad_record"]) == (True, 3, None)
        assert clean["incentives"] and all(one["basis"] for one in clean["incentives"])
        assert "judgment-defaulters/black" in clean["lists"]
        assert (await ask(1, on="2034-01-01"))["clean"], "three years after the term"
        body = {
            "scheme": "person",
            "number": INVENTED.person(1).resident_id,
            "region": "410300",
            "purpose": "approval_or_supervision",
            "business_number": "示例办件2号",
        }
        assert (await http.post("/v1/subjects/clean-record", json=body, headers=headers)).json()["clean"]
        refused = await http.get("/v1/subjects/person/000/clean-record", params={"region": "410300"}, headers=headers)
        assert refused.json()["code"] == "person_in_url"
