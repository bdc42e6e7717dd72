"""The transaction of a batch: what is written, skipped, stopped, delayed or fenced."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.database import is_outage
from shared.eventstore import VersionConflict
from shared.eventstore.schema import PARKED
from shared.messaging.failures import Fenced, SequenceJump
from shared.messaging.intake import Intake, PartitionOffset
from shared.messaging.invariants import always, at_rest
from shared.messaging.message import Message, RawRecord
from shared.messaging.parking import list_parked
from shared.messaging.reaction import Batch, NotYet
from tests.engine.conftest import MakeSample
from tests.engine.log import raw, raws
from tests.engine.proxy import proxied
from tests.engine.sample import Sample, concurrently


async def offset(service: Sample, partition: int = 0, topic: str = Topic.LIST) -> PartitionOffset:
    return await service.intake.read_offset(topic, partition)


async def parked(service: Sample) -> list[tuple[str, str, bool]]:
    """Key, reason and whether it is the culprit, in order."""
    async with service.engine.connect() as connection:
        return [(p.key, p.reason, p.is_culprit) for p in await list_parked(connection)]


async def parked_numbers(service: Sample, key: str) -> list[str]:
    async with service.engine.connect() as connection:
        query = PARKED.select().where(PARKED.c.key == key).order_by(PARKED.c.parked_id)
        bodies = [row.body for row in await connection.execute(query)]
    return [body.decode().split('"case_id":"')[1].split('"')[0] for body in bodies]


# --- once, and in order ----------------------------------------------------------------------------------------------


async def test_a_batch_is_handled_and_its_offset_moves_in_one_transaction(sample: MakeSample) -> None:
    service = await sample()
    after = await service.intake.take(await offset(service), raws(("a", 1), ("b", 1), ("a", 2)))
    assert await service.consumed() == {"a": [1, 2], "b": [1]}
    assert after == await offset(service)
    assert (after.next_offset, after.sequences) == (3, {"test/source/1": 3})


async def test_an_event_is_stored_with_its_cause(sample: MakeSample) -> None:
    service = await sample()
    [record] = raws(("a", 1))
    await service.intake.take(await offset(service), [record])
    async with service.engine.connect() as connection:
        [stored] = (await service.store.load(connection, ["consumption-a"]))["consumption-a"]
    assert stored.metadata.causation == record.envelope.event_id
    assert stored.metadata.correlation == "test"


async def test_duplicates_are_skipped_wherever_they_stand_in_the_log(sample: MakeSample) -> None:
    service = await sample()
    records = raws(("a", 1), ("a", 2), ("a", 3))
    duplicates = [record._replace(offset=record.offset + 3) for record in records]
    mixed = [*records, *duplicates, raw("a", 4, at=3)]
    log = [record._replace(offset=offset) for offset, record in enumerate(mixed)]
    here = await service.intake.take(await offset(service), log[:2])
    here = await service.intake.take(here, log[2:5])
    here = await service.intake.take(here, log[5:])
    assert await service.consumed() == {"a": [1, 2, 3, 4]}
    assert (here.next_offset, here.sequences) == (7, {"test/source/1": 4})


async def test_each_source_has_its_own_sequence(sample: MakeSample) -> None:
    service = await sample()
    one = [raw("a", 1, at=0), raw("a", 2, at=1)]
    restored = [raw("a", n, at=n - 3, source="test/source/2")._replace(offset=n - 1) for n in (3, 4)]
    await service.intake.take(await offset(service), [*one, *restored])
    assert await service.consumed() == {"a": [1, 2, 3, 4]}
    assert (await offset(service)).sequences == {"test/source/1": 2, "test/source/2": 2}


async def test_a_jump_in_the_sequence_is_refused_and_nothing_is_written(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(SequenceJump, match="from 1 to 3"):
        await service.intake.take(await offset(service), [raw("a", 1, at=0), raw("a", 3, at=2)._replace(offset=1)])
    assert await service.consumed() == {}
    assert (await offset(service)).next_offset == 0


# --- the fence -------------------------------------------------------------------------------------------------------


async def test_a_zombie_is_fenced_and_writes_nothing(sample: MakeSample) -> None:
    service = await sample()
    zombie = await sample(same_as=service)
    stale, records = await offset(zombie), raws(("a", 1), ("a", 2))
    await service.intake.take(await offset(service), records)
    with pytest.raises(Fenced):
        await zombie.intake.take(stale, records)
    assert await service.consumed() == {"a": [1, 2]}


async def test_of_two_consumers_of_one_batch_at_once_one_is_fenced(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    here, records = await offset(service), raws(*((f"k{n}", 1) for n in range(50)))
    outcomes = await concurrently(service.intake.take(here, records), other.intake.take(here, records))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Fenced", "PartitionOffset"]
    assert await service.consumed() == {f"k{n}": [1] for n in range(50)}
    assert await always({"subscriber": service.engine}) == []


async def test_without_the_fence_the_checker_finds_what_a_zombie_does(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two tests above can fail: the domain rejects the zombie's second handling, which parks correct events."""

    async def no_fence(*_: object) -> list[str]:
        return []

    monkeypatch.setattr(Intake, "_fence", no_fence)
    service = await sample()
    zombie = await sample(same_as=service)
    stale, records = await offset(zombie), raws(("a", 1), ("a", 2))
    await service.intake.take(await offset(service), records)
    await zombie.intake.take(stale, records)
    assert await at_rest({"subscriber": service.engine}) == ["subscriber: parked under a: 2"]


async def test_when_the_response_to_commit_is_lost_the_batch_is_applied_once(sample: MakeSample) -> None:
    service = await sample()
    async with proxied(service.engine.url.render_as_string(hide_password=False)) as (proxy, url):
        far = await sample(same_as=service, url=url)
        here, records = await offset(far), raws(("a", 1), ("a", 2))
        proxy.lose_response_to(b"COMMIT")
        with pytest.raises(Exception, match="closed") as lost:
            await far.intake.take(here, records)
        assert proxy.lost.is_set()
        assert is_outage(lost.value)
        with pytest.raises(Fenced):
            await far.intake.take(here, records)
        after = await offset(far)
        assert after.next_offset == 2
        await far.intake.take(after, [raw("a", 3, at=2)])
        await far.engine.dispose()
    assert await service.consumed() == {"a": [1, 2, 3]}


# --- parking ---------------------------------------------------------------------------------------------------------


async def test_a_poison_event_parks_its_key_and_others_go_on(sample: MakeSample) -> None:
    service = await sample()
    service.faults.poison = {"poison"}
    await service.intake.take(
        await offset(service), raws(("a", 1), ("b", 1), ("a", 2, "poison"), ("a", 3), ("b", 2), ("a", 4))
    )
    assert await service.consumed() == {"a": [1], "b": [1, 2]}
    assert await parked_numbers(service, "a") == ["2", "3", "4"]
    assert await parked(service) == [
        ("a", "ValueError: cannot handle poison", True),
        ("a", "waits behind another", False),
        ("a", "waits behind another", False),
    ]


async def test_later_events_of_a_parked_key_wait_in_order_across_topics(sample: MakeSample) -> None:
    service = await sample(topics=(Topic.LIST, Topic.EXECUTION))
    service.faults.poison = {"poison"}
    await service.intake.take(await offset(service), [raw("a", 1, "poison", at=0)])
    service.faults.poison = set()
    await service.intake.take(
        await offset(service, 2, Topic.EXECUTION), [raw("a", 2, at=0, topic=Topic.EXECUTION, partition=2)]
    )
    await service.intake.take(await offset(service), [raw("a", 3, at=1), raw("b", 1, at=2)])
    assert await parked_numbers(service, "a") == ["1", "2", "3"]
    assert [reason for _, reason, _ in await parked(service)][1:] == ["waits behind another"] * 2
    assert await service.consumed() == {"b": [1]}


async def test_an_event_of_an_unknown_version_parks_its_key(sample: MakeSample) -> None:
    service = await sample()
    newer = raw("a", 2, at=1, kind="list.entry.suspended.v2")
    await service.intake.take(await offset(service), [raw("a", 1, at=0), newer, raw("a", 3, at=2), raw("b", 1, at=3)])
    assert await service.consumed() == {"a": [1], "b": [1]}
    assert [(key, reason) for key, reason, culprit in await parked(service) if culprit] == [
        ("a", "UnknownEventType: list.entry.suspended.v2")
    ]


async def test_an_unreadable_body_parks_its_key_and_the_reason_contains_no_values(sample: MakeSample) -> None:
    service = await sample()
    broken = raw("a", 1, at=0)._replace(body=b'{"entry_id": "a", "subject": {"number": "110101199003070000"}}')
    await service.intake.take(await offset(service), [broken, raw("b", 1, at=1)])
    [(key, reason, culprit)] = await parked(service)
    assert (key, culprit) == ("a", True)
    assert reason.startswith("UnreadableEvent: list.entry.suspended.v1: ")
    assert "110101" not in reason
    assert await service.consumed() == {"b": [1]}


async def test_one_bad_row_in_a_grouped_transaction_parks_itself_only(sample: MakeSample) -> None:
    service = await sample()
    letters = [(f"k{n}", 1, "bad row" if n == 17 else "fine") for n in range(40)]
    await service.intake.take(await offset(service), raws(*letters))
    assert set(await service.consumed()) == {f"k{n}" for n in range(40) if n != 17}
    [(key, reason, _)] = await parked(service)
    assert (key, reason) == ("k17", "IntegrityError: CheckViolationError 23514")


async def test_a_value_that_the_driver_rejects_is_not_an_outage_and_parks_its_key(sample: MakeSample) -> None:
    service = await sample()

    async def too_large_for_the_column(batch: Batch, message: Message) -> None:
        if message.key == "b":
            await batch.connection.execute(text("INSERT INTO consumed VALUES ('x', :n, 'x')"), {"n": 2**40})

    service.faults.before_each = too_large_for_the_column
    await service.intake.take(await offset(service), raws(("a", 1), ("b", 1), ("c", 1)))
    assert set(await service.consumed()) == {"a", "c"}
    assert [(key, reason) for key, reason, _ in await parked(service)] == [("b", "DBAPIError: DataError 22000")]


@pytest.mark.parametrize("outage", ["raised", "terminated"])
async def test_an_outage_parks_nothing_and_the_batch_succeeds_afterwards(sample: MakeSample, outage: str) -> None:
    service = await sample()
    records = raws(*((f"k{n}", 1, "k3's" if n == 3 else "") for n in range(6)))
    here = await offset(service)
    if outage == "raised":
        service.faults.outage = {"k3's"}
    else:
        service.faults.before_each = _terminated_at("k3")
    with pytest.raises(Exception, match=r".") as met:
        await service.intake.take(here, records)
    assert is_outage(met.value)
    service.faults.outage, service.faults.before_each = set(), None
    assert (await parked(service), await service.consumed(), await offset(service)) == ([], {}, here)
    await service.intake.take(here, records)
    assert await service.consumed() == {f"k{n}": [1] for n in range(6)}


async def test_an_outage_during_the_search_for_the_culprit_parks_nothing(sample: MakeSample) -> None:
    """The connection dies under a savepoint, after another event of the batch was found to be poison."""
    service = await sample()
    service.faults.poison, service.faults.before_each = {"poison"}, _terminated_at("k3")
    records = raws(("k1", 1, "poison"), ("k2", 1), ("k3", 1), ("k4", 1))
    here = await offset(service)
    with pytest.raises(Exception, match=r".") as met:
        await service.intake.take(here, records)
    assert is_outage(met.value)
    assert (await parked(service), await service.consumed()) == ([], {})
    service.faults.before_each = None
    await service.intake.take(here, records)
    assert [key for key, _, _ in await parked(service)] == ["k1"]
    assert await service.consumed() == {"k2": [1], "k3": [1], "k4": [1]}


def _terminated_at(key: str) -> Any:
    """The server closes the connection of the batch when it reaches this key."""

    async def terminate(batch: Batch, message: Message) -> None:
        if message.key == key:
            await batch.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    return terminate


async def test_an_event_that_has_to_wait_holds_the_batch_and_parks_nothing(sample: MakeSample) -> None:
    service = await sample()
    service.faults.not_yet, service.faults.poison = {"later"}, {"poison"}
    records = raws(("a", 1, "poison"), ("b", 1, "later"))
    here = await offset(service)
    with pytest.raises(NotYet):
        await service.intake.take(here, records)
    assert await parked(service) == []
    after = await service.intake.take(here, records[:1])
    service.faults.not_yet = set()
    await service.intake.take(after, records[1:])
    assert [key for key, _, _ in await parked(service)] == ["a"]
    assert await service.consumed() == {"b": [1]}


async def test_the_law_book_is_never_parked_not_even_behind_a_parked_key(sample: MakeSample) -> None:
    service = await sample(topics=(Topic.LAWBOOK,), never_parked=True)
    async with service.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO parked (key, topic, partition, record_offset, headers, body, reason, is_culprit)"
                " VALUES ('lawbook', 'liandong.list', 0, 0, '{}', '', 'test', true)"
            )
        )
    here = await offset(service, topic=Topic.LAWBOOK)
    after = await service.intake.take(here, [raw("lawbook", 1, at=0, topic=Topic.LAWBOOK)])
    service.faults.poison = {"poison"}
    with pytest.raises(SequenceJump, match="must not be parked"):
        await service.intake.take(after, [raw("lawbook", 2, "poison", at=1, topic=Topic.LAWBOOK)])
    assert await service.consumed() == {"lawbook": [1]}
    assert (await offset(service, topic=Topic.LAWBOOK)).next_offset == 1


async def test_an_event_without_a_key_cannot_be_parked_and_stops_the_partition(sample: MakeSample) -> None:
    service = await sample()
    service.faults.poison = {"poison"}
    with pytest.raises(SequenceJump, match="must not be parked"):
        await service.intake.take(await offset(service), [raw("a", 1, "poison", at=0)._replace(key="")])
    assert await parked(service) == []


# --- concurrent batches ----------------------------------------------------------------------------------------------


async def test_batches_that_touch_the_same_subjects_in_opposite_order_are_both_handled(sample: MakeSample) -> None:
    """One is rolled back as a deadlock; that counts as an outage: it is retried and parks nothing."""
    service = await sample()
    met = asyncio.Barrier(2)
    meetings: list[str] = []

    async def lock(batch: Batch, message: Message) -> None:
        await batch.connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": message.key[:2]})
        if len(meetings) < 2:
            meetings.append(message.key)
            await met.wait()

    service.faults.before_each = lock
    one = [raw("P1", 1, at=0), raw("P2", 1, at=1)]
    two = [raw(f"{key}'", 1, at=at)._replace(partition=1) for at, key in enumerate(("P2", "P1"))]
    outcomes = await concurrently(
        *(_until_done(service, partition, batch) for partition, batch in enumerate((one, two)))
    )
    assert sorted(outcomes, key=str) == [0, 1], "one batch was retried"
    assert await parked(service) == []
    assert await service.consumed() == {"P1": [1], "P2": [1], "P2'": [1], "P1'": [1]}


async def _until_done(service: Sample, partition: int, records: list[RawRecord]) -> int:
    """Like the consumer: retry after an outage; how many retries it took."""
    retries = 0
    while True:
        try:
            await service.intake.take(await offset(service, partition), records)
        except Exception as error:
            assert is_outage(error), error
            retries += 1
        else:
            return retries


async def test_a_command_that_is_faster_makes_the_batch_decide_again(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)

    async def commit_first(_: Batch, __: Message) -> None:
        service.faults.before_each = None
        await other.intake.take(await offset(other, 1), [raw("a", 1, at=0)._replace(partition=1)])

    service.faults.before_each = commit_first
    here = await offset(service)
    with pytest.raises(VersionConflict):
        await service.intake.take(here, raws(("a", 1)))
    assert (await parked(service), await service.consumed()) == ([], {"a": [1]})
    await service.intake.take(here, raws(("a", 2)))
    assert await service.consumed() == {"a": [1, 2]}
