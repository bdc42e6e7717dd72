"""Feedback over Kafka, with topics read in unfavourable orders, and over HTTP."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from services.feedback.domain.entry import EntryState
from services.feedback.domain.ledger import Ledger, ReceivedEvent, fold
from services.feedback.jobs.overdue import OverdueSweep
from services.feedback.reactions import keep_ledger
from shared.calendar.working_days import add_working_days, today
from shared.contracts.envelope import Envelope
from shared.contracts.event import DepartmentId, EntryId, LineId, PublicEvent, SubjectKey, Topic
from shared.contracts.execution import Applied, Armed, NotApplicable, Undone, WithoutBasis
from shared.contracts.feedback import LoopClosed, ObligationOverdue
from shared.contracts.lawbook import Duty
from shared.contracts.lawbook_events import DepartmentPublished, LawbookEvent, RegionsPublished
from shared.contracts.response import EndMode
from shared.database import connect
from shared.eventstore import Metadata, Session
from shared.eventstore.partitions import partition_of
from shared.ids import new_event_id
from shared.lawbook.items import publications
from shared.messaging.message import Message
from shared.messaging.reaction import Batch
from shared.trust import OfficerRole
from tests.builders import a_department, a_line, the_regions
from tests.conftest import StartWorld
from tests.domain.test_feedback import BANK, HOUSING, Story, queues
from tests.engine.statements import counted
from tests.harness import World, eventually
from tests.holidays import notice_file

TAXES = DepartmentId("taxes")


def lawbook() -> Sequence[LawbookEvent]:
    """The regions and departments of these tests. Feedback needs the law book only to decide who may read."""
    departments = [a_department(name) for name in ("court", HOUSING, TAXES)]
    departments.append(a_department(BANK, kind="bank"))
    departments.append(a_department("office", credit_office=True))
    departments.append(a_department("puyang-office", credit_office=True, region="410900"))
    return publications([*the_regions(), *departments], 0)


@asynccontextmanager
async def feedback(start: StartWorld) -> AsyncGenerator[World]:
    """Feedback, once it has read the law book."""
    async with start("feedback") as w:
        await w.publish_lawbook(*lawbook())
        yield w


@dataclass
class Publisher:
    """Writes the events of a story to the topics in the given order, as the relays of the other services would."""

    w: World
    source: str = "others/1/1"
    sequences: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])

    async def publish(self, events: Iterable[ReceivedEvent]) -> None:
        for received in events:
            event = received.event
            assert isinstance(event, PublicEvent)
            partition = partition_of(event.partition_key, self.w.settings.partitions)
            self.sequences[event.TOPIC, partition] += 1
            await self.put(received, partition, self.sequences[event.TOPIC, partition])

    async def put(self, received: ReceivedEvent, partition: int, sequence: int) -> None:
        event = received.event
        envelope = Envelope(
            received.event_id, self.source, sequence, event.TYPE, received.at.isoformat(), event.partition_key
        )
        body = event.model_dump_json().encode()
        await self.w.record(event.TOPIC, partition, event.partition_key, body, envelope)


def of_topic(story: Story, topic: Topic) -> list[ReceivedEvent]:
    return [received for received in story.events if topic == received.event.TOPIC]


def new_story(now: datetime | None = None) -> Story:
    entry_id = EntryId(new_event_id())
    return Story(now=now or datetime.now(UTC), entry_id=entry_id, company=SubjectKey(f"示例:{entry_id}"))


def revoked_story() -> Story:
    """Two lines applied by one department, one armed by another, revoked, and all undone."""
    story = new_story()
    a, b, c = (f"{story.entry_id}-{letter}" for letter in "abc")
    story.published().directed(a_line(a), a_line(b)).directed(a_line(c), to=TAXES).settled(a, b, c)
    story.did(Applied, a, b).did(Armed, c, by=TAXES).revoked()
    story.ended(a, b, mode=EndMode.FROM_BEGINNING).ended(c, mode=EndMode.FROM_BEGINNING, to=TAXES)
    story.settled(a, b, c, ended=True)
    return story.undone(a, b, how=Undone.RESTORED).undone(c, how=Undone.RESTORED, by=TAXES)


def auditor(w: World) -> dict[str, str]:
    return w.bearer("office", OfficerRole.AUDITOR)


async def closure(w: World, entry_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = await w.http("feedback").get(f"/v1/entries/{entry_id}/closure", headers=headers or auditor(w))
    return answer.json() if answer.status_code == 200 else {}


async def in_state(w: World, story: Story, state: EntryState) -> dict[str, Any]:
    async def found() -> dict[str, Any]:
        answer = await closure(w, story.entry_id)
        return answer if answer.get("state") == state else {}

    return await eventually(found, what=f"{story.entry_id} is {state}")


async def obligations(w: World, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await w.http("feedback").get("/v1/obligations", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def arrived(w: World, count: int) -> None:
    async def all_of_them() -> bool:
        [[rows]] = await w.rows("feedback", "SELECT count(*) FROM received")
        return rows >= count

    await eventually(all_of_them, what=f"{count} events received")


# --- unfavourable orders ----------------------------------------------------------------------------------------------


async def test_a_loop_closes_though_answers_come_before_directions_and_these_before_the_listing(
    start: StartWorld,
) -> None:
    async with feedback(start) as w:
        story, publisher = revoked_story(), Publisher(w)
        await publisher.publish(of_topic(story, Topic.EXECUTION))
        await arrived(w, 4)
        assert (await closure(w, story.entry_id))["state"] == "waiting"
        await publisher.publish(of_topic(story, Topic.RESPONSE))
        await arrived(w, 10)
        found = await in_state(w, story, EntryState.UNDOING)
        assert [ground["why"] for ground in found["open"]] == ["list_event_unread"]
        await publisher.publish(of_topic(story, Topic.LIST))
        found = await in_state(w, story, EntryState.CLOSED)
        assert found["open"] == []
        assert {line["undone"]["how"] for line in found["lines"]} == {"restored"}
        assert {line["department"] for line in found["lines"]} == {HOUSING, TAXES}
        closed = await eventually(lambda: w.seen(Topic.FEEDBACK, LoopClosed))
        assert closed == [LoopClosed(entry_id=story.entry_id, subject=story.company, lines=3)]


async def test_while_the_registry_is_down_a_revocation_is_open_and_says_why(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = revoked_story(), Publisher(w)
        await publisher.publish(of_topic(story, Topic.LIST))
        found = await in_state(w, story, EntryState.UNDOING)
        assert len(found["list_events"]["not_settled"]) == 2
        assert [ground["why"] for ground in found["open"]] == ["not_settled"]
        assert await w.seen(Topic.FEEDBACK, LoopClosed) == []
        await publisher.publish(of_topic(story, Topic.RESPONSE))
        found = await eventually(lambda: _with_lines(w, story, 3))
        assert {line["why"] for line in found["lines"]} == {"confirmation_owed"}
        await publisher.publish(of_topic(story, Topic.EXECUTION))
        await in_state(w, story, EntryState.CLOSED)


async def _with_lines(w: World, story: Story, count: int) -> dict[str, Any]:
    found = await closure(w, story.entry_id)
    ended = [line for line in found.get("lines", ()) if line["end"]]
    return found if len(ended) == count else {}


async def test_many_stories_read_in_a_random_order_end_as_if_each_was_read_in_order(start: StartWorld) -> None:
    async with feedback(start) as w:
        chance, publisher = random.Random(20240304), Publisher(w)
        stories = [revoked_story() for _ in range(12)]
        waiting = [queue for story in stories for queue in queues(story.events)]
        order: list[ReceivedEvent] = []
        while any(waiting):
            order.append(chance.choice([queue for queue in waiting if queue]).pop(0))
        await publisher.publish(order)
        await arrived(w, len(order))
        for story in stories:
            await in_state(w, story, EntryState.CLOSED)
        assert Counter(event.entry_id for event in await _closings(w, 12)) == {story.entry_id: 1 for story in stories}


async def _closings(w: World, count: int) -> list[LoopClosed]:
    async def enough() -> list[LoopClosed]:
        found = await w.seen(Topic.FEEDBACK, LoopClosed)
        return found if len(found) >= count else []

    return await eventually(enough, what=f"{count} loops closed")


async def test_a_settlement_that_never_comes_keeps_an_entry_waiting(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        await publisher.publish(story.published().events)
        found = await in_state(w, story, EntryState.WAITING)
        assert {ground["why"] for ground in found["open"]} == {"in_force", "not_settled"}


# --- duplicates -------------------------------------------------------------------------------------------------------


async def test_a_record_that_a_relay_sends_again_changes_nothing(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        story.published()
        [published] = story.events
        await publisher.publish([published])
        partition = partition_of(story.company, w.settings.partitions)
        for _ in range(3):
            await publisher.put(published, partition, 1)
        await publisher.publish(story.settled().events[1:])
        found = await in_state(w, story, EntryState.ANSWERED)
        assert found["list_events"] == {"read": 1, "settled": 1, "not_settled": [], "not_read": []}
        assert await w.rows("feedback", "SELECT count(*) FROM received") == [(2,)]


async def test_topics_read_again_from_the_beginning_change_nothing(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = revoked_story(), Publisher(w)
        await publisher.publish(story.events)
        before = await in_state(w, story, EntryState.CLOSED)
        await w.services["feedback"].stop()
        async with w.services["feedback"].core.engine.begin() as connection:
            await connection.execute(text("DELETE FROM offsets"))
        await w.restart("feedback")
        await publisher.publish((other := new_story().published().settled()).events)
        await in_state(w, other, EntryState.ANSWERED)
        assert await closure(w, story.entry_id) == before
        assert len(await w.seen(Topic.FEEDBACK, LoopClosed)) == 1


# --- reopened loops ---------------------------------------------------------------------------------------------------


async def test_a_repaired_entry_that_proves_wrong_opens_its_loop_and_closes_it_once_more(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        line = f"{story.entry_id}-a"
        story.published().directed(a_line(line)).settled(line).did(Applied, line).repaired()
        story.ended(line, mode=EndMode.FROM_NOW).settled(line, ended=True).undone(line, how=Undone.STOPPED)
        await publisher.publish(story.events)
        await in_state(w, story, EntryState.CLOSED)
        published = len(story.events)
        story.revoked().ended(line, mode=EndMode.FROM_BEGINNING).settled(line, ended=True)
        await publisher.publish(story.events[published:])
        found = await eventually(lambda: _owing(w, story))
        assert found["lines"][0]["end"]["orders"] == 2
        assert found["closed_at"] is None
        published = len(story.events)
        await publisher.publish(story.undone(line, how=Undone.RESTORED).events[published:])
        found = await in_state(w, story, EntryState.CLOSED)
        assert found["closings"] == 2
        assert len(await _closings(w, 2)) == 2


async def _owing(w: World, story: Story) -> dict[str, Any]:
    found = await closure(w, story.entry_id)
    return found if [ground["why"] for ground in found["open"]] == ["undoing_owed"] else {}


async def test_an_effect_that_is_reported_late_opens_the_loop_and_is_named(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        line = f"{story.entry_id}-a"
        story.published().directed(a_line(line)).settled(line).revoked().ended(line, mode=EndMode.FROM_BEGINNING)
        story.settled(line, ended=True).undone(line, how=Undone.NEVER_APPLIED)
        await publisher.publish(story.events)
        await in_state(w, story, EntryState.CLOSED)
        await publisher.publish(story.did(Applied, line, late=True).events[-1:])
        await in_state(w, story, EntryState.UNDOING)
        answer = await w.http("feedback").get(
            "/v1/statistics/still-in-force", headers={**auditor(w), "Accept-Language": "en"}
        )
        [item] = answer.json()["items"]
        assert item["entry_id"] == story.entry_id
        assert item["open"] == [
            {
                "why": "undoing_owed",
                "says": "the measure was applied and is not undone",
                "line_id": line,
                "department": HOUSING,
            }
        ]


# --- overdue ---------------------------------------------------------------------------------------------------------


async def notices(w: World, count: int) -> list[ObligationOverdue]:
    async def enough() -> list[ObligationOverdue]:
        found = await w.seen(Topic.FEEDBACK, ObligationOverdue)
        return found if len(found) >= count else []

    return await eventually(enough, what=f"{count} notices")


async def test_what_is_overdue_is_noticed_once_by_the_clock_and_not_where_nothing_is_due(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        owed, done, paused, invited = (f"{story.entry_id}-{letter}" for letter in "abcd")
        story.published().directed(a_line(owed), a_line(done), a_line(paused)).suspended(paused)
        story.directed(a_line(invited, duty=Duty.INVITED), to=BANK).settled(owed, done, paused, invited)
        story.did(Applied, done)
        await publisher.publish(story.events)
        await arrived(w, len(story.events))
        assert await obligations(w, auditor(w), overdue=True) == []
        await w.move_clock(datetime.now(UTC) + timedelta(days=40))
        [notice] = await notices(w, 1)
        assert (notice.line_id, notice.department, notice.owes) == (owed, HOUSING, "answer")
        [overdue] = await obligations(w, auditor(w), overdue=True)
        assert (overdue["line_id"], overdue["due_on"]) == (owed, notice.due_on.isoformat())
        await w.restart("feedback")
        await publisher.publish(story.revoked().ended(owed, mode=EndMode.FROM_BEGINNING).events[-2:])
        first, second = await notices(w, 2)
        assert (first, second.owes) == (notice, "undo")


BEFORE_THE_FESTIVAL = datetime(2091, 1, 25, 2, tzinfo=UTC)
"""A Thursday in a year that no library knows, before the spring festival."""


async def test_by_an_uncertain_day_nobody_is_late_and_with_the_notice_it_is_counted_anew(start: StartWorld) -> None:
    """Ten working days into a spring festival that is not announced (F12)."""
    async with start("feedback", holidays=None) as w:
        await w.publish_lawbook(*lawbook())
        story, publisher = new_story(BEFORE_THE_FESTIVAL), Publisher(w)
        owed, answered = (f"{story.entry_id}-{letter}" for letter in "ab")
        story.published().directed(a_line(owed), a_line(answered)).settled(owed, answered)
        story.later(23).did(Applied, answered)
        await publisher.publish(story.events)
        await arrived(w, len(story.events))
        await w.move_clock(BEFORE_THE_FESTIVAL + timedelta(days=40))
        [waiting] = await obligations(w, auditor(w))
        assert (waiting["due_on"], waiting["due_on_certain"], waiting["overdue"]) == ("2091-02-08", False, False)
        assert await OverdueSweep(w.services["feedback"].core).sweep() == 0
        assert await obligations(w, auditor(w), overdue=True) == []
        line = next(one for one in (await closure(w, story.entry_id))["lines"] if one["line_id"] == owed)
        assert (line["due_on_certain"], line["overdue"]) == (False, False)
        [counts] = (await w.http("feedback").get("/v1/statistics", headers=auditor(w))).json()["departments"]
        assert (counts["overdue"], counts["uncertain"], counts["answered_late"]) == (0, 1, 0)

        w.settings = w.settings.model_copy(update={"holidays": notice_file(w.settings.identity_file.parent, 2091)})  # pyright: ignore[reportOptionalMemberAccess]
        await w.restart("feedback")
        [notice] = await notices(w, 1)
        assert (notice.line_id, notice.due_on) == (owed, add_working_days(today(BEFORE_THE_FESTIVAL), 10).date)
        assert notice.due_on > date(2091, 2, 8)
        [overdue] = await obligations(w, auditor(w), overdue=True)
        assert (overdue["line_id"], overdue["due_on_certain"]) == (owed, True)
        [counts] = (await w.http("feedback").get("/v1/statistics", headers=auditor(w))).json()["departments"]
        assert (counts["overdue"], counts["uncertain"], counts["answered_late"]) == (1, 0, 1)


async def test_no_department_is_reported_overdue_while_an_event_of_the_subject_is_parked(start: StartWorld) -> None:
    async with feedback(start) as w:
        publisher, stories = Publisher(w), (new_story(), new_story())
        for story in stories:
            line = f"{story.entry_id}-a"
            await publisher.publish(story.published().directed(a_line(line)).settled(line).events)
        await arrived(w, 6)
        unreadable = stories[0].did(Applied, f"{stories[0].entry_id}-a").events[-1]
        partition = partition_of(stories[0].company, w.settings.partitions)
        envelope = Envelope(
            unreadable.event_id,
            "executor/1/1",
            1,
            "execution.applied.v9",
            unreadable.at.isoformat(),
            stories[0].company,
        )
        await w.record(Topic.EXECUTION, partition, stories[0].company, b"{}", envelope)

        async def parked() -> list[Any]:
            return await w.rows("feedback", "SELECT key FROM parked")

        await eventually(parked)
        await w.move_clock(datetime.now(UTC) + timedelta(days=40))
        [notice] = await notices(w, 1)
        assert notice.entry_id == stories[1].entry_id
        overdue = await obligations(w, auditor(w), overdue=True)
        assert len(overdue) == 2, "the ledger shows the obligation as overdue, but no notice is published"


async def test_a_ledger_that_lags_behind_the_log_reports_nothing_overdue(start: StartWorld) -> None:
    async with feedback(start) as w:
        service, story, publisher = w.services["feedback"], new_story(), Publisher(w)
        line = f"{story.entry_id}-a"
        await publisher.publish(story.published().directed(a_line(line)).settled(line).events)
        await arrived(w, 3)
        assert service.consumer is not None
        await service.consumer.stop()
        await publisher.publish(story.did(Applied, line).events[-1:])
        await w.move_clock(datetime.now(UTC) + timedelta(days=40))
        assert len(await obligations(w, auditor(w), overdue=True)) == 1
        assert await OverdueSweep(service.core).sweep() == 0
        await w.restart("feedback")
        found = await in_state(w, story, EntryState.ANSWERED)
        assert found["lines"][0]["answered_late"] is False
        assert await OverdueSweep(w.services["feedback"].core).sweep() == 0
        assert await w.rows("feedback", "SELECT type FROM events") == []


# --- permissions and pages --------------------------------------------------------------------------------------------


async def test_a_department_sees_its_own_obligations_and_watchers_see_all(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        lines = [f"{story.entry_id}-{letter}" for letter in "abc"]
        story.published().directed(a_line(lines[0])).directed(a_line(lines[1]), a_line(lines[2]), to=TAXES)
        await publisher.publish(story.settled(*lines).events)
        await arrived(w, len(story.events))
        own = w.bearer(HOUSING, OfficerRole.EXECUTOR)
        assert [item["line_id"] for item in await obligations(w, own)] == [lines[0]]
        assert len(await obligations(w, auditor(w))) == 3
        assert len(await obligations(w, w.bearer("office", OfficerRole.CREDIT_OFFICE), department=TAXES)) == 2
        refused = await w.http("feedback").get("/v1/obligations", params={"department": TAXES}, headers=own)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_department")
        assert (await w.http("feedback").get("/v1/obligations")).status_code == 401
        counted = await w.http("feedback").get("/v1/statistics", headers=own)
        assert [count["department"] for count in counted.json()["departments"]] == [HOUSING]
        watched = await w.http("feedback").get("/v1/statistics/still-in-force", headers=own)
        assert (watched.status_code, watched.json()["code"]) == (403, "forbidden_role")


async def test_the_ledger_of_an_entry_is_for_those_whom_it_involves(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        line = f"{story.entry_id}-a"
        await publisher.publish(story.published().directed(a_line(line)).settled(line).events)
        await arrived(w, 3)

        async def asked_by(department: str, *roles: OfficerRole) -> int:
            path = f"/v1/entries/{story.entry_id}/closure"
            return (await w.http("feedback").get(path, headers=w.bearer(department, *roles))).status_code

        assert await asked_by("court", OfficerRole.LISTER) == 200
        assert await asked_by(HOUSING, OfficerRole.EXECUTOR) == 200
        assert await asked_by("office", OfficerRole.CREDIT_OFFICE) == 200
        assert await asked_by(TAXES, OfficerRole.EXECUTOR) == 403
        unknown = await w.http("feedback").get("/v1/entries/unknown/closure", headers=auditor(w))
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_id")


async def conflicts(w: World, headers: dict[str, str], **query: Any) -> list[str]:
    answer = await w.http("feedback").get("/v1/conflicts", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["line_id"] for one in answer.json()["items"]]


async def test_what_was_applied_without_a_basis_is_a_conflict_until_it_is_undone(start: StartWorld) -> None:
    async with feedback(start) as w:
        regions = [RegionsPublished(lawbook_version=len(lawbook()) + 1, regions=the_regions())]
        elsewhere = a_department("elsewhere", region="410900", credit_office=True)
        await w.publish_lawbook(*regions, DepartmentPublished(lawbook_version=len(lawbook()) + 2, department=elsewhere))
        story, publisher = new_story(), Publisher(w)
        gone, lawful = (f"{story.entry_id}-{letter}" for letter in "ab")
        story.published().directed(a_line(gone), a_line(lawful)).settled(gone, lawful)
        story.did(Applied, lawful).did(Applied, gone, without_basis=WithoutBasis.BASIS_GONE, evidence="示例")
        await publisher.publish(story.events)
        await arrived(w, len(story.events))
        office, own = auditor(w), w.bearer(HOUSING, OfficerRole.EXECUTOR)
        assert await conflicts(w, office) == await conflicts(w, own) == [gone]
        assert await conflicts(w, w.bearer("elsewhere", OfficerRole.CREDIT_OFFICE)) == [], "another region"
        assert await conflicts(w, w.bearer(TAXES, OfficerRole.EXECUTOR)) == [], "another department"
        foreign = await w.http("feedback").get(
            "/v1/conflicts", params={"department": HOUSING}, headers=w.bearer(TAXES, OfficerRole.EXECUTOR)
        )
        assert foreign.json()["code"] == "forbidden_department"
        [shown] = (await w.http("feedback").get("/v1/conflicts", headers=own)).json()["items"]
        assert (shown["conflict"], shown["why"], shown["jurisdiction"]) == (
            "applied_without_basis",
            "basis_gone",
            "410300",
        )
        assert shown["due_on"] is not None
        [counts] = (await w.http("feedback").get("/v1/statistics", headers=office)).json()["departments"]
        assert (counts["applied"], counts["without_basis"], counts["undoing"]) == (1, 1, 1)
        await publisher.publish(story.undone(gone, how=Undone.RESTORED).events[-1:])

        async def no_conflict() -> bool:
            return await conflicts(w, office) == []

        await eventually(no_conflict, what="the effect is undone")


async def test_who_oversees_another_region_reads_nothing_of_the_ledger(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher, open_story = revoked_story(), Publisher(w), new_story()
        line = f"{open_story.entry_id}-a"
        open_story.published().directed(a_line(line)).settled(line).did(Applied, line).revoked()
        await publisher.publish([*story.events, *open_story.events])
        await arrived(w, len(story.events) + len(open_story.events))
        http = w.http("feedback")
        for office, found in (("office", True), ("puyang-office", False)):
            for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
                who = w.bearer(office, role)
                assert bool(await obligations(w, who, state="closed")) is found
                assert bool((await http.get("/v1/statistics/still-in-force", headers=who)).json()["items"]) is found
                counts = (await http.get("/v1/statistics", headers=who)).json()
                assert (bool(counts["entries"]), bool(counts["departments"])) == (found, found)
                closure_of = await http.get(f"/v1/entries/{story.entry_id}/closure", headers=who)
                assert closure_of.status_code == (200 if found else 403)
        bank = w.bearer(BANK, OfficerRole.AUDITOR)
        assert (await http.get(f"/v1/entries/{story.entry_id}/closure", headers=bank)).status_code == 403


async def test_a_department_that_carries_out_sees_its_own_lines_of_an_entry(start: StartWorld) -> None:
    async with feedback(start) as w:
        story = revoked_story()
        await Publisher(w).publish(story.events)
        await in_state(w, story, EntryState.CLOSED)
        found = await closure(w, story.entry_id, w.bearer(TAXES, OfficerRole.EXECUTOR))
        assert {line["department"] for line in found["lines"]} == {TAXES}
        whole = await closure(w, story.entry_id, w.bearer("court", OfficerRole.LISTER))
        assert {line["department"] for line in whole["lines"]} == {TAXES, HOUSING}


async def test_obligations_come_in_pages_and_by_state(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = new_story(), Publisher(w)
        lines = [f"{story.entry_id}-{letter}" for letter in "abcde"]
        story.published().directed(*map(a_line, lines)).settled(*lines).did(NotApplicable, lines[4], reason="示例")
        await publisher.publish(story.events)
        await arrived(w, 4)
        pages: list[list[str]] = []
        after: str | None = ""
        while after is not None:
            query = {"after": after, "limit": 2, "entry_id": story.entry_id}
            page = (await w.http("feedback").get("/v1/obligations", params=query, headers=auditor(w))).json()
            pages.append([item["line_id"] for item in page["items"]])
            after = page["next"]
        assert pages == [lines[:2], lines[2:4]], "the last page is exactly full, and no empty page follows"
        [answered] = await obligations(w, auditor(w), state="answered")
        assert (answered["line_id"], answered["owes"]) == (lines[4], "nothing")


async def test_statistics_count_entries_by_state_and_lines_by_department(start: StartWorld) -> None:
    async with feedback(start) as w:
        publisher, closed, standing = Publisher(w), revoked_story(), new_story()
        line = f"{standing.entry_id}-a"
        await publisher.publish(
            [*closed.events, *standing.published().directed(a_line(line), to=TAXES).settled(line).events]
        )
        await in_state(w, closed, EntryState.CLOSED)
        await arrived(w, len(closed.events) + 3)
        answer = (await w.http("feedback").get("/v1/statistics", headers=auditor(w))).json()
        assert {(e["list_kind"], e["state"]): e["entries"] for e in answer["entries"]} == {
            ("black", "closed"): 1,
            ("black", "waiting"): 1,
        }
        housing, taxes = answer["departments"]
        assert (housing["department"], housing["directed"], housing["undone"], housing["closed"]) == (HOUSING, 2, 2, 2)
        assert (taxes["directed"], taxes["answered"], taxes["waiting"], taxes["overdue"]) == (2, 1, 1, 0)


# --- tables, rebuild, cost --------------------------------------------------------------------------------------------


async def ledger_rows(w: World) -> list[list[Any]]:
    """All rows by the names of their columns: a rebuilt table may have them in another order than a migrated one."""
    return [
        [
            row.row
            for row in await w.rows("feedback", "SELECT to_jsonb(e)::text AS row FROM entries AS e ORDER BY entry_id")
        ],
        [
            row.row
            for row in await w.rows("feedback", "SELECT to_jsonb(l)::text AS row FROM lines AS l ORDER BY line_id")
        ],
    ]


async def test_the_ledger_is_rebuilt_from_what_was_received_and_concluded(start: StartWorld) -> None:
    async with feedback(start) as w:
        publisher, closed, late = Publisher(w), revoked_story(), new_story(datetime.now(UTC) - timedelta(days=60))
        line = f"{late.entry_id}-a"
        await publisher.publish([*closed.events, *late.published().directed(a_line(line)).settled(line).events])
        await in_state(w, closed, EntryState.CLOSED)
        await notices(w, 1)
        before = await ledger_rows(w)
        async with w.services["feedback"].core.engine.begin() as connection:
            await connection.execute(text("DELETE FROM lines"))
            await connection.execute(text("UPDATE entries SET state = 'waiting', directed = 17"))
        await w.services["feedback"].rebuild(lambda _: None).run()
        assert await ledger_rows(w) == before
        assert len(await w.seen(Topic.FEEDBACK, LoopClosed)) == 1


async def test_the_tables_hold_what_the_pure_ledger_says(start: StartWorld) -> None:
    async with feedback(start) as w:
        story, publisher = revoked_story(), Publisher(w)
        await publisher.publish(story.events)
        await in_state(w, story, EntryState.CLOSED)
        expected = fold(Ledger(), story.events)
        rows = await w.rows("feedback", "SELECT * FROM lines")
        for row in rows:
            line = expected.lines[LineId(row.line_id)]
            assert all(getattr(row, name) == getattr(line, name) for name in type(line)._fields)
            assert (row.state, row.due_on) == (line.state, line.due_on)
        assert len(rows) == len(expected.lines)


def messages_of(stories: Sequence[Story], topic: Topic, source: str) -> list[Message]:
    """One batch, as a consumer passes it on."""
    events = [received for story in stories for received in of_topic(story, topic)]
    return [_message(received, source, nth) for nth, received in enumerate(events, start=1)]


def _message(received: ReceivedEvent, source: str, sequence: int) -> Message:
    event, at = received.event, received.at.isoformat()
    envelope = Envelope(received.event_id, source, sequence, event.TYPE, at, event.partition_key)
    return Message(event.TOPIC, event.partition_key, envelope, event, event.model_dump_json().encode())


async def test_a_batch_costs_the_same_statements_whatever_its_size(start: StartWorld) -> None:
    async with feedback(start) as w:
        core = w.services["feedback"].core
        engine = connect(w.settings.database("feedback"), pool_size=1)

        async def statements(source: str, stories: Sequence[Story]) -> int:
            with counted(engine) as statements:
                for topic in (Topic.RESPONSE, Topic.EXECUTION, Topic.LIST):
                    async with engine.begin() as connection:
                        session = Session(core.store, core.clock.now(), Metadata("test"), connection)
                        await keep_ledger(Batch(connection, session), messages_of(stories, topic, source))
                        await core.store.write(connection, [session.change()])
            return len(statements)

        await statements("first to connect", [revoked_story()])
        few = await statements("few", [revoked_story() for _ in range(10)])
        many = await statements("many", [revoked_story() for _ in range(60)])
        await engine.dispose()
        assert many == few
        assert few <= 3 * 10


async def test_instances_that_take_the_same_entries_from_different_topics_at_once_agree(start: StartWorld) -> None:
    async with feedback(start) as w:
        core, chance = w.services["feedback"].core, random.Random(7)
        stories = [revoked_story() for _ in range(25)]

        async def take(topic: Topic) -> None:
            messages = messages_of(chance.sample(stories, len(stories)), topic, topic)
            for first in range(0, len(messages), 20):
                async with core.engine.begin() as connection:
                    session = Session(core.store, core.clock.now(), Metadata("test"), connection)
                    await keep_ledger(Batch(connection, session), messages[first : first + 20])
                    await core.store.write(connection, [session.change()])

        await asyncio.gather(take(Topic.LIST), take(Topic.RESPONSE), take(Topic.EXECUTION))
        states = await w.rows("feedback", "SELECT state, closings, count(*) FROM entries GROUP BY state, closings")
        assert states == [("closed", 1, 25)]
