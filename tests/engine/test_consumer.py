"""The consumer on real Kafka: it stands where the database says, and one partition's trouble is not another's."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.event import Topic
from shared.messaging import consumer as consumers
from shared.messaging.consumer import Consumer
from shared.messaging.parking import accept_loss, list_parked, pass_over, resume
from shared.messaging.watermark import Watermark
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, envelope, keys_of
from tests.engine.proxy import wired
from tests.engine.running import consuming, relaying, rest
from tests.engine.sample import Sample
from tests.harness import eventually

ONE, OTHER = keys_of(0, 1)[0], keys_of(1, 1)[0]
"""Two keys on different partitions: 0 and 1."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "RESUME_SECONDS", 0.1)
    monkeypatch.setattr(consumers, "RETRY_SECONDS", 0.1)


async def heard(service: Sample, expected: dict[str, list[int]]) -> None:
    """Return when the service has heard these letters."""

    async def all_of_them() -> bool:
        found.clear()
        found.update(await service.heard())
        return found == expected

    found: dict[str, list[int]] = {}
    try:
        await eventually(all_of_them)
    except AssertionError:
        raise AssertionError(f"heard {found}, not {expected}") from None


async def stopped_because(service: Sample, partition: int) -> str:
    """Return when the partition is stopped: the reason that operators see."""

    async def reason() -> str | None:
        return (await service.intake.place(Topic.LIST, partition)).stopped_because

    return await eventually(reason) or ""


async def test_what_is_told_is_heard_once_and_in_order(sample: MakeSample, log: Log) -> None:
    teller, hearer = await sample("teller"), await sample("hearer")
    keys = [f"key{n}" for n in range(30)]
    async with relaying(teller, log), consuming(hearer, log):
        for _ in range(5):
            await teller.tell_many(keys, 2)
        await rest(teller=teller, hearer=hearer)
    assert await hearer.heard() == {key: list(range(1, 11)) for key in keys}


async def test_a_consumer_that_starts_again_goes_on_where_the_database_says(sample: MakeSample, log: Log) -> None:
    teller, hearer = await sample("teller"), await sample("hearer")
    async with relaying(teller, log):
        for _ in range(2):
            async with consuming(hearer, log):
                await teller.tell_many(["a", "b"], 3)
                await rest(teller=teller, hearer=hearer)
    assert await hearer.heard() == {"a": [1, 2, 3, 4, 5, 6], "b": [1, 2, 3, 4, 5, 6]}


async def test_instances_share_the_work_and_a_change_of_hands_doubles_nothing(sample: MakeSample, log: Log) -> None:
    teller, hearer = await sample("teller"), await sample("hearer")
    other = await sample(same_as=hearer)
    keys = [f"key{n}" for n in range(30)]
    async with relaying(teller, log), AsyncExitStack() as stay:
        async with consuming(hearer, log) as first:
            await teller.tell_many(keys, 10)
            second = await stay.enter_async_context(consuming(other, log))
            await teller.tell_many(keys, 10)
            await eventually(lambda: len(list(first.places)) < 3 and bool(list(second.places)))
            await teller.tell_many(keys, 10)
        await teller.tell_many(keys, 10)
        await rest(teller=teller, hearer=hearer)
    assert await hearer.heard() == {key: list(range(1, 41)) for key in keys}


# --- one partition stops ---------------------------------------------------------------------------------------------


async def test_a_jump_stops_its_partition_visibly_and_others_go_on(sample: MakeSample, log: Log) -> None:
    hearer = await sample("hearer")
    async with consuming(hearer, log):
        await log.put(ONE, 1, 1)
        await log.put(ONE, 3, 3)
        assert "goes from 1 to 3" in await stopped_because(hearer, 0)
        await log.put(OTHER, 1, 1)
        await heard(hearer, {ONE: [1], OTHER: [1]})
        await resume(hearer.intake, Topic.LIST, 0, by="operator")
        assert "goes from 1 to 3" in await stopped_because(hearer, 0), "it is still a loss"
    assert await hearer.heard() == {ONE: [1], OTHER: [1]}


async def test_after_an_operator_has_accepted_the_loss_the_partition_goes_on(sample: MakeSample, log: Log) -> None:
    hearer = await sample("hearer")
    async with consuming(hearer, log):
        await log.put(ONE, 1, 1)
        await log.put(ONE, 2, 5)
        await stopped_because(hearer, 0)
        await accept_loss(hearer.intake, Topic.LIST, 0, "test/source/1", 4, "the broker lost them", by="operator")
        await heard(hearer, {ONE: [1, 2]})
        await log.put(ONE, 3, 6)
        await heard(hearer, {ONE: [1, 2, 3]})


async def test_records_that_are_no_events_stop_their_partition_until_each_is_passed_over(
    sample: MakeSample, log: Log
) -> None:
    """Without headers, with too few, without a number, with a key that is no text."""
    hearer = await sample("hearer")
    await log.put_record(0, ONE.encode(), b"{}", [])
    await log.put_record(0, ONE.encode(), b"{}", [("ce_id", b"1")])
    await log.put_record(0, ONE.encode(), b"{}", envelope(ONE, 0).headers())
    await log.put_record(0, b"\x00\xff", b"{}", envelope(ONE, 2).headers())
    await log.put(ONE, 1, 1)
    await log.put(OTHER, 1, 1)
    async with consuming(hearer, log):
        for offset in range(4):
            assert f"offset {offset} is no event" in await stopped_because(hearer, 0)
            await heard(hearer, {OTHER: [1]})
            await pass_over(hearer.intake, Topic.LIST, 0, offset, "somebody's experiment", by="operator")
        await heard(hearer, {OTHER: [1], ONE: [1]})


async def test_what_comes_before_the_record_that_stops_a_partition_is_handled(sample: MakeSample, log: Log) -> None:
    hearer = await sample("hearer")
    for number in range(1, 8):
        await log.put(ONE, number, number)
    await log.put_record(0, ONE.encode(), b"", [])
    async with consuming(hearer, log):
        assert "offset 7 is no event" in await stopped_because(hearer, 0)
    assert await hearer.heard() == {ONE: [1, 2, 3, 4, 5, 6, 7]}
    assert (await hearer.intake.place(Topic.LIST, 0)).next_offset == 7


async def test_a_law_book_topic_stops_where_others_would_park(sample: MakeSample, log: Log) -> None:
    hearer = await sample("hearer", never_parked=True)
    hearer.trouble.poison = {"poison"}
    await log.put(ONE, 1, 1)
    await log.put(ONE, 2, 2, "poison")
    await log.put(ONE, 3, 3)
    async with consuming(hearer, log):
        assert "must not be parked" in await stopped_because(hearer, 0)
        await heard(hearer, {ONE: [1]})
        async with hearer.engine.connect() as connection:
            assert await list_parked(connection) == []
        hearer.trouble.poison = set()
        await resume(hearer.intake, Topic.LIST, 0, by="operator")
        await heard(hearer, {ONE: [1, 2, 3]})


# --- one partition waits ---------------------------------------------------------------------------------------------


async def test_an_event_that_cannot_be_judged_yet_holds_its_partition_in_order(sample: MakeSample, log: Log) -> None:
    hearer = await sample("hearer")
    hearer.trouble.not_yet = {"later"}
    async with consuming(hearer, log):
        for number, text in enumerate(("", "", "later", ""), start=1):
            await log.put(ONE, number, number, text)
        await log.put(OTHER, 1, 1)
        await heard(hearer, {ONE: [1, 2], OTHER: [1]})
        await log.put(OTHER, 2, 2)
        await heard(hearer, {ONE: [1, 2], OTHER: [1, 2]})
        hearer.trouble.not_yet = set()
        await heard(hearer, {ONE: [1, 2, 3, 4], OTHER: [1, 2]})


async def test_trouble_of_an_unknown_kind_in_one_partition_does_not_hold_the_others(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearer = await sample("hearer")
    take = hearer.intake.take

    async def fail_on_one(place: object, records: object) -> object:
        if getattr(place, "partition", None) == 0 and broken:
            broken.append(1)
            raise RuntimeError("nobody thought of this")
        return await take(place, records)  # type: ignore[arg-type]

    broken = [0]
    monkeypatch.setattr(hearer.intake, "take", fail_on_one)
    async with consuming(hearer, log):
        await log.put(ONE, 1, 1)
        await eventually(lambda: len(broken) > 2)
        await log.put(OTHER, 1, 1)
        await heard(hearer, {OTHER: [1]})
        broken.clear()
        await heard(hearer, {OTHER: [1], ONE: [1]})


# --- the database fails, the library fails ---------------------------------------------------------------------------


async def test_when_the_answer_to_commit_is_lost_the_consumer_goes_on(sample: MakeSample, log: Log) -> None:
    direct = await sample("hearer")
    async with wired(direct.engine.url.render_as_string(hide_password=False)) as (wire, url):
        hearer = await sample(same_as=direct, url=url)
        async with consuming(hearer, log):
            await log.put(ONE, 1, 1)
            await heard(direct, {ONE: [1]})
            for number in range(2, 6):
                wire.lose_answer_to(b"COMMIT")
                await log.put(ONE, number, number)
                await asyncio.wait_for(wire.lost.wait(), 30)
                await heard(direct, {ONE: list(range(1, number + 1))})
                wire.lost.clear()
        await hearer.engine.dispose()
    async with direct.engine.connect() as connection:
        assert await list_parked(connection) == []


async def test_a_database_that_goes_away_in_the_middle_parks_nobody(sample: MakeSample, log: Log) -> None:
    direct = await sample("hearer")
    keys = [f"key{n}" for n in range(20)]
    teller = await sample("teller")
    async with wired(direct.engine.url.render_as_string(hide_password=False)) as (wire, url):
        hearer = await sample(same_as=direct, url=url)
        async with relaying(teller, log), consuming(hearer, log):
            for _ in range(5):
                await teller.tell_many(keys, 5)
                await asyncio.sleep(0.05)
                wire.cut()
            await rest(teller=teller, hearer=direct)
        await hearer.engine.dispose()
    assert await direct.heard() == {key: list(range(1, 26)) for key in keys}


async def test_a_consumer_that_is_stuck_is_noticed_and_made_anew(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after some rebalances: a partition is assigned, nothing of it is fetched, and no error says so."""
    hearer = await sample("hearer")
    made: list[AIOKafkaConsumer] = []
    make = Consumer._make

    def remember(self: Consumer) -> AIOKafkaConsumer:
        made.append(make(self))
        return made[-1]

    monkeypatch.setattr(Consumer, "_make", remember)
    async with consuming(hearer, log, Watermark(patience=0.5)):
        await log.put(ONE, 1, 1)
        await heard(hearer, {ONE: [1]})
        with caplog.at_level(logging.WARNING):
            made[0].pause(TopicPartition(log.topics.name(Topic.LIST), 0))
            await log.put(ONE, 2, 2)
            await heard(hearer, {ONE: [1, 2]})
    assert len(made) == 2
    assert "StandsStill" in caplog.text


async def test_a_consumer_with_nothing_to_read_is_left_in_peace(
    sample: MakeSample, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    hearer = await sample("hearer")
    hearer.trouble.not_yet = {"later"}
    with caplog.at_level(logging.WARNING):
        async with consuming(hearer, log, Watermark(patience=0.2)):
            await log.put(ONE, 1, 1, "later")
            await asyncio.sleep(2)
    assert "StandsStill" not in caplog.text
