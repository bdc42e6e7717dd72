"""Repair over HTTP, and its events on the topic of lists. Rows 14 to 18 and 29."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

from httpx import Response
from sqlalchemy import event as listen
from uuid_utils import uuid7

from services.catalogue.files.shipped import shipped
from shared.calendar.working_days import SHANGHAI
from shared.contracts.event import DepartmentId, DomainId, EntryId, Topic
from shared.contracts.lawbook import ListKind
from shared.contracts.lawbook_events import PolicyPublished
from shared.contracts.listing import (
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryPublished,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ListEvent,
)
from shared.ids import new_event_id, stable_id
from shared.trust import OfficerRole
from tests.builders import a_decision, an_entry
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.policies import a_policy
from tests.subjects import INVENTED, company, person

LAWBOOK = shipped().changes()
VERSION = LAWBOOK[-1].lawbook_version
COURT = "luoyang-court"
OTHER = "luoyang-education"
IMPLEMENTER = "luoyang-development-reform"
"""Implements measures against defaulters on judgments, and so receives objections to their entries."""
OFFICE = "luoyang-credit-office"
TODAY = datetime.now(SHANGHAI).date()


def court_entry(w: World, index: int = 1, **changes: Any) -> Entry:
    """A black entry of the court. Its term ends in a hundred days."""
    ours: dict[str, Any] = {
        "entry_id": new_event_id(),
        "domain_id": DomainId("judgment-defaulters"),
        "subject": company(w, index),
        "initiated_by": DepartmentId(COURT),
        "decision": a_decision(decided_by=DepartmentId(COURT), decided_on=date(2018, 3, 1)),
        "term_from": date(2018, 3, 1),
        "term_to": TODAY + timedelta(days=100),
    }
    return an_entry(**(ours | changes))


def published(entry: Entry, lawbook_version: int = VERSION) -> EntryPublished:
    return EntryPublished(
        entry_id=entry.entry_id, subject=entry.subject.key, lawbook_version=lawbook_version, entry=entry
    )


@asynccontextmanager
async def on_list(start: StartWorld, **changes: Any) -> AsyncGenerator[tuple[World, Entry]]:
    """Repair with the shipped law book and one entry, adopted."""
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = court_entry(w, **changes)
        await w.publish(published(entry))
        await adopted(w, entry)
        yield w, entry


async def adopted(w: World, *entries: Entry) -> None:
    async def all_here() -> bool:
        found = await w.rows("repair", "SELECT entry_id FROM entries")
        return {entry.entry_id for entry in entries} <= {row.entry_id for row in found}

    await eventually(all_here, what="the entries adopted")


async def post(
    w: World,
    path: str,
    body: dict[str, Any],
    department: str = COURT,
    role: OfficerRole = OfficerRole.REPAIRER,
    seen: int | None = None,
    subject: str = "",
) -> Response:
    """Who files a case is another officer than the one who decides."""
    subject = subject or (f"filer-of-{department}" if path in ("objections", "repairs") else "")
    headers = w.writes(department, role, subject=subject) | ({"If-Match": f'"{seen}"'} if seen is not None else {})
    return await w.http("repair").post(f"/v1/{path}", json=body, headers=headers)


async def done(w: World, path: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Post, and have a second officer confirm what awaits confirmation."""
    answer = await w.confirmed(await post(w, path, body, **more), more.get("department", COURT))
    assert answer.is_success, answer.text
    return answer.json()


async def get(
    w: World, path: str, department: str = COURT, role: OfficerRole = OfficerRole.REPAIRER, **query: Any
) -> Response:
    return await w.http("repair").get(f"/v1/{path}", params=query, headers=w.bearer(department, role))


async def read(w: World, path: str, **query: Any) -> Any:
    answer = await get(w, path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: Response, status: int) -> list[tuple[str, str | None]]:
    assert answer.status_code == status, answer.text
    return [(fault["code"], fault["field"]) for fault in answer.json()["faults"]]


async def on_topic(w: World, entry: Entry, *kinds: type[ListEvent]) -> list[ListEvent]:
    """What repair published about an entry, in order, once as many events are there."""

    async def enough() -> list[ListEvent]:
        events = [event for _, event in await w.topic(Topic.LIST) if isinstance(event, ListEvent)]
        found = [e for e in events if e.entry_id == entry.entry_id and not isinstance(e, EntryPublished)]
        return found if len(found) >= len(kinds) else []

    found = await eventually(enough, what=f"{len(kinds)} events of repair")
    assert [type(event) for event in found] == list(kinds)
    return found


def revocation(entry: Entry, **changes: Any) -> dict[str, Any]:
    body = {
        "entry_id": entry.entry_id,
        "cause": "litigation",
        "reason": "判决撤销",
        "document_number": "示例〔2026〕1号",
    }
    return {**body, **changes}


def correction(entry: Entry, **changes: Any) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "changes": changes,
        "cause": "error",
        "reason": "录入有误",
        "document_number": "示例〔2026〕2号",
    }


async def test_a_published_entry_is_adopted_once_however_often_it_is_delivered(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        other = court_entry(w, 2)
        await w.publish(published(entry), source=f"restored/{uuid.uuid4()}/2")
        await w.publish(published(other))
        await adopted(w, other)
        [count] = await w.rows("repair", "SELECT count(*) AS n FROM events")
        assert count.n == 2
        assert await w.rows("repair", "SELECT * FROM parked") == []
        shown = await read(w, f"entries/{entry.entry_id}")
        assert (shown["status"], shown["version"], shown["steps"][0]["what"]) == (
            "listed",
            1,
            "repair.entry.adopted.v1",
        )


async def test_an_entry_waits_for_the_law_book_by_which_it_was_judged(start: StartWorld) -> None:
    async with start("repair") as w:
        entry = court_entry(w)
        await w.publish(published(entry))
        await w.publish_lawbook(*LAWBOOK[:-1])

        async def book_read() -> bool:
            [row] = await w.rows("repair", "SELECT count(*) AS n FROM lawbook_changes")
            return row.n == VERSION - 1

        await eventually(book_read, what="all but the last change of the law book")
        assert await w.rows("repair", "SELECT * FROM entries") == []
        await w.publish_lawbook(LAWBOOK[-1])
        await adopted(w, entry)


async def test_a_revocation_is_published_and_shown_with_its_document(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        answer = await done(w, "revocations", revocation(entry))
        assert (answer["entry_id"], answer["version"], answer["status"]) == (entry.entry_id, 5, "revoked")
        _, revoked = await on_topic(w, entry, EntrySuspended, EntryRevoked)
        assert (revoked.subject, revoked.lawbook_version) == (entry.subject.key, VERSION)
        one = await read(w, f"revocations/{answer['revocation_id']}")
        assert (one["cause"], one["document_number"], one["department"]) == ("litigation", "示例〔2026〕1号", COURT)
        assert (await read(w, "revocations"))["items"] == [one]
        assert (await read(w, "corrections"))["items"] == []
        assert (await read(w, "entries", status="revoked"))["items"][0]["cause"] == "litigation"


async def test_a_revoked_entry_is_not_corrected_by_an_officer_with_a_stale_version(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        seen = (await read(w, f"entries/{entry.entry_id}"))["version"]
        await done(w, "revocations", revocation(entry))
        unaware = await post(w, "corrections", correction(entry, public=False), seen=seen)
        assert refusal(unaware, 409) == [("stale_version", None)]
        careless = await post(w, "corrections", correction(entry, public=False))
        assert refusal(careless, 409) == [("entry_has_left_the_list", None)]
        await on_topic(w, entry, EntrySuspended, EntryRevoked)


async def test_a_correction_names_and_seals_the_responsible_persons(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        invented = INVENTED.person(3)
        subject = {"scheme": "person", "number": invented.resident_id, "name": invented.name}
        changes = {"responsible": [{"subject": subject, "role": "principal"}], "facts": "更正后的事实"}
        await done(w, "corrections", correction(entry, **changes))
        [corrected] = await on_topic(w, entry, EntryCorrected)
        assert isinstance(corrected, EntryCorrected)
        [named] = corrected.entry.responsible
        assert named.subject.key == person(w, 3).key
        assert w.services["repair"].core.seal.open(named.subject.sealed_number or "") == invented.resident_id
        stored = await w.rows(
            "repair", "SELECT data::text AS data FROM events UNION SELECT body::text FROM idempotency"
        )
        assert not any(invented.resident_id in row.data or invented.name in row.data for row in stored)
        step = (await read(w, f"entries/{entry.entry_id}"))["steps"][-1]
        assert step["corrected"] == ["responsible", "decision.facts"]
        assert "sealed" not in str(await read(w, f"entries/{entry.entry_id}"))


async def test_every_fault_of_a_correction_is_reported(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        answer = await post(w, "corrections", correction(entry, grade="none", term_to="2018-02-28"))
        assert refusal(answer, 422) == [
            ("unknown_grade", "changes.grade"),
            ("end_before_start", "changes.term_to"),
        ]
        slip = await post(w, "corrections", correction(entry, teerm_to="2018-02-28", public=None))
        assert sorted(refusal(slip, 422)) == [
            ("field_invalid", "changes.teerm_to"),
            ("field_missing", "changes.public"),
        ]
        wrong_person = {"subject": {"scheme": "person", "number": "1234", "name": "示例甲"}, "role": "principal"}
        answer = await post(w, "corrections", correction(entry, responsible=[wrong_person]))
        assert refusal(answer, 422)[0][1] == "changes.responsible[0].subject.number"
        refused = await post(w, "revocations", revocation(entry, reason=f"{INVENTED.person(4).resident_id} 有误"))
        assert refusal(refused, 422) == [("personal_number_in_text", "reason")]


async def test_only_a_responsible_department_decides_and_others_cannot_read_the_entry(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        assert refusal(await post(w, "revocations", revocation(entry), OTHER), 403) == [("forbidden_department", None)]
        lister = await post(w, "revocations", revocation(entry), COURT, OfficerRole.LISTER)
        assert refusal(lister, 403) == [("forbidden_role", None)]
        assert refusal(await get(w, f"entries/{entry.entry_id}", OTHER), 404) == [("unknown_id", "path.entry_id")]
        assert (await get(w, "entries", OTHER)).json()["items"] == []
        auditor = await get(w, f"entries/{entry.entry_id}", OTHER, OfficerRole.AUDITOR)
        assert auditor.status_code == 200
        refused = await post(w, "revocations", revocation(entry), OTHER, OfficerRole.CREDIT_OFFICE)
        assert refusal(refused, 403) == [("not_a_credit_office", None)]
        office = await post(w, "revocations", revocation(entry), OFFICE, OfficerRole.CREDIT_OFFICE)
        assert office.status_code == 201
        assert (await get(w, "revocations", OTHER)).json()["items"] == []


async def test_an_entry_that_was_not_read_yet_can_be_retried_whatever_the_age_or_version_of_its_id(
    start: StartWorld,
) -> None:
    old = "018bcfe5-6800-7000-8000-000000000001"  # of November 2023: a draft that lay, and was published just now
    imported = stable_id("import", str(uuid7()), "2")
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        for entry_id in (str(uuid7()), old, imported):
            answer = await post(w, "objections", {"entry_id": entry_id, "reason": "示例"})
            assert refusal(answer, 409) == [("entry_not_read_yet", "entry_id")], entry_id
            assert int(answer.headers["retry-after"]) > 0


async def test_a_command_that_was_refused_before_the_publication_was_read_is_accepted_after_it(
    start: StartWorld,
) -> None:
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = court_entry(w, entry_id=EntryId(stable_id("import", str(uuid7()), "2")))
        headers = w.writes(COURT, OfficerRole.REPAIRER)
        early = await w.http("repair").post("/v1/revocations", json=revocation(entry), headers=headers)
        assert refusal(early, 409) == [("entry_not_read_yet", "entry_id")]
        await w.publish(published(entry))
        await adopted(w, entry)
        again = await w.http("repair").post("/v1/revocations", json=revocation(entry), headers=headers)
        assert (again.status_code, again.json()["status"]) == (201, "awaiting_confirmation")


async def test_what_cannot_be_the_id_of_an_entry_is_an_unknown_id(start: StartWorld) -> None:
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        for unknown in (str(uuid.uuid4()), "no-such-entry", str(uuid7()).upper()):
            answer = await post(w, "objections", {"entry_id": unknown, "reason": "示例"})
            assert refusal(answer, 404) == [("unknown_id", "entry_id")], unknown
        answer = await post(w, "objections/none/reject", {"reason": "示例"})
        assert refusal(answer, 404) == [("unknown_id", "path.objection_id")]


async def test_the_first_objection_suspends_and_the_last_resumes(start: StartWorld) -> None:
    """国发〔2016〕33号 (二十二): measures are suspended while the record is verified, so from the verification on."""
    async with on_list(start) as (w, entry):
        body = {"entry_id": entry.entry_id, "reason": "并非本公司所为"}
        first = await done(w, "objections", body, department=IMPLEMENTER)
        second = await done(
            w, "objections", {**body, "ground": "identity"}, department=IMPLEMENTER, role=OfficerRole.SYSTEM
        )
        assert first["status"] == second["status"] == "listed"
        for filed in (first, second):
            begun = await done(w, f"objections/{filed['objection_id']}/verify", {})
            assert begun["status"] == "suspended"
        rejected = await done(w, f"objections/{first['objection_id']}/reject", {"reason": "经核实无误"})
        assert rejected["status"] == "suspended"
        shown = await read(w, f"entries/{entry.entry_id}")
        assert shown["suspended_by"] == shown["open_cases"] == [second["objection_id"]]
        assert shown["suspended"] == ["measures"]
        resumed = await done(w, f"objections/{second['objection_id']}/reject", {"reason": "经核实无误"})
        assert resumed["status"] == "listed"
        suspended, resumption = await on_topic(w, entry, EntrySuspended, EntryResumed)
        assert isinstance(suspended, EntrySuspended)
        assert isinstance(resumption, EntryResumed)
        assert (suspended.case_id, resumption.case_id) == (first["objection_id"], second["objection_id"])
        assert suspended.received_by == IMPLEMENTER
        again = await post(w, f"objections/{second['objection_id']}/uphold", {"reason": "x", "document_number": "y"})
        assert refusal(again, 409) == [("case_is_closed", None)]
        seen = (await get(w, "objections", IMPLEMENTER, status="rejected")).json()["items"]
        assert [case["case_id"] for case in seen] == [first["objection_id"], second["objection_id"]]
        shown = await read(w, f"objections/{first['objection_id']}")
        assert (shown["decided_by"], shown["ground"], shown["suspension_begins"]) == (COURT, "other", "verification")
        assert shown["verified_from"] is not None


async def test_an_objection_is_received_by_those_whom_the_policy_names_and_not_filed_in_a_row(
    start: StartWorld,
) -> None:
    async with on_list(start) as (w, entry):
        body = {"entry_id": entry.entry_id, "reason": "示例", "ground": "facts"}
        other = await post(w, "objections", body, OTHER)
        assert refusal(other, 403) == [("may_not_receive_objections", None)]
        first = await done(w, "objections", body, department=IMPLEMENTER)
        assert refusal(await post(w, "objections", body), 409) == [("objection_is_being_verified", "ground")]
        await done(w, f"objections/{first['objection_id']}/reject", {"reason": "经核实无误"})
        assert refusal(await post(w, "objections", body), 409) == [("objection_repeated", "new_evidence")]
        invisible = await post(w, "objections", {**body, "new_evidence": "\u200b \u3000"})
        assert refusal(invisible, 409) == [("objection_repeated", "new_evidence")]
        again = await done(w, "objections", {**body, "new_evidence": "示例〔2026〕9号"})
        begun = await done(w, f"objections/{again['objection_id']}/verify", {})
        assert begun["status"] == "listed", "a repeated objection does not suspend"
        assert (await read(w, f"objections/{again['objection_id']}"))["new_evidence"] == "示例〔2026〕9号"


async def test_an_upheld_objection_corrects_or_revokes(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        one = await done(w, "objections", {"entry_id": entry.entry_id, "reason": "期限有误"})
        decision = {"reason": "经核实，期限有误", "document_number": "示例异议〔2026〕1号"}
        changes = {"term_to": (TODAY + timedelta(days=10)).isoformat()}
        corrected = await done(w, f"objections/{one['objection_id']}/uphold", {**decision, "changes": changes})
        assert corrected["status"] == "listed"
        two = await done(w, "objections", {"entry_id": entry.entry_id, "reason": "并非本公司所为"})
        revoked = await done(w, f"objections/{two['objection_id']}/uphold", decision)
        assert revoked["status"] == "revoked"
        kinds = (EntrySuspended, EntryCorrected, EntryResumed, EntrySuspended, EntryRevoked)
        await on_topic(w, entry, *kinds)
        assert await w.rows("repair", "SELECT * FROM timers") == []


async def test_any_department_requests_repair_and_the_responsible_department_grants_it(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        body = {"entry_id": entry.entry_id, "reason": "已履行判决", "evidence": "示例结案通知书"}
        first = await done(w, "repairs", body, department=OTHER, role=OfficerRole.SYSTEM)
        refused = await done(w, f"repairs/{first['repair_id']}/refuse", {"reason": "尚未全部履行"})
        assert refused["status"] == "listed"
        second = await done(w, "repairs", body, department=OTHER)
        grant = {"reason": "符合条件", "document_number": "示例修复〔2026〕1号"}
        other = await post(w, f"repairs/{second['repair_id']}/grant", grant, OTHER)
        assert refusal(other, 403) == [("forbidden_department", None)]
        granted = await done(w, f"repairs/{second['repair_id']}/grant", grant)
        assert granted["status"] == "repaired"
        _, repaired = await on_topic(w, entry, EntrySuspended, EntryRepaired)
        assert isinstance(repaired, EntryRepaired)
        assert repaired.document_number == "示例修复〔2026〕1号"
        cases = (await read(w, "repairs"))["items"]
        assert [(case["status"], case["evidence"]) for case in cases] == [
            ("refused", "示例结案通知书"),
            ("granted", "示例结案通知书"),
        ]
        assert await w.rows("repair", "SELECT * FROM timers") == []


async def test_a_red_entry_is_never_repaired_but_ends(start: StartWorld) -> None:
    async with on_list(start, list_kind=ListKind.RED, domain_id=DomainId("tax")) as (w, entry):
        answer = await post(w, "repairs", {"entry_id": entry.entry_id, "reason": "示例"})
        assert refusal(answer, 422) == [("red_entry_not_repaired", None)]
        body = {"entry_id": entry.entry_id, "cause": "no_longer_qualifies", "reason": "信用等级下降"}
        ended = await done(w, "endings", body)
        assert ended["status"] == "ended"
        [event] = await on_topic(w, entry, EntryEnded)
        assert isinstance(event, EntryEnded)
        assert event.ended_on == TODAY
        assert (await read(w, f"endings/{ended['ending_id']}"))["ended_on"] == TODAY.isoformat()


async def test_a_term_ends_by_itself_and_an_extension_moves_the_end(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        longer = TODAY + timedelta(days=200)
        await done(w, "corrections", correction(entry, term_to=longer.isoformat()))
        await w.move_clock(_first_instant_after(TODAY + timedelta(days=100)))
        untouched = court_entry(w, 2, term_to=TODAY + timedelta(days=99))
        await w.publish(published(untouched))

        async def the_late_one_ended() -> bool:
            rows = await w.rows("repair", "SELECT entry_id FROM entries WHERE status = 'ended'")
            return [row.entry_id for row in rows] == [untouched.entry_id]

        await eventually(the_late_one_ended, what="the entry whose term had passed when it came")
        await w.move_clock(_first_instant_after(longer))
        [_, of_one] = await on_topic(w, entry, EntryCorrected, EntryEnded)
        [of_other] = await on_topic(w, untouched, EntryEnded)
        assert isinstance(of_one, EntryEnded)
        assert isinstance(of_other, EntryEnded)
        assert of_one.ended_on == longer + timedelta(days=1)
        assert of_other.ended_on == TODAY + timedelta(days=100)
        assert await w.rows("repair", "SELECT * FROM timers") == []
        revoked = await done(w, "revocations", revocation(entry))
        assert revoked["status"] == "revoked"


async def test_an_extension_and_the_end_of_the_term_at_the_same_moment_do_not_both_happen(start: StartWorld) -> None:
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = [court_entry(w, index, term_to=TODAY) for index in range(30)]
        await w.publish(*map(published, entries))
        await adopted(w, *entries)
        longer = (TODAY + timedelta(days=30)).isoformat()

        async def at_the_last_moment(entry: Entry, nth: int) -> Response:
            await asyncio.sleep(0.02 * nth)  # timers are polled twice a second
            return await post(w, "corrections", correction(entry, term_to=longer))

        extensions = [asyncio.create_task(at_the_last_moment(entry, nth)) for nth, entry in enumerate(entries)]
        await w.move_clock(_first_instant_after(TODAY))
        answers = await asyncio.gather(*extensions)
        for entry, answer in zip(entries, answers, strict=True):
            if answer.status_code == 201:
                await on_topic(w, entry, EntryCorrected)
            else:
                assert refusal(answer, 409) == [("entry_has_left_the_list", None)]
                await on_topic(w, entry, EntryEnded)


async def test_many_publications_cost_a_constant_number_of_statements(start: StartWorld) -> None:
    async with start("repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        entries = [court_entry(w, index) for index in range(60)]
        statements: list[str] = []
        listen.listen(
            w.services["repair"].core.engine.sync_engine, "before_cursor_execute", _into(statements), named=False
        )
        for entry in entries:
            await w.publish(published(entry))
        await adopted(w, *entries)
        inserts = [text for text in statements if text.startswith("INSERT INTO entries")]
        batches = [text for text in statements if "INSERT INTO events" in text]
        assert len(inserts) == len(batches)
        assert [row.n for row in await w.rows("repair", "SELECT count(*) AS n FROM timers")] == [60]


def _into(statements: list[str]) -> Callable[..., None]:
    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    return note


def _first_instant_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)


async def test_pages_follow_one_another_and_an_exactly_full_last_page_has_no_next(start: StartWorld) -> None:
    async with on_list(start) as (w, entry):
        other = court_entry(w, 2)
        await w.publish(published(other))
        await adopted(w, other)
        for one in (entry, other):
            body = {"entry_id": one.entry_id, "reason": "示例"}
            await done(w, "objections", body)
            await done(w, "repairs", {**body, "evidence": "示例"})
            await done(w, "corrections", correction(one, public=False))
            await done(w, "revocations", revocation(one))
        for path in ("entries", "objections", "repairs", "corrections", "revocations"):
            first = await read(w, path, limit=1)
            last = await read(w, path, limit=1, after=first["next"])
            assert (len(first["items"]), len(last["items"]), last["next"]) == (1, 1, None), path
            both = await read(w, path, limit=2)
            assert (both["items"], both["next"]) == (first["items"] + last["items"], None), path


async def test_overdue_objections_are_listed(start: StartWorld) -> None:
    async with start("repair") as w:
        *earlier, last = LAWBOOK
        policy = next(p for p in shipped().policies if p.region == "410300")
        five_days = a_policy(policy.policy_id, version=policy.version + 1, objection_verify_days=5)
        await w.publish_lawbook(*earlier, last, PolicyPublished(lawbook_version=VERSION + 1, policy=five_days))
        entry = court_entry(w)
        await w.publish(published(entry, VERSION + 1))
        await adopted(w, entry)
        filed = await done(w, "objections", {"entry_id": entry.entry_id, "reason": "示例"})
        case = await read(w, f"objections/{filed['objection_id']}")
        assert (await read(w, "objections", overdue=True))["items"] == []
        await w.move_clock(_first_instant_after(date.fromisoformat(case["verify_by"])))
        assert (await read(w, "objections", overdue=True))["items"] == [case]
