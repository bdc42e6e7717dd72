"""The relay: sequences without gaps, in order, for any leading relay and any failure between database and log."""

import asyncio
from functools import partial
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.eventstore.appending import MAX_EVENT_BYTES
from shared.eventstore.schema import PUBLISHED
from shared.messaging import producer as producer_module
from shared.messaging import relay as relay_module
from shared.messaging import sequencing
from shared.messaging.invariants import always
from shared.messaging.message import RawRecord
from shared.messaging.relay import Relay
from shared.messaging.sequencing import Leadership, LeadershipLost, sequencing_statement
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, gaps
from tests.engine.running import all_consumed, relaying
from tests.engine.sample import LETTERS, Publish, Sample
from tests.harness import eventually


def numbers(records: list[RawRecord]) -> dict[str, list[int]]:
    """The numbers of the letters of each key, in the order of the log, without duplicates."""
    found: dict[str, list[int]] = {}
    seen: set[tuple[int, str, int]] = set()
    for record in records:
        place = (record.partition, record.envelope.source, record.envelope.sequence)
        if place not in seen:
            seen.add(place)
            found.setdefault(record.key, []).append(int(record.body.split(b'"case_id":"')[1].split(b'"')[0]))
    return found


async def sequenced(service: Sample) -> int:
    async with service.engine.connect() as connection:
        return len((await connection.execute(PUBLISHED.select())).all())


class Failing(AIOKafkaProducer):
    """A real producer with hooks: `before` a batch is sent, or `after` it was acknowledged."""

    def __init__(self, kafka: str, *, before: Any = None, after: Any = None, **settings: Any) -> None:
        super().__init__(
            bootstrap_servers=kafka,
            enable_idempotence=True,
            acks="all",
            max_batch_size=producer_module.BATCH_BYTES,
            **settings,
        )
        self._before, self._after = before, after

    async def send_batch(self, batch: Any, topic: Any, *, partition: Any) -> Any:
        if self._before:
            await self._before()
        delivered = cast("Any", await super().send_batch(batch, topic, partition=partition))
        if self._after:
            await delivered
            await self._after()
        return delivered


# --- order and sequences ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_events", [7, 2000])
async def test_sequences_have_no_gaps_and_every_key_keeps_its_order(
    sample: MakeSample, log: Log, max_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "MAX_EVENTS", max_events)
    service = await sample()
    for _ in range(2):
        await asyncio.gather(*(service.publish(f"key{n}", "x", "y") for n in range(20)))
    async with relaying(service, log):
        for _ in range(2):
            await asyncio.gather(*(service.publish(f"key{n}", "x", "y") for n in range(20)))
        await all_consumed(service=service)
    records = await log.records()
    assert len(records) == 160
    assert gaps(records) == []
    assert numbers(records) == {f"key{n}": list(range(1, 9)) for n in range(20)}
    for partition in range(3):
        of_one = [r.envelope.sequence for r in records if r.partition == partition]
        assert of_one == list(range(1, len(of_one) + 1))
    assert len({r.envelope.source for r in records}) == 1


async def test_a_transaction_that_commits_after_a_later_one_is_not_lost(sample: MakeSample, log: Log) -> None:
    """Its positions are lower than those already published: a cursor over positions would skip them."""
    service = await sample()
    session = service.session()
    await session.do(LETTERS, "slow", Publish("slow", "started first"))
    async with relaying(service, log):
        async with service.engine.begin() as connection:
            [slow] = await service.store.write(connection, [session.change()])
            await service.publish("fast", "committed first")
            await eventually(log.count)
        await all_consumed(service=service)
    records = await log.records()
    assert {r.key for r in records} == {"slow", "fast"}
    async with service.engine.connect() as connection:
        rows = (await connection.execute(PUBLISHED.select().order_by(PUBLISHED.c.position))).all()
    assert [row.key for row in rows] == ["slow", "fast"]
    assert slow.position == rows[0].position


async def test_an_event_of_the_largest_size_is_published(sample: MakeSample, log: Log) -> None:
    service = await sample()
    await service.publish("a", "x" * (MAX_EVENT_BYTES - 500), "small", "示" * ((MAX_EVENT_BYTES - 500) // 3), "small")
    async with relaying(service, log):
        await all_consumed(service=service)
    assert numbers(await log.records()) == {"a": [1, 2, 3, 4]}


# --- leadership ------------------------------------------------------------------------------------------------------


async def test_of_two_relays_one_leads_and_the_other_goes_on_where_it_stopped(sample: MakeSample, log: Log) -> None:
    service = await sample()
    other = await sample(same_as=service)
    async with relaying(other, log) as second:
        async with relaying(service, log) as first:
            await service.publish("a", "one")
            await all_consumed(service=service)
            assert first.is_leader + second.is_leader == 1
        await other.publish("a", "two", "three")
        await all_consumed(service=service)
        assert second.is_leader
    records = await log.records()
    assert (gaps(records), numbers(records)) == ([], {"a": [1, 2, 3]})


async def _end_lock_connection(service: Sample) -> None:
    """Close the connection that holds the leader's lock, as a crash of the server would."""
    ended = text("""
        SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
    async with service.engine.connect() as connection:
        assert await connection.scalar(ended) == 1


class Gate:
    """Blocks a producer before its first batch until it is opened."""

    def __init__(self, kafka: str) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._kafka = kafka

    def __call__(self) -> AIOKafkaProducer:
        return Failing(self._kafka, before=self._hold)

    async def _hold(self) -> None:
        self.reached.set()
        await self.open.wait()


async def test_a_leader_that_lost_its_lock_assigns_no_more_sequences_though_its_pool_works(
    sample: MakeSample, log: Log
) -> None:
    service = await sample()
    other = await sample(same_as=service)
    gate = Gate(log.kafka)
    await service.publish_many([f"key{n}" for n in range(10)], 3)
    async with relaying(service, log, gate) as old:
        await gate.reached.wait()
        await _end_lock_connection(service)
        async with relaying(other, log) as new:
            await all_consumed(service=other)
            assert new.is_leader
            await other.publish_many([f"key{n}" for n in range(10)], 2)
            gate.open.set()  # the old leader sends its current batch, and would assign sequences to the rest
            await eventually(lambda: not old.is_leader)
            await other.publish_many([f"key{n}" for n in range(10)], 2)
            await all_consumed(service=other)
            assert new.is_leader
    records = await log.records()
    assert len(records) > 70, "the old leader has sent some events again"
    assert gaps(records) == []
    assert numbers(records) == {f"key{n}": list(range(1, 8)) for n in range(10)}
    assert await always({"service": service.engine}) == []


async def _former_leadership(service: Sample, log: Log) -> Any:
    """The leadership of a leader that has a successor."""
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    old = Leadership(service.engine, *(await relay._new_epoch()))
    await relay._new_epoch()
    return old


async def test_a_former_leader_can_neither_assign_sequences_nor_acknowledge(sample: MakeSample, log: Log) -> None:
    service = await sample()
    old = await _former_leadership(service, log)
    await service.publish("a", "one")
    with pytest.raises(LeadershipLost):
        await old.assign_sequences({})
    with pytest.raises(LeadershipLost):
        await old.assign_sequences({(Topic.LIST.value, 0): 7})
    assert await sequenced(service) == 0


async def test_without_the_epoch_check_a_former_leader_assigns_sequences(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    monkeypatch.setattr(sequencing, "_ASSIGN", sequencing_statement(fence="true"))
    service = await sample()
    old = await _former_leadership(service, log)
    await service.publish("a", "one")
    await old.assign_sequences({})
    assert await sequenced(service) == 1


async def test_two_leaders_at_once_assign_no_sequence_twice(sample: MakeSample, log: Log) -> None:
    """Even if both consider themselves the leader: the counters are rows, not memory."""
    service = await sample()
    other = await sample(same_as=service)
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    epoch, source = await relay._new_epoch()
    leaders = [Leadership(one.engine, epoch, source) for one in (service, other)]
    for _ in range(10):
        publishing = [service.publish(f"key{n}", "x", "y") for n in range(5)]
        await asyncio.gather(*publishing, *(leader.assign_sequences({}) for leader in leaders for _ in range(3)))
    await leaders[0].assign_sequences({})
    assert await always({"service": service.engine}) == []
    assert await sequenced(service) == 100


# --- failures --------------------------------------------------------------------------------------------------------


async def test_a_relay_killed_before_it_stores_the_acknowledgement_sends_the_same_sequences_again(
    sample: MakeSample, log: Log
) -> None:
    service = await sample()
    subscriber = await sample("subscriber")
    acknowledged = asyncio.Event()

    async def hang() -> None:
        acknowledged.set()
        await asyncio.Event().wait()

    await service.publish("a", "one", "two")
    async with relaying(service, log, lambda: Failing(log.kafka, after=hang)):
        await acknowledged.wait()
    assert len(await log.records()) == 2
    await service.publish("a", "three")
    async with relaying(service, log):
        await all_consumed(service=service)
    records = await log.records()
    assert [r.envelope.sequence for r in records] == [1, 2, 1, 2, 3]
    assert [r.envelope.event_id for r in records[:2]] == [r.envelope.event_id for r in records[2:4]]
    here = await subscriber.intake.read_offset(Topic.LIST, records[0].partition)
    await subscriber.intake.take(here, records)
    assert await subscriber.consumed() == {"a": [1, 2, 3]}


async def test_an_unreachable_broker_blocks_no_commands_and_gets_everything_later(sample: MakeSample, log: Log) -> None:
    service = await sample()
    tried: list[str] = []

    def unreachable_at_first() -> AIOKafkaProducer:
        tried.append("127.0.0.1:1" if len(tried) < 2 else log.kafka)
        return Failing(tried[-1])

    await service.publish("a", "one")
    async with relaying(service, log, unreachable_at_first):
        await eventually(lambda: len(tried) > 1)
        await service.publish("a", "two")
        await all_consumed(service=service)
    assert tried[:3] == ["127.0.0.1:1", "127.0.0.1:1", log.kafka]
    assert numbers(await log.records()) == {"a": [1, 2]}


@pytest.mark.parametrize("error", [MessageSizeTooLargeError, KafkaConnectionError])
async def test_after_an_error_nothing_more_is_sent_and_the_producer_is_discarded(
    sample: MakeSample, log: Log, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch is refused while more batches wait: if these were sent, consumers would see a jump."""
    service = await sample()
    monkeypatch.setattr(producer_module, "BATCH_BYTES", 2048)
    made: list[AIOKafkaProducer] = []
    refused: list[int] = []

    async def refuse_twice() -> None:
        if len(refused) < 2:
            refused.append(len(made))
            raise error

    def make() -> AIOKafkaProducer:
        made.append(Failing(log.kafka, before=refuse_twice))
        return made[-1]

    await service.publish("a", *(["x" * 200] * 60))
    async with relaying(service, log, make):
        await all_consumed(service=service)
    assert refused == [1, 2], "each on a producer of its own"
    assert len(made) == 3
    records = await log.records()
    assert [r.envelope.sequence for r in records] == list(range(1, 61))


async def test_after_an_error_sending_resumes_after_the_last_acknowledged_sequence(
    sample: MakeSample, log: Log
) -> None:
    """Each batch holds one large letter; the third batch fails once, and the first two are not sent again."""
    service = await sample()
    batches: list[None] = []

    async def fail_third() -> None:
        batches.append(None)
        if len(batches) == 3:
            raise KafkaConnectionError

    await service.publish("a", *(["x" * (MAX_EVENT_BYTES * 3 // 4)] * 4))
    async with relaying(service, log, lambda: Failing(log.kafka, before=fail_third)):
        await all_consumed(service=service)
    assert [r.envelope.sequence for r in await log.records()] == [1, 2, 3, 4]


async def test_a_relay_whose_producer_is_stuck_can_still_be_stopped(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "CLOSE_TIMEOUT_SECONDS", 0.1)

    class Stuck(Failing):
        async def stop(self) -> None:
            stuck.append(self)
            await asyncio.Event().wait()

    service = await sample()
    stuck: list[AIOKafkaProducer] = []
    await service.publish("a", "one")
    async with relaying(service, log, lambda: Stuck(log.kafka)):
        await all_consumed(service=service)
    for producer in stuck:
        await AIOKafkaProducer.stop(producer)
    assert len(stuck) == 1


@pytest.mark.parametrize("moments", range(6))
async def test_a_relay_that_is_woken_at_the_moment_when_it_is_stopped_stops(
    sample: MakeSample, log: Log, moments: int
) -> None:
    """The last response of a service wakes its relay, and the service may stop at that moment."""
    service = await sample()
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    relay.start()
    await eventually(partial(_waits, relay), every=0.001)
    relay.wake()
    for _ in range(moments):
        await asyncio.sleep(0)
    stopping = asyncio.create_task(relay.stop())
    stopped, _ = await asyncio.wait([stopping], timeout=10)
    stopping.cancel()
    assert stopped


async def _waits(relay: Relay) -> bool:
    """Whether the relay is idle and waits to be woken."""
    return bool(cast("Any", relay)._wake._waiters)
