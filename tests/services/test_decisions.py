"""Four eyes on leaving the list, over HTTP: one officer decides, another confirms or returns. And who may read it."""

import asyncio
import importlib
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook_events import DepartmentPublished
from shared.contracts.listing import EntryCorrected, EntryRepaired, EntryResumed, EntryRevoked, EntrySuspended
from shared.trust import OfficerRole
from tests.builders import a_decision, a_department
from tests.conftest import StartWorld
from tests.harness import World
from tests.services.test_repair import (
    COURT,
    IMPLEMENTER,
    LAWBOOK,
    OFFICE,
    OTHER,
    TODAY,
    VERSION,
    adopted,
    correction,
    court_entry,
    done,
    get,
    on_list,
    on_topic,
    post,
    published,
    read,
    refusal,
    revocation,
)
from tests.subjects import INVENTED

ELSEWHERE = "example-office-elsewhere"


async def publish_office_elsewhere(w: World) -> None:
    office = a_department(ELSEWHERE, region="410900", credit_office=True)
    await w.publish_lawbook(DepartmentPublished(lawbook_version=VERSION + 1, department=office))


async def decided(w: World, path: str, body: dict[str, Any], **more: Any) -> str:
    """The id of a decision that awaits confirmation."""
    answer = await post(w, path, body, **more)
    assert answer.is_success, answer.text
    assert answer.json()["status"] == "awaiting_confirmation"
    return answer.json()["decision_id"]


async def close(
    w: World,
    decision: str,
    how: str = "confirm",
    department: str = COURT,
    role: OfficerRole = OfficerRole.APPROVER,
    subject: str = "second-officer",
) -> Response:
    body = {"reason": "材料不全"} if how == "return" else None
    headers = w.writes(department, role, subject=subject)
    return await w.http("repair").post(f"/v1/decisions/{decision}/{how}", json=body, headers=headers)


async def test_a_revocation_takes_effect_when_a_second_officer_confirms_it(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        decision = await decided(w, "revocations", revocation(entry), subject="Li")
        shown = await read(w, f"entries/{entry.entry_id}")
        assert (shown["status"], shown["awaiting_decision"]) == ("suspended", decision)
        assert shown["suspended_by"] == [decision]
        [waiting] = (await read(w, "decisions"))["items"]
        assert (waiting["account"], waiting["department"], waiting["kind"]) == ("Li", COURT, "revocation")
        assert waiting["content"]["document_number"] == "示例〔2026〕1号"
        for account in ("Li", "li", " LI"):
            assert refusal(await close(w, decision, subject=account), 403) == [("four_eyes", None)]
        confirmed = await close(w, decision)
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "revoked")
        suspended, revoked = await on_topic(w, entry, EntrySuspended, EntryRevoked)
        assert isinstance(suspended, EntrySuspended)
        assert isinstance(revoked, EntryRevoked)
        assert (suspended.case_id, suspended.received_by) == (decision, COURT)
        assert revoked.document_number == "示例〔2026〕1号"
        act = await read(w, f"revocations/{confirmed.json()['revocation_id']}")
        assert (act["department"], act["decision_id"], act["confirmed_by"]) == (COURT, decision, COURT)
        assert refusal(await close(w, decision), 409) == [("decision_is_closed", None)]
        assert (await read(w, "decisions"))["items"] == []
        assert (await read(w, f"decisions/{decision}"))["act_id"] == act["act_id"]


async def test_a_returned_decision_has_no_effect_and_the_measures_resume(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        decision = await decided(w, "endings", {"entry_id": entry.entry_id, "cause": "withdrawn", "reason": "示例"})
        second = await post(w, "revocations", revocation(entry))
        assert refusal(second, 409) == [("decision_awaits_confirmation", None)]
        returned = await close(w, decision, "return")
        assert (returned.status_code, returned.json()["status"]) == (200, "listed")
        await on_topic(w, entry, EntrySuspended, EntryResumed)
        shown = await read(w, f"decisions/{decision}")
        assert (shown["status"], shown["return_reason"], shown["closed_account"]) == (
            "returned",
            "材料不全",
            "second-officer",
        )
        assert refusal(await close(w, decision), 409) == [("decision_is_closed", None)]
        await decided(w, "revocations", revocation(entry))


async def test_who_confirms_answers_for_the_entry_or_oversees_its_region_or_is_named_by_the_law_book(
    start: StartWorld,
) -> None:
    async with on_list(start) as (w, entry):
        decision = await decided(w, "revocations", revocation(entry))
        assert refusal(await close(w, decision, department=OTHER), 403) == [("forbidden_department", None)]
        await publish_office_elsewhere(w)
        away = await close(w, decision, department=ELSEWHERE, role=OfficerRole.CREDIT_OFFICE)
        assert refusal(away, 403) == [("outside_responsibility", None)]
        assert refusal(await close(w, "none"), 404) == [("unknown_id", "path.decision_id")]
        assert refusal(await get(w, f"decisions/{decision}", OTHER), 404) == [("unknown_id", "path.decision_id")]
        court = next(
            e.department for e in LAWBOOK if isinstance(e, DepartmentPublished) if e.department.department_id == COURT
        )
        named = court.model_copy(update={"confirmed_by": (DepartmentId(OTHER),)})
        await w.publish_lawbook(DepartmentPublished(lawbook_version=VERSION + 2, department=named))
        assert [one["decision_id"] for one in (await get(w, "decisions", OTHER)).json()["items"]] == [decision]
        confirmed = await close(w, decision, department=OTHER)
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "revoked")
        act = await read(w, f"revocations/{confirmed.json()['revocation_id']}")
        assert (act["department"], act["confirmed_by"]) == (COURT, OTHER)


async def test_a_credit_office_confirms_in_its_region(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        decision = await decided(w, "revocations", revocation(entry))
        confirmed = await close(w, decision, department=OFFICE, role=OfficerRole.CREDIT_OFFICE)
        assert confirmed.json()["status"] == "revoked"


async def test_who_filed_a_case_neither_decides_nor_confirms_it(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        body = {"entry_id": entry.entry_id, "reason": "示例", "evidence": "示例"}
        repair = (await done(w, "repairs", body, subject="Chen"))["repair_id"]
        grant = {"reason": "符合条件", "document_number": "示例修复〔2026〕1号"}
        for path, sent in ((f"repairs/{repair}/grant", grant), (f"repairs/{repair}/refuse", {"reason": "示例"})):
            assert refusal(await post(w, path, sent, subject="chen"), 403) == [("four_eyes", None)]
        decision = await decided(w, f"repairs/{repair}/grant", grant, subject="li")
        assert refusal(await close(w, decision, subject="chen"), 403) == [("four_eyes", None)]
        refused = await post(w, f"repairs/{repair}/refuse", {"reason": "示例"}, subject="zhou")
        assert refusal(refused, 409) == [("decision_awaits_confirmation", None)]
        granted = (await close(w, decision)).json()
        assert (granted["status"], granted["repair_id"]) == ("repaired", repair)
        case = await read(w, f"repairs/{repair}")
        assert (case["status"], case["decided_by"], case["decision_id"]) == ("granted", COURT, decision)
        await on_topic(w, entry, EntrySuspended, EntryRepaired)


async def test_a_correction_that_can_end_measures_awaits_confirmation_and_another_one_does_not(
    start: StartWorld,
) -> None:
    async with on_list(start) as (w, entry):
        longer = (TODAY + timedelta(days=200)).isoformat()
        at_once = await post(w, "corrections", correction(entry, term_to=longer))
        assert (at_once.status_code, at_once.json()["status"]) == (201, "listed")
        invented = INVENTED.person(3)
        subject = {"scheme": "person", "number": invented.resident_id, "name": invented.name}
        changes = {"responsible": [{"subject": subject, "role": "principal"}], "public": False}
        decision = await decided(w, "corrections", correction(entry, **changes))
        shown = await read(w, f"decisions/{decision}")
        assert shown["content"]["changes"].keys() == changes.keys()
        assert "sealed" not in str(shown)
        assert "sealed" not in str(await read(w, f"entries/{entry.entry_id}"))
        await w.restart("repair")
        confirmed = (await close(w, decision)).json()
        assert confirmed["status"] == "listed"
        _, _, corrected, _ = await on_topic(w, entry, EntryCorrected, EntrySuspended, EntryCorrected, EntryResumed)
        assert isinstance(corrected, EntryCorrected)
        assert (corrected.entry.public, corrected.entry.term_to) == (False, TODAY + timedelta(days=200))
        assert corrected.entry.responsible[0].subject.sealed_number
        assert (await read(w, f"corrections/{confirmed['correction_id']}"))["decision_id"] == decision


async def test_confirmation_and_return_at_the_same_moment_do_not_both_happen(start: StartWorld) -> None:
    async with on_list(start) as (w, _):
        entries = [court_entry(w, index) for index in range(2, 12)]
        await w.publish(*map(published, entries))
        await adopted(w, *entries)
        for entry in entries:
            decision = await decided(w, "revocations", revocation(entry))
            both = await asyncio.gather(close(w, decision), close(w, decision, "return", subject="third"))
            assert sorted(answer.status_code for answer in both) == [200, 409]
            shown = await read(w, f"entries/{entry.entry_id}")
            assert shown["status"] == ("revoked" if both[0].status_code == 200 else "listed")


async def test_a_repair_needs_evidence_and_the_minimum_of_publicity(start: StartWorld) -> None:
    recent = TODAY - timedelta(days=60)
    own = {"decision": a_decision(decided_by=DepartmentId(COURT), decided_on=recent), "term_from": recent}
    async with on_list(start, **own, term_to=TODAY + timedelta(days=900)) as (w, entry):
        body = {"entry_id": entry.entry_id, "reason": "已履行"}
        for blank in ("", "   ", "\u3000\u200b"):
            answer = await post(w, "repairs", {**body, "evidence": blank})
            assert refusal(answer, 422) == [("evidence_missing", "evidence")]
        requested = await done(w, "repairs", {**body, "evidence": "示例"})
        case = await read(w, f"repairs/{requested['repair_id']}")
        assert case["earliest_on"] == requested["earliest_on"] > TODAY.isoformat()
        grant = {"reason": "符合条件", "document_number": "示例修复〔2026〕1号"}
        answer = await post(w, f"repairs/{requested['repair_id']}/grant", grant)
        assert refusal(answer, 409) == [("minimum_publicity_not_passed", None)]


@pytest.mark.parametrize("blank", ["", "  ", "\u3000", "\u200b\u2060"])
async def test_blank_reasons_and_document_numbers_are_none(start: StartWorld, blank: str) -> None:
    async with on_list(start) as (w, entry):
        answer = await post(w, "revocations", revocation(entry, reason=blank, document_number=blank))
        assert refusal(answer, 422) == [("field_missing", "reason"), ("field_missing", "document_number")]
        objection = await post(w, "objections", {"entry_id": entry.entry_id, "reason": blank})
        assert refusal(objection, 422) == [("field_missing", "reason")]


async def test_credit_offices_and_auditors_read_the_entries_of_their_regions(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        await publish_office_elsewhere(w)
        objection = await done(w, "objections", {"entry_id": entry.entry_id, "reason": "示例"}, department=IMPLEMENTER)
        decision = await decided(w, "revocations", revocation(entry))
        paths = (
            f"entries/{entry.entry_id}",
            f"objections/{objection['objection_id']}",
            f"decisions/{decision}",
        )
        for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
            for path in paths:
                assert (await get(w, path, OFFICE, role)).status_code == 200, (path, role)
                assert (await get(w, path, ELSEWHERE, role)).status_code == 404, (path, role)
            for path in ("entries", "objections", "decisions"):
                assert len((await get(w, path, OFFICE, role)).json()["items"]) == 1
                assert (await get(w, path, ELSEWHERE, role)).json()["items"] == []
        assert (await get(w, paths[1], IMPLEMENTER)).status_code == 200, "a department reads what it filed"


async def test_the_migration_fills_in_the_regions_of_stored_entries(start: StartWorld) -> None:
    migration = importlib.import_module("services.repair.migrations.versions.0003_four_eyes")
    async with on_list(start) as (w, entry):
        other = court_entry(w, 2)
        await w.publish(published(other))
        await adopted(w, other)
        await done(w, "corrections", correction(entry, public=False))
        async with w.services["repair"].core.engine.begin() as connection:
            await connection.execute(text("UPDATE entries SET jurisdiction = ''"))
            await connection.execute(text(migration.JURISDICTION_OF_STORED_ENTRIES))
        rows = await w.rows("repair", "SELECT DISTINCT jurisdiction FROM entries")
        assert [row.jurisdiction for row in rows] == ["410300"]
