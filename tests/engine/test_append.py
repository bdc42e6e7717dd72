"""Appending: the guarantees for one writer and for concurrent writers."""

import asyncio
from collections.abc import Sequence
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import DepartmentId
from shared.eventstore import Change, Recorded, Session, VersionConflict
from shared.eventstore.appending import MAX_EVENT_BYTES
from shared.eventstore.changes import UniqueFault
from shared.eventstore.committer import Committer
from shared.messaging.invariants import always
from shared.rejection import Rejected
from shared.trust import Principal
from shared.web.application import application
from shared.web.writing import Answer, IdempotentWrite, Write, WriteContext
from tests.engine.conftest import MakeSample
from tests.engine.sample import LETTERS, Publish, Sample, concurrently
from tests.engine.statements import counted


async def written(service: Sample, change: Change) -> list[Recorded]:
    async with service.engine.begin() as connection:
        return await service.store.write(connection, [change])


async def pending_change(service: Sample, key: str, *texts: str) -> Change:
    """The change of a command that has loaded and decided, but is not written yet."""
    session = service.session()
    for content in texts:
        await session.do(LETTERS, key, Publish(key, content))
    return session.change()


async def versions(service: Sample, key: str) -> list[int]:
    async with service.engine.connect() as connection:
        found = await service.store.load(connection, [LETTERS.stream(key)])
    return [recorded.version for recorded in found.get(LETTERS.stream(key), [])]


async def test_what_is_appended_is_read_back_in_order(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("a", "one", "two")
    await service.publish("a", "three")
    async with service.engine.connect() as connection:
        loaded = await service.store.load(connection, ["letters-a", "letters-none"])
    assert list(loaded) == ["letters-a"]
    assert [(r.version, getattr(r.event, "reason", "")) for r in loaded["letters-a"]] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
    ]


async def test_a_stale_expected_version_is_refused(sample: MakeSample) -> None:
    service = await sample()
    stale = await pending_change(service, "a", "late")
    await service.publish("a", "first")
    with pytest.raises(VersionConflict):
        await written(service, stale)
    assert await versions(service, "a") == [1]


async def test_a_stale_append_of_two_events_writes_neither_though_one_version_is_free(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("a", "one")
    stale = await pending_change(service, "a", "two", "three")
    await service.publish("a", "other two")
    with pytest.raises(VersionConflict):
        await written(service, stale)
    assert await versions(service, "a") == [1, 2]


async def test_of_many_writers_that_read_the_same_version_one_wins(sample: MakeSample) -> None:
    service = await sample()
    changes = [await pending_change(service, "a", f"{n}") for n in range(8)]
    async with service.committing() as committer:
        outcomes = await concurrently(*(committer.commit(change) for change in changes))
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 7
    assert await versions(service, "a") == [1]


async def test_a_batch_over_many_streams_costs_as_many_statements_as_one_over_few(sample: MakeSample) -> None:
    service = await sample()
    costs: list[int] = []
    for count in (1, 8, 500):
        session = service.session()
        with counted(service.engine) as statements:
            keys = [f"{count}-{n}" for n in range(count)]
            await session.load(LETTERS, keys)
            for key in keys:
                session.do_loaded(LETTERS, key, Publish(key, "hello"))
            await written(service, session.change())
        costs.append(len(statements))
    assert costs == [2, 4, 4], "load; events with their outbox, or positions, events, outbox"


async def test_positions_follow_the_order_in_which_events_were_given(sample: MakeSample) -> None:
    service = await sample()
    recorded = await written(service, await pending_change(service, "a", *(f"{n}" for n in range(1000))))
    positions = [r.position for r in recorded]
    assert positions == sorted(positions)
    assert [r.version for r in recorded] == list(range(1, 1001))


async def test_an_event_too_large_for_kafka_is_rejected_when_it_is_appended(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(Rejected, match="event_too_large"):
        await service.publish("a", "x" * MAX_EVENT_BYTES)
    assert await versions(service, "a") == []


async def test_the_size_of_an_event_is_counted_in_bytes_not_in_characters(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(Rejected, match="event_too_large"):
        await service.publish("a", "示" * (MAX_EVENT_BYTES // 2))
    await service.publish("a", "示" * (MAX_EVENT_BYTES // 4))
    assert await versions(service, "a") == [1]


# --- coalesced commits -----------------------------------------------------------------------------------------------


class Transactions:
    """Counts the commits of a store."""

    def __init__(self, service: Sample) -> None:
        self.count = 0
        service.store.on_commit.append(self.add_one)

    def add_one(self) -> None:
        self.count += 1


async def together(service: Sample, changes: Sequence[Change]) -> list[object]:
    """Give changes to a committer before it starts, so that it takes them all in one batch."""
    committer = Committer(service.store, writers=1)
    waiting = [asyncio.ensure_future(committer.commit(change)) for change in changes]
    await asyncio.sleep(0)
    committer.start()
    try:
        return await concurrently(*waiting)
    finally:
        await committer.stop()


async def test_commands_that_arrive_together_are_committed_together(sample: MakeSample) -> None:
    service = await sample()
    commits = Transactions(service)
    outcomes = await together(service, [await pending_change(service, f"{n}", "a", "b") for n in range(20)])
    assert commits.count == 1
    for number, outcome in enumerate(outcomes):
        recorded = cast("list[Recorded]", outcome)
        assert [(r.stream, r.version) for r in recorded] == [(f"letters-{number}", 1), (f"letters-{number}", 2)]


async def test_one_stale_command_in_a_coalesced_commit_fails_alone(sample: MakeSample) -> None:
    service = await sample()
    changes = [await pending_change(service, f"{n}", "mine") for n in range(10)]
    await service.publish("4", "first")
    outcomes = await together(service, changes)
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Exception)] == [4]
    assert isinstance(outcomes[4], VersionConflict)
    assert [await versions(service, f"{n}") for n in range(10)] == [[1]] * 10


async def test_without_the_retry_one_by_one_every_command_would_fail(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: it does when a failed commit is not retried command by command."""

    async def give_up(_: Committer, waiting: Sequence[object], error: Exception) -> None:
        for command in waiting:
            command.done.set_exception(error)  # type: ignore[attr-defined]

    monkeypatch.setattr(Committer, "_write_alone", give_up)
    service = await sample()
    changes = [await pending_change(service, f"{n}", "mine") for n in range(10)]
    await service.publish("4", "first")
    outcomes = await together(service, changes)
    assert all(isinstance(outcome, VersionConflict) for outcome in outcomes)


async def test_a_command_that_makes_a_projection_fail_fails_alone(sample: MakeSample) -> None:
    service = await sample()

    async def fail(_: AsyncConnection, events: Sequence[Recorded]) -> None:
        if any(r.stream == "letters-2" for r in events):
            raise KeyError("a bug")

    service.store.projections = (fail,)
    outcomes = await together(service, [await pending_change(service, f"{n}", "mine") for n in range(5)])
    assert [type(outcome) for outcome in outcomes] == [list, list, KeyError, list, list]


async def test_a_command_that_violates_a_constraint_of_a_read_model_is_rejected_alone_with_its_code(
    sample: MakeSample,
) -> None:
    service = await sample()

    async def unique(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
        for recorded in events:
            content = getattr(recorded.event, "reason", "")
            await connection.execute(text("INSERT INTO consumed VALUES ('one', 1, :content)"), {"content": content})

    service.store.projections = (unique,)
    service.store.unique_faults = {"consumed_pkey": UniqueFault("consumed_twice")}
    outcomes = await together(service, [await pending_change(service, f"{n}", "mine") for n in range(2)])
    assert [str(outcome) for outcome in outcomes if isinstance(outcome, Rejected)] == ["consumed_twice"]
    assert await versions(service, "0") == [1]
    assert await versions(service, "1") == []


async def test_the_facts_of_a_unique_fault_are_looked_up_after_the_violation(sample: MakeSample) -> None:
    service = await sample()

    async def unique(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
        for recorded in events:
            values = {"content": recorded.stream}
            await connection.execute(text("INSERT INTO consumed VALUES ('one', 1, :content)"), values)

    async def find_facts(change: Change) -> dict[str, object]:
        [append] = change.appends
        async with service.engine.connect() as connection:
            first = await connection.scalar(text("SELECT text FROM consumed WHERE key = 'one'"))
        return {"first": first, "refused": append.stream}

    service.store.projections = (unique,)
    service.store.unique_faults = {"consumed_pkey": UniqueFault("consumed_twice", find_facts)}
    outcomes = await together(service, [await pending_change(service, f"{n}", "mine") for n in range(3)])
    facts = [outcome.faults[0].facts for outcome in outcomes if isinstance(outcome, Rejected)]
    [first] = {fact["first"] for fact in facts}
    refused = {fact["refused"] for fact in facts}
    assert len(refused) == len(facts) == 2
    assert first not in refused


async def test_a_deadlock_between_commands_raises_a_conflict_and_the_other_is_written(sample: MakeSample) -> None:
    service = await sample()
    met = asyncio.Barrier(2)

    def crossing(first: int, second: int) -> Change:
        async def lock(connection: AsyncConnection) -> None:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({first})"))
            await met.wait()
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({second})"))

        session = service.session()
        session.also(lock)
        return session.change()

    one, two = Committer(service.store), Committer(service.store)
    one.start()
    two.start()
    outcomes = await concurrently(one.commit(crossing(1, 2)), two.commit(crossing(2, 1)))
    await one.stop()
    await two.stop()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["VersionConflict", "list"]


async def test_a_closed_connection_in_the_pool_is_detected_before_use(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("a", "one")
    other = await sample("other")
    async with other.engine.connect() as connection:
        ended = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")
        assert await connection.scalar(ended, {"name": service.engine.url.database})
    await asyncio.sleep(0.2)  # until the driver has noticed
    await service.publish("a", "two")
    assert await versions(service, "a") == [1, 2]


# --- repeated requests -----------------------------------------------------------------------------------------------


def letters_app(service: Sample, committer: Committer, arrivals: int) -> FastAPI:
    """An application with one write route. Its first `arrivals` requests wait for each other between loading and committing."""
    app = application("letters")
    app.state.write_context = WriteContext(service.store, committer, service.clock)
    met = asyncio.Barrier(arrivals)
    waited: list[None] = []

    @app.post("/v1/letters/{key}")
    async def post_letter(key: str, text: str, write: Write) -> object:
        async def publish(session: Session) -> Answer:
            await session.do(LETTERS, key, Publish(key, text))
            if len(waited) < arrivals:
                waited.append(None)
                await met.wait()
            return Answer(201, {"number": await session.version(LETTERS, key)})

        return await write(Principal("officer", DepartmentId("office"), frozenset()), publish)

    return app


async def posted(app: FastAPI, *requests: tuple[str, str]) -> list[httpx.Response]:
    """Post concurrently: (path and query, Idempotency-Key)."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://letters") as client:
        work = [client.post(f"/v1/letters/{path}", headers={"Idempotency-Key": key}) for path, key in requests]
        return list(await asyncio.gather(*work))


@pytest.mark.parametrize("text", ["hello", "once"])
async def test_a_request_sent_twice_concurrently_is_executed_once_and_gets_one_response(
    sample: MakeSample, text: str
) -> None:
    """Also when the decider would reject it the second time ("once")."""
    service = await sample()
    async with service.committing() as committer:
        app = letters_app(service, committer, arrivals=2)
        answers = await posted(app, (f"a?text={text}", "same"), (f"a?text={text}", "same"))
        again = await posted(app, (f"a?text={text}", "same"))
    assert [answer.status_code for answer in answers + again] == [201] * 3
    assert {answer.text for answer in answers + again} == {'{"number":1}'}
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 1
    assert await versions(service, "a") == [1]


async def test_a_request_whose_duplicate_was_faster_gets_the_same_response_and_no_rejection(sample: MakeSample) -> None:
    """It looked for a stored response before its duplicate committed, and loaded after that: the decider rejects it."""
    service = await sample()
    async with service.committing() as committer:
        writer = WriteContext(service.store, committer, service.clock)
        duplicate = IdempotentWrite(writer, "same", "hash")
        caller = Principal("officer", DepartmentId("office"), frozenset())

        async def publish(session: Session) -> Answer:
            await session.do(LETTERS, "a", Publish("a", "once"))
            return Answer(201, {"number": 1})

        async def publish_after_the_duplicate(session: Session) -> Answer:
            await duplicate(caller, publish)
            return await publish(session)

        answer = await IdempotentWrite(writer, "same", "hash")(caller, publish_after_the_duplicate)
    assert (answer.status_code, answer.body) == (201, b'{"number":1}')
    assert await versions(service, "a") == [1]


async def test_two_requests_that_race_for_a_stream_are_both_executed(sample: MakeSample) -> None:
    service = await sample()
    async with service.committing() as committer:
        app = letters_app(service, committer, arrivals=2)
        answers = await posted(app, ("a?text=x", "one"), ("a?text=y", "two"))
    assert sorted(answer.text for answer in answers) == ['{"number":1}', '{"number":2}']
    assert await always({"letters": service.engine}) == []


async def test_a_key_that_was_used_for_another_request_is_refused(sample: MakeSample) -> None:
    service = await sample()
    async with service.committing() as committer:
        app = letters_app(service, committer, arrivals=1)
        await posted(app, ("a?text=x", "same"))
        [answer] = await posted(app, ("a?text=y", "same"))
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert await versions(service, "a") == [1]
