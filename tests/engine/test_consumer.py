"""The consumer on real Kafka: it uses the offsets in the database, and a fault in one partition does not affect another."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.event import Topic
from shared.messaging import consumer as consumers
from shared.messaging.consumer import Consumer
from shared.messaging.parking import accept_loss, list_parked, resume, skip_record
from shared.messaging.stall_detector import StallDetector
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, envelope, keys_of
from tests.engine.proxy import proxied
from tests.engine.running import all_consumed, consuming, relaying
from tests.engine.sample import Sample
from tests.harness import eventually

ONE, OTHER = keys_of(0, 1)[0], keys_of(1, 1)[0]
"""Two keys on different partitions: 0 and 1."""


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "RESUME_SECONDS", 0.1)
    monkeypatch.setattr(consumers, "RETRY_SECONDS", 0.1)


async def until_consumed(service: Sample, expected: dict[str, list[int]]) -> None:
    """Return when the service has consumed exactly these letters."""

    async def all_of_them() -> bool:
        found.clear()
        found.update(await service.consumed())
        return found == expected

    found: dict[str, list[int]] = {}
    try:
        await eventually(all_of_them)
    except AssertionError:
        raise AssertionError(f"consumed {found}, not {expected}") from None


async def stopped_because(service: Sample, partition: int) -> str:
    """Return when the partition is stopped; the reason that operators see."""

    async def reason() -> str | None:
        return (await service.intake.read_offset(Topic.LIST, partition)).stopped_because

    return await eventually(reason) or ""


async def test_published_events_are_consumed_once_and_in_order(sample: MakeSample, log: Log) -> None:
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    keys = [f"key{n}" for n in range(30)]
    async with relaying(publisher, log), consuming(subscriber, log):
        for _ in range(5):
            await publisher.publish_many(keys, 2)
        await all_consumed(publisher=publisher, subscriber=subscriber)
    assert await subscriber.consumed() == {key: list(range(1, 11)) for key in keys}


async def test_a_restarted_consumer_continues_at_the_offset_in_the_database(sample: MakeSample, log: Log) -> None:
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    async with relaying(publisher, log):
        for _ in range(2):
            async with consuming(subscriber, log):
                await publisher.publish_many(["a", "b"], 3)
                await all_consumed(publisher=publisher, subscriber=subscriber)
    assert await subscriber.consumed() == {"a": [1, 2, 3, 4, 5, 6], "b": [1, 2, 3, 4, 5, 6]}


async def test_instances_share_partitions_and_a_rebalance_duplicates_nothing(sample: MakeSample, log: Log) -> None:
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    other = await sample(same_as=subscriber)
    keys = [f"key{n}" for n in range(30)]
    async with relaying(publisher, log), AsyncExitStack() as stay:
        async with consuming(subscriber, log) as first:
            await publisher.publish_many(keys, 10)
            second = await stay.enter_async_context(consuming(other, log))
            await publisher.publish_many(keys, 10)
            await eventually(lambda: len(list(first.offsets)) < 3 and bool(list(second.offsets)))
            await publisher.publish_many(keys, 10)
        await publisher.publish_many(keys, 10)
        await all_consumed(publisher=publisher, subscriber=subscriber)
    assert await subscriber.consumed() == {key: list(range(1, 41)) for key in keys}


# --- one partition stops ---------------------------------------------------------------------------------------------


async def test_a_jump_stops_its_partition_visibly_and_others_go_on(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber")
    async with consuming(subscriber, log):
        await log.put(ONE, 1, 1)
        await log.put(ONE, 3, 3)
        assert "goes from 1 to 3" in await stopped_because(subscriber, 0)
        await log.put(OTHER, 1, 1)
        await until_consumed(subscriber, {ONE: [1], OTHER: [1]})
        await resume(subscriber.intake, Topic.LIST, 0, by="operator")
        assert "goes from 1 to 3" in await stopped_because(subscriber, 0), "it is still a loss"
    assert await subscriber.consumed() == {ONE: [1], OTHER: [1]}


async def test_after_an_operator_has_accepted_the_loss_the_partition_goes_on(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber")
    async with consuming(subscriber, log):
        await log.put(ONE, 1, 1)
        await log.put(ONE, 2, 5)
        await stopped_because(subscriber, 0)
        await accept_loss(subscriber.intake, Topic.LIST, 0, "test/source/1", 4, "the broker lost them", by="operator")
        await until_consumed(subscriber, {ONE: [1, 2]})
        await log.put(ONE, 3, 6)
        await until_consumed(subscriber, {ONE: [1, 2, 3]})


async def test_records_that_are_not_events_stop_their_partition_until_each_is_skipped(
    sample: MakeSample, log: Log
) -> None:
    """Without headers, with too few, without a sequence, with a key that is not text."""
    subscriber = await sample("subscriber")
    await log.put_record(0, ONE.encode(), b"{}", [])
    await log.put_record(0, ONE.encode(), b"{}", [("ce_id", b"1")])
    await log.put_record(0, ONE.encode(), b"{}", envelope(ONE, 0).headers())
    await log.put_record(0, b"\x00\xff", b"{}", envelope(ONE, 2).headers())
    await log.put(ONE, 1, 1)
    await log.put(OTHER, 1, 1)
    async with consuming(subscriber, log):
        for offset in range(4):
            assert f"offset {offset} is not an event" in await stopped_because(subscriber, 0)
            await until_consumed(subscriber, {OTHER: [1]})
            await skip_record(subscriber.intake, Topic.LIST, 0, offset, "written by an experiment", by="operator")
        await until_consumed(subscriber, {OTHER: [1], ONE: [1]})


async def test_events_before_the_record_that_stops_a_partition_are_handled(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber")
    for number in range(1, 8):
        await log.put(ONE, number, number)
    await log.put_record(0, ONE.encode(), b"", [])
    async with consuming(subscriber, log):
        assert "offset 7 is not an event" in await stopped_because(subscriber, 0)
    assert await subscriber.consumed() == {ONE: [1, 2, 3, 4, 5, 6, 7]}
    assert (await subscriber.intake.read_offset(Topic.LIST, 0)).next_offset == 7


async def test_a_law_book_topic_stops_where_others_would_park(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber", never_parked=True)
    subscriber.faults.poison = {"poison"}
    await log.put(ONE, 1, 1)
    await log.put(ONE, 2, 2, "poison")
    await log.put(ONE, 3, 3)
    async with consuming(subscriber, log):
        assert "must not be parked" in await stopped_because(subscriber, 0)
        await until_consumed(subscriber, {ONE: [1]})
        async with subscriber.engine.connect() as connection:
            assert await list_parked(connection) == []
        subscriber.faults.poison = set()
        await resume(subscriber.intake, Topic.LIST, 0, by="operator")
        await until_consumed(subscriber, {ONE: [1, 2, 3]})


# --- one partition waits ---------------------------------------------------------------------------------------------


async def test_an_event_that_must_wait_holds_its_partition_in_order(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber")
    subscriber.faults.not_yet = {"later"}
    async with consuming(subscriber, log):
        for number, text in enumerate(("", "", "later", ""), start=1):
            await log.put(ONE, number, number, text)
        await log.put(OTHER, 1, 1)
        await until_consumed(subscriber, {ONE: [1, 2], OTHER: [1]})
        await log.put(OTHER, 2, 2)
        await until_consumed(subscriber, {ONE: [1, 2], OTHER: [1, 2]})
        subscriber.faults.not_yet = set()
        await until_consumed(subscriber, {ONE: [1, 2, 3, 4], OTHER: [1, 2]})


async def test_an_unexpected_error_in_one_partition_does_not_stop_the_others(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriber = await sample("subscriber")
    take = subscriber.intake.take

    async def fail_on_one(place: object, records: object) -> object:
        if getattr(place, "partition", None) == 0 and broken:
            broken.append(1)
            raise RuntimeError("unexpected")
        return await take(place, records)  # type: ignore[arg-type]

    broken = [0]
    monkeypatch.setattr(subscriber.intake, "take", fail_on_one)
    async with consuming(subscriber, log):
        await log.put(ONE, 1, 1)
        await eventually(lambda: len(broken) > 2)
        await log.put(OTHER, 1, 1)
        await until_consumed(subscriber, {OTHER: [1]})
        broken.clear()
        await until_consumed(subscriber, {OTHER: [1], ONE: [1]})


# --- the database fails, the library fails ---------------------------------------------------------------------------


async def test_when_the_response_to_commit_is_lost_the_consumer_continues(sample: MakeSample, log: Log) -> None:
    direct = await sample("subscriber")
    async with proxied(direct.engine.url.render_as_string(hide_password=False)) as (proxy, url):
        subscriber = await sample(same_as=direct, url=url)
        async with consuming(subscriber, log):
            await log.put(ONE, 1, 1)
            await until_consumed(direct, {ONE: [1]})
            for number in range(2, 6):
                proxy.lose_response_to(b"COMMIT")
                await log.put(ONE, number, number)
                await asyncio.wait_for(proxy.lost.wait(), 30)
                await until_consumed(direct, {ONE: list(range(1, number + 1))})
                proxy.lost.clear()
        await subscriber.engine.dispose()
    async with direct.engine.connect() as connection:
        assert await list_parked(connection) == []


async def test_connections_cut_during_consumption_park_nothing(sample: MakeSample, log: Log) -> None:
    direct = await sample("subscriber")
    keys = [f"key{n}" for n in range(20)]
    publisher = await sample("publisher")
    async with proxied(direct.engine.url.render_as_string(hide_password=False)) as (proxy, url):
        subscriber = await sample(same_as=direct, url=url)
        async with relaying(publisher, log), consuming(subscriber, log):
            for _ in range(5):
                await publisher.publish_many(keys, 5)
                await asyncio.sleep(0.05)
                proxy.cut()
            await all_consumed(publisher=publisher, subscriber=direct)
        await subscriber.engine.dispose()
    assert await direct.consumed() == {key: list(range(1, 26)) for key in keys}


async def test_a_stalled_consumer_is_detected_and_replaced(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after some rebalances: a partition is assigned, but nothing of it is fetched, without an error."""
    subscriber = await sample("subscriber")
    made: list[AIOKafkaConsumer] = []
    make = Consumer._make

    def remember(self: Consumer) -> AIOKafkaConsumer:
        made.append(make(self))
        return made[-1]

    monkeypatch.setattr(Consumer, "_make", remember)
    async with consuming(subscriber, log, StallDetector(timeout=0.5)):
        await log.put(ONE, 1, 1)
        await until_consumed(subscriber, {ONE: [1]})
        with caplog.at_level(logging.WARNING):
            made[0].pause(TopicPartition(log.topics.name(Topic.LIST), 0))
            await log.put(ONE, 2, 2)
            await until_consumed(subscriber, {ONE: [1, 2]})
    assert len(made) == 2
    assert "ConsumerStalled" in caplog.text


async def test_a_consumer_with_nothing_to_read_is_not_replaced(
    sample: MakeSample, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    subscriber = await sample("subscriber")
    subscriber.faults.not_yet = {"later"}
    with caplog.at_level(logging.WARNING):
        async with consuming(subscriber, log, StallDetector(timeout=0.2)):
            await log.put(ONE, 1, 1, "later")
            await asyncio.sleep(2)
    assert "ConsumerStalled" not in caplog.text
