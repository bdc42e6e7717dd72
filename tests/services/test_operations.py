"""What operators see and do, in every service, over HTTP."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from liandong.node import SERVICES
from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.response import Settled
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import an_entry, published, revoked
from tests.subjects import company, person

LAWBOOK = shipped().changes()
HERE = "/v1/operations"


def operator(w: World) -> dict[str, str]:
    return w.writes(None, OfficerRole.OPERATOR, subject="operator")


async def parked(w: World, count: int) -> Sequence[dict[str, object]]:
    async def enough() -> Sequence[dict[str, object]]:
        rows = (await w.http("registry").get(f"{HERE}/parked", headers=operator(w))).json()
        return rows if len(rows) == count else []

    return await eventually(enough, what=f"{count} parked events")


@pytest.mark.parametrize("name", SERVICES)
async def test_only_an_operator_sees_the_state_of_a_service(name: str, start: StartWorld) -> None:
    async with start(name) as w:
        http = w.http(name)
        assert (await http.get(f"{HERE}/state")).status_code == 401
        lister = w.bearer("luoyang-court", OfficerRole.LISTER)
        assert (await http.get(f"{HERE}/state", headers=lister)).status_code == 403
        state = (await http.get(f"{HERE}/state", headers=operator(w))).json()
        assert state["parked"] == 0


async def test_a_parked_key_is_retried_in_order_after_the_cause_was_mended(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(revoked(entry), published(entry))  # the wrong way round: the first fails, the second waits
        first, second = await parked(w, 2)
        assert (first["is_culprit"], second["is_culprit"]) == (True, False)
        key = {"key": entry.subject.key}
        again = (await w.http("registry").post(f"{HERE}/parked/retry", json=key, headers=operator(w))).json()
        assert again["handled"] == 0 and again["stopped_because"]
        away = {"parked_id": first["parked_id"], "reason": "示例：撤销先于发布"}
        gone = await w.http("registry").post(f"{HERE}/parked/discard", json=away, headers=operator(w))
        assert gone.json() == key
        done = (await w.http("registry").post(f"{HERE}/parked/retry", json=key, headers=operator(w))).json()
        assert done == {"handled": 1, "stopped_because": None}
        [settled] = await eventually(lambda: w.seen(Topic.RESPONSE, Settled))
        assert settled.standing > 0
        [kept] = await w.rows("registry", "SELECT data::text AS data FROM events WHERE type LIKE '%discarded%'")
        assert "撤销先于发布" in kept.data


async def test_parked_events_of_a_person_are_handled_by_a_handle_and_never_show_the_key(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry, http = an_entry(person(w, 1)), w.http("registry")
        await w.publish(revoked(entry), published(entry))
        first, second = await parked(w, 2)
        handle = f"parked:{first['parked_id']}"
        assert (first["key"], second["key"]) == (handle, handle)
        found = await http.get(f"{HERE}/parked", params={"key": handle}, headers=operator(w))
        assert [row["parked_id"] for row in found.json()] == [first["parked_id"], second["parked_id"]]
        again = await http.post(f"{HERE}/parked/retry", json={"key": handle}, headers=operator(w))
        assert again.json()["handled"] == 0
        away = {"parked_id": first["parked_id"], "reason": "示例：撤销先于发布"}
        gone = await http.post(f"{HERE}/parked/discard", json=away, headers=operator(w))
        assert gone.json() == {"key": f"parked:{second['parked_id']}"}
        done = await http.post(f"{HERE}/parked/retry", json=gone.json(), headers=operator(w))
        assert done.json() == {"handled": 1, "stopped_because": None}
        shown = "".join(answer.text for answer in (found, again, gone, done))
        assert entry.subject.key not in shown


async def test_an_operators_write_repeated_with_its_key_is_done_once(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await w.publish(revoked(an_entry(company(w, 1))))
        [row] = await parked(w, 1)
        headers = operator(w)
        body = {"parked_id": row["parked_id"], "reason": "示例"}
        once = await w.http("registry").post(f"{HERE}/parked/discard", json=body, headers=headers)
        twice = await w.http("registry").post(f"{HERE}/parked/discard", json=body, headers=headers)
        assert once.json() == twice.json() and twice.headers["Idempotency-Replayed"] == "true"
        other = await w.http("registry").post(f"{HERE}/parked/discard", json=body, headers=operator(w))
        assert other.status_code == 404 and other.json()["code"] == "parked_unknown"


async def test_a_failed_timer_is_seen_retried_and_given_up_with_a_reason(start: StartWorld) -> None:
    async with start("repair") as w:
        async with w.services["repair"].core.engine.begin() as connection:
            due = text("INSERT INTO timers VALUES ('expire:示例', now(), '{\"entry_id\": \"示例\"}', NULL)")
            await connection.execute(due)
        http = w.http("repair")

        async def failed() -> list[dict[str, object]]:
            return (await http.get(f"{HERE}/timers", headers=operator(w))).json()

        rows: list[dict[str, object]] = await eventually(failed)
        seen = rows[0]
        assert (seen["timer_id"], seen["failed_because"]) == ("expire:示例", "Rejected: unknown_id at entry_id")
        lister = w.writes("luoyang-court", OfficerRole.LISTER)
        one = {"timer_id": "expire:示例"}
        assert (await http.post(f"{HERE}/timers/retry", json=one, headers=lister)).status_code == 403
        again = await http.post(f"{HERE}/timers/retry", json=one, headers=operator(w))
        assert again.json() == {"retried": 1}
        await eventually(failed, what="the timer failed again")
        away = {**one, "reason": "示例：没有该条目"}
        gone = await http.post(f"{HERE}/timers/discard", json=away, headers=operator(w))
        assert (gone.status_code, await failed()) == (200, [])
        unknown = await http.post(f"{HERE}/timers/retry", json=one, headers=operator(w))
        assert (unknown.status_code, unknown.json()["code"]) == (404, "timer_not_failed")


async def test_a_running_partition_cannot_be_resumed(start: StartWorld) -> None:
    async with start("registry") as w:
        body = {"topic": Topic.LIST, "partition": 0, "reason": "示例"}
        answer = await w.http("registry").post(f"{HERE}/partitions/resume", json=body, headers=operator(w))
        assert answer.status_code == 409 and answer.json()["code"] == "partition_not_stopped"


async def test_the_state_shows_the_lag_of_each_partition(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)

        async def read() -> bool:
            state = (await w.http("registry").get(f"{HERE}/state", headers=operator(w))).json()
            places = {place["topic"]: place for place in state["partitions"] if place["partition"] == 0}
            book = places.get(Topic.LAWBOOK)
            return book is not None and book["lag"] == 0 and book["next_offset"] == len(LAWBOOK)

        await eventually(read)
