"""The initiator as officers and other services meet it: entries one by one, over HTTP and Kafka."""

import asyncio
from typing import Any

import httpx

from services.catalogue.files.shipped import shipped
from shared.contracts.event import DomainId, Topic
from shared.contracts.listing import EntryPublished
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.subjects import INVENTED

LAWBOOK = shipped().changes()
COURT = "luoyang-court"
OTHER_COURT = "qidong-court"
"""Lists in the same domain as COURT, and publishes nothing for it."""
SAFETY = "luoyang-work-safety"


def the_body(index: int = 0, **changes: Any) -> dict[str, Any]:
    """A sound entry of the court; `decision` is changed field by field."""
    company = INVENTED.company(index)
    decision = {
        "document_number": f"（2018）示例执{index}号",
        "decided_on": "2018-03-01",
        "facts": "示例事实",
        "legal_basis": "示例依据第一条",
        **changes.get("decision", {}),
    }
    return {
        "list_kind": "black",
        "domain_id": "judgment-defaulters",
        "subject": {"scheme": "uscc", "number": company.credit_code, "name": company.name},
        "decision": decision,
        "jurisdiction": "410300",
        "term_from": "2018-03-01",
        "term_to": "2030-02-28",
        "public": True,
        **{name: value for name, value in changes.items() if name != "decision"},
    }


def lister(w: World, department: str = COURT, subject: str = "lister", key: str = "") -> dict[str, str]:
    return w.writes(department, OfficerRole.LISTER, subject=subject, key=key)


def approver(w: World, department: str = COURT, subject: str = "approver") -> dict[str, str]:
    return w.writes(department, OfficerRole.APPROVER, subject=subject)


async def with_lawbook(w: World) -> httpx.AsyncClient:
    """The world's initiator, once it has read the law book that ships."""
    await w.publish_lawbook(*LAWBOOK)
    return w.http("initiator")


async def drafted(w: World, http: httpx.AsyncClient, index: int = 0, **changes: Any) -> str:
    answer = await http.post("/v1/entries", json=the_body(index, **changes), headers=lister(w))
    assert answer.status_code == 201, answer.text
    return answer.json()["entry_id"]


async def submitted(w: World, http: httpx.AsyncClient, index: int = 0, **changes: Any) -> str:
    entry_id = await drafted(w, http, index, **changes)
    answer = await http.post(f"/v1/entries/{entry_id}/submit", headers=lister(w))
    assert answer.status_code == 200, answer.text
    return entry_id


def codes(answer: httpx.Response) -> list[tuple[str, str | None]]:
    return [(fault["code"], fault["field"]) for fault in answer.json()["faults"]]


async def nothing_written(w: World) -> bool:
    return await w.rows("initiator", "SELECT 1 FROM events") == []


async def test_an_entry_goes_from_a_draft_to_its_publication(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        entry_id = await submitted(w, http)
        answer = await http.post(f"/v1/entries/{entry_id}/approve", headers=approver(w))
        assert answer.json() == {"entry_id": entry_id, "version": 3, "status": "published"}

        [event] = await eventually(lambda: w.seen(Topic.LIST, EntryPublished))
        assert event.entry_id == entry_id and event.lawbook_version == LAWBOOK[-1].lawbook_version
        assert event.entry.published_by == COURT and event.entry.decision.decided_by == COURT
        assert event.subject == event.entry.subject.key == f"uscc:{INVENTED.company(0).credit_code}"


async def test_an_entry_is_returned_revised_and_submitted_again(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        entry_id = await submitted(w, http)
        back = await http.post(f"/v1/entries/{entry_id}/return", json={"reason": "依据不全"}, headers=approver(w))
        assert back.json()["status"] == "returned"
        seen = await http.get(f"/v1/entries/{entry_id}", headers=w.bearer(COURT, OfficerRole.LISTER))
        assert seen.json()["returned_because"] == "依据不全"

        better = the_body(decision={"legal_basis": "示例依据第二条"})
        revised = await http.put(f"/v1/entries/{entry_id}", json=better, headers=lister(w))
        assert revised.json() == {"entry_id": entry_id, "version": 4, "status": "returned"}
        await http.post(f"/v1/entries/{entry_id}/submit", headers=lister(w))
        answer = await http.post(f"/v1/entries/{entry_id}/approve", headers=approver(w))
        assert answer.json()["status"] == "published"
        seen = await http.get(f"/v1/entries/{entry_id}", headers=w.bearer(COURT, OfficerRole.LISTER))
        assert seen.json()["entry"]["decision"]["legal_basis"] == "示例依据第二条"


async def test_four_eyes_roles_and_departments_are_kept_apart(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        entry_id = await submitted(w, http)
        path = f"/v1/entries/{entry_id}/approve"
        own = await http.post(path, headers=approver(w, subject="lister"))
        assert (own.status_code, own.json()["code"]) == (403, "four_eyes")
        other = await http.post(path, headers=approver(w, SAFETY))
        assert (other.status_code, other.json()["code"]) == (403, "may_not_publish")
        role = await http.post(path, headers=lister(w))
        assert (role.status_code, role.json()["code"]) == (403, "forbidden_role")
        outside = await http.post("/v1/entries", json=the_body(1), headers=lister(w, SAFETY))
        assert (outside.status_code, outside.json()["code"]) == (403, "may_not_list")


async def test_a_domain_in_a_refusal_is_called_by_its_name_in_the_callers_language(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        domain = (await w.services["initiator"].core.lawbook.current()).domain(DomainId(the_body(1)["domain_id"]))
        assert domain is not None
        for language, name in (("zh", domain.name_zh), ("en", domain.name_en)):
            headers = lister(w, SAFETY) | {"Accept-Language": language}
            problem = (await http.post("/v1/entries", json=the_body(1), headers=headers)).json()
            assert name in problem["detail"] and domain.domain_id not in problem["detail"]
            assert problem["faults"][0]["facts"] == {"domain": domain.domain_id, "department": SAFETY}


BAD_INPUT: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"subject": {"scheme": "uscc", "number": "91410300MA0000000X", "name": "示例有限公司"}},
     ("credit_code_check_digit", "subject.number")),
    ({"domain_id": "nowhere"}, ("unknown_domain", "domain_id")),
    ({"decision": {"decided_by": "nobody"}}, ("unknown_department", "decision.decided_by")),
    ({"decision": {"legal_basis": ""}}, ("missing_basis", "decision.legal_basis")),
    ({"decision": {"decided_on": "2999-01-01"}}, ("date_in_future", "decision.decided_on")),
    ({"term_to": "2018-02-28"}, ("end_before_start", "term_to")),
    ({"term_to": "someday"}, ("field_invalid", "term_to")),
    ({"publik": True}, ("field_invalid", "publik")),
    ({"decision": {"facts": "a\0b"}}, ("text_not_storable", "decision.facts")),
]  # fmt: skip


async def test_bad_input_is_refused_with_field_and_reason_and_nothing_is_written(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        for changes, fault in BAD_INPUT:
            answer = await http.post("/v1/entries", json=the_body(**changes), headers=lister(w))
            assert (answer.status_code, codes(answer)) == (422, [fault])
        assert await nothing_written(w)


async def test_all_faults_come_at_once_in_the_callers_language(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        number = INVENTED.person(1).resident_id
        body = the_body(
            subject={"scheme": "person", "number": f"{number[:-1]}?", "name": "示例甲"},
            decision={"legal_basis": "", "decided_on": "2999-01-01"},
            list_kind="watch",
        )
        answer = await http.post("/v1/entries", json=body, headers={**lister(w), "Accept-Language": "en"})
        assert {code for code, _ in codes(answer)} == {
            "list_not_kept",
            "watch_entry_public",
            "missing_basis",
            "date_in_future",
            "resident_id_character",
        }
        assert number[:-1] not in answer.text
        assert "5 faults" in answer.json()["title"]


async def test_a_duplicate_is_refused_when_it_is_submitted(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        first, second = await drafted(w, http), await drafted(w, http)
        assert (await http.post(f"/v1/entries/{first}/submit", headers=lister(w))).status_code == 200
        again = await http.post(f"/v1/entries/{second}/submit", headers=lister(w))
        assert (again.status_code, again.json()["code"]) == (409, "duplicate_entry")
        assert again.json()["faults"][0]["facts"] == {"entry_id": first}
        await http.post(f"/v1/entries/{first}/return", json={"reason": "重复"}, headers=approver(w))
        assert (await http.post(f"/v1/entries/{second}/submit", headers=lister(w))).status_code == 200


async def test_of_many_duplicates_submitted_at_once_one_becomes_active(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        ids = [await drafted(w, http) for _ in range(8)]
        answers = await asyncio.gather(*(http.post(f"/v1/entries/{one}/submit", headers=lister(w)) for one in ids))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        [active] = [one for one, answer in zip(ids, answers, strict=True) if answer.status_code == 200]
        refused = [answer.json() for answer in answers if answer.status_code == 409]
        assert [problem["faults"][0]["facts"] for problem in refused] == [{"entry_id": active}] * 7


async def test_a_duplicate_names_the_active_entry_in_the_callers_language(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        first, second = await submitted(w, http), await drafted(w, http)
        for language in ("zh", "en"):
            headers = lister(w) | {"Accept-Language": language}
            problem = (await http.post(f"/v1/entries/{second}/submit", headers=headers)).json()
            assert problem["code"] == "duplicate_entry" and first in problem["detail"]


async def test_a_duplicate_does_not_name_an_entry_that_the_caller_may_not_read(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        first = await submitted(w, http)
        other = await http.post("/v1/entries", json=the_body(jurisdiction="320681"), headers=lister(w, OTHER_COURT))
        assert other.status_code == 201, other.text
        path = f"/v1/entries/{other.json()['entry_id']}/submit"
        refused = await http.post(path, headers=lister(w, OTHER_COURT))
        assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_entry")
        assert refused.json()["faults"][0]["facts"] == {"entry_id": None} and first not in refused.text


async def test_the_same_request_again_is_answered_again_and_another_one_under_its_key_refused(
    start: StartWorld,
) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        headers = lister(w, key="once")
        first = await http.post("/v1/entries", json=the_body(), headers=headers)
        again = await http.post("/v1/entries", json=the_body(), headers=headers)
        assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
        other = await http.post("/v1/entries", json=the_body(1), headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        without = await http.post("/v1/entries", json=the_body(), headers=w.bearer(COURT, OfficerRole.LISTER))
        assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_missing")
        assert len(await w.rows("initiator", "SELECT 1 FROM events")) == 1


async def test_a_stale_version_an_unknown_id_and_a_wrong_token_are_refused(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        entry_id = await submitted(w, http)
        stale = await http.post(f"/v1/entries/{entry_id}/approve", headers={**approver(w), "If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
        assert stale.json()["faults"][0]["facts"] == {"expected": 1, "current": 2}
        for unknown in ("0198c0de-0000-7000-8000-000000000000", "no-id"):
            answer = await http.post(f"/v1/entries/{unknown}/submit", headers=lister(w))
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_id")
            answer = await http.get(f"/v1/entries/{unknown}", headers=lister(w))
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_id")
        revised = await http.put(
            "/v1/entries/0198c0de-0000-7000-8000-000000000000",
            json=the_body(),
            headers={**lister(w), "If-Match": '"1"'},
        )
        assert (revised.status_code, revised.json()["code"]) == (404, "unknown_id")
        bad = {"Authorization": "Bearer nonsense", "Idempotency-Key": "k"}
        for path in ("/v1/entries", f"/v1/entries/{entry_id}/submit", "/v1/imports"):
            assert (await http.post(path, json=the_body(), headers=bad)).status_code == 401


async def test_an_officer_sees_the_entries_of_the_own_department_and_the_credit_office_all_of_its_region(
    start: StartWorld,
) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        ids = [await drafted(w, http, index) for index in range(3)]
        own = await http.get("/v1/entries", headers=w.bearer(COURT, OfficerRole.LISTER))
        assert [row["entry_id"] for row in own.json()["items"]] == ids
        others = await http.get("/v1/entries", headers=w.bearer(SAFETY, OfficerRole.LISTER))
        assert others.json() == {"items": [], "next": None}
        hidden = await http.get(f"/v1/entries/{ids[0]}", headers=w.bearer(SAFETY, OfficerRole.LISTER))
        assert hidden.status_code == 404
        for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
            everything = await http.get("/v1/entries", headers=w.bearer("luoyang-credit-office", role))
            assert len(everything.json()["items"]) == 3

        first = (await http.get("/v1/entries?limit=2", headers=w.bearer(COURT, OfficerRole.LISTER))).json()
        rest = await http.get(f"/v1/entries?after={first['next']}", headers=w.bearer(COURT, OfficerRole.LISTER))
        assert [row["entry_id"] for row in [*first["items"], *rest.json()["items"]]] == ids
        none = await http.get("/v1/entries?status=published", headers=w.bearer(COURT, OfficerRole.LISTER))
        assert none.json()["items"] == []


async def test_credit_offices_auditors_and_publishers_read_only_the_entries_and_imports_of_their_regions(
    start: StartWorld,
) -> None:
    """A court of Qidong drafts and submits; Qidong's credit office reads both, Luoyang's reads nothing of them."""
    async with start("initiator") as w:
        http = await with_lawbook(w)
        bodies = [the_body(index, jurisdiction="320681") for index in range(2)]
        answers = [await http.post("/v1/entries", json=body, headers=lister(w, OTHER_COURT)) for body in bodies]
        ids = [answer.json()["entry_id"] for answer in answers]
        await http.post(f"/v1/entries/{ids[1]}/submit", headers=lister(w, OTHER_COURT))
        file = {"file": ("a.csv", b"nothing")}
        sent = await http.post("/v1/imports", files=file, headers=lister(w, OTHER_COURT))
        import_id = sent.json()["import_id"]

        async def seen_by(office: str, role: OfficerRole) -> tuple[list[str], list[int]]:
            headers = w.bearer(office, role)
            page = (await http.get("/v1/entries", headers=headers)).json()["items"]
            paths = [*(f"/v1/entries/{one}" for one in ids), f"/v1/imports/{import_id}"]
            paths.append(f"/v1/imports/{import_id}/rejects.csv")
            statuses = [(await http.get(path, headers=headers)).status_code for path in paths]
            imports = (await http.get("/v1/imports", headers=headers)).json()["items"]
            return [row["entry_id"] for row in page], [*statuses, len(imports)]

        for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
            assert await seen_by("qidong-credit-office", role) == (ids, [200, 200, 200, 200, 1])
            assert await seen_by("luoyang-credit-office", role) == ([], [404, 404, 404, 404, 0])
        of_office = await seen_by("qidong-credit-office", OfficerRole.APPROVER)
        assert of_office == (ids[1:], [404, 200, 404, 404, 0]), "an officer of a credit office reads no drafts"


async def test_where_the_policy_says_so_the_credit_office_publishes_and_the_lister_does_not(start: StartWorld) -> None:
    """004 四(二): the lists of Puyang County."""
    async with start("initiator") as w:
        http = await with_lawbook(w)
        county = "puyang-county-court"
        draft = await http.post("/v1/entries", json=the_body(jurisdiction="410928"), headers=lister(w, county))
        path = f"/v1/entries/{draft.json()['entry_id']}"
        assert (await http.post(f"{path}/submit", headers=lister(w, county))).status_code == 200
        own = await http.post(f"{path}/approve", headers={**approver(w, county), "Accept-Language": "en"})
        assert (own.status_code, own.json()["code"]) == (403, "may_not_publish")
        assert "a credit office that is responsible for it publishes" in own.json()["detail"]
        far = await http.post(f"{path}/approve", headers=approver(w, "luoyang-credit-office"))
        assert (far.status_code, far.json()["code"]) == (403, "may_not_publish")
        office = await http.post(f"{path}/approve", headers=approver(w, "puyang-county-credit-office"))
        assert office.json()["status"] == "published", office.text


async def test_a_bank_hands_in_a_list_for_reference_and_its_second_officer_publishes_it(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        bank = "luoyang-financial-institutions"
        own = await http.post("/v1/entries", json=the_body(public=False), headers=lister(w, bank))
        assert (own.status_code, codes(own)) == (403, [("third_party_origin_only", "origin")])
        theirs = the_body(public=False, origin="third_party")
        of_court = await http.post("/v1/entries", json=theirs, headers=lister(w))
        assert (of_court.status_code, codes(of_court)) == (403, [("not_a_third_party", "origin")])
        draft = await http.post("/v1/entries", json=theirs, headers=lister(w, bank))
        path = f"/v1/entries/{draft.json()['entry_id']}"
        await http.post(f"{path}/submit", headers=lister(w, bank))
        court = await http.post(f"{path}/approve", headers=approver(w))
        assert (court.status_code, court.json()["code"]) == (403, "may_not_publish")
        assert (await http.post(f"{path}/approve", headers=approver(w, bank))).json()["status"] == "published"


async def test_a_black_list_needs_notice_and_plea_under_the_national_rule_and_a_court_by_its_own_procedure_not(
    start: StartWorld,
) -> None:
    """国办发〔2020〕49号, from 2020-12-07 on."""
    async with start("initiator") as w:
        http = await with_lawbook(w)

        async def refusals(department: str, domain: str, day: str, **changes: Any) -> list[tuple[str, str | None]]:
            decision = {"decided_on": day}
            body = the_body(domain_id=domain, decision=decision, term_from=day, **changes)
            answer = await http.post("/v1/entries", json=body, headers=lister(w, department))
            return [] if answer.status_code == 201 else codes(answer)

        tax = "luoyang-state-tax"
        assert await refusals(tax, "tax", "2020-12-04") == []
        assert await refusals(tax, "tax", "2024-05-20") == [("notice_missing", "notice")]
        notice = {"served_on": "2024-05-06", "plea_until": "2024-05-13"}
        assert await refusals(tax, "tax", "2024-05-20", notice=notice) == []
        early = [("decided_before_plea_ended", "decision.decided_on")]
        assert await refusals(tax, "tax", "2024-05-13", notice=notice) == early
        assert await refusals(COURT, "judgment-defaulters", "2024-05-20") == []
        assert await refusals(COURT, "judgment-defaulters", "2024-05-13", notice=notice) == early
        building = "luoyang-housing-construction"
        without = await refusals(building, "real-estate", "2024-05-20", notice=notice)
        assert without == [("no_central_basis", "domain_id")]


async def test_an_exactly_full_last_page_of_entries_has_no_next(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        ids = [await drafted(w, http, index) for index in range(4)]
        reader = w.bearer(COURT, OfficerRole.LISTER)
        first = (await http.get("/v1/entries?limit=2", headers=reader)).json()
        last = (await http.get(f"/v1/entries?limit=2&after={first['next']}", headers=reader)).json()
        assert [row["entry_id"] for row in [*first["items"], *last["items"]]] == ids
        assert first["next"] is not None and last["next"] is None


async def test_no_persons_number_is_in_clear_anywhere(start: StartWorld) -> None:
    async with start("initiator") as w:
        http = await with_lawbook(w)
        listed, responsible = INVENTED.person(8), INVENTED.person(9)
        entry_id = await submitted(
            w,
            http,
            subject={"scheme": "person", "number": listed.resident_id, "name": listed.name},
            responsible=[
                {
                    "subject": {"scheme": "person", "number": responsible.resident_id, "name": responsible.name},
                    "role": "legal_representative",
                }
            ],
        )
        await http.post(f"/v1/entries/{entry_id}/approve", headers=approver(w))
        answer = await http.get(f"/v1/entries/{entry_id}", headers=w.bearer(COURT, OfficerRole.APPROVER))
        stored = await w.rows("initiator", "SELECT data::text FROM events UNION ALL SELECT body::text FROM idempotency")
        shown = answer.text + "".join(row[0] for row in stored)
        for person in (listed, responsible):
            assert person.resident_id not in shown and person.name not in shown
        assert "sealed" not in answer.text
        [event] = await eventually(lambda: w.seen(Topic.LIST, EntryPublished))
        seal = w.services["initiator"].core.seal
        assert seal.open(event.entry.subject.sealed_number or "") == listed.resident_id


async def test_every_route_is_in_the_documentation(start: StartWorld) -> None:
    async with start("initiator") as w:
        document = (await w.http("initiator").get("/openapi.json")).json()
        assert {path for path in document["paths"] if path.startswith(("/v1/entries", "/v1/imports"))} == {
            "/v1/entries",
            "/v1/entries/{entry_id}",
            "/v1/entries/{entry_id}/submit",
            "/v1/entries/{entry_id}/approve",
            "/v1/entries/{entry_id}/return",
            "/v1/imports",
            "/v1/imports/{import_id}",
            "/v1/imports/{import_id}/approve",
            "/v1/imports/{import_id}/withdraw",
            "/v1/imports/{import_id}/rejects.csv",
        }
        upload = document["paths"]["/v1/imports"]["post"]
        assert upload["requestBody"]["content"].keys() == {"multipart/form-data"}
