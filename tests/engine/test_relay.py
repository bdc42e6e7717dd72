"""The relay: numbers without gaps, in order, whoever leads and whatever fails between the database and the log."""

import asyncio
from functools import partial
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.eventstore.schema import PUBLISHED
from shared.eventstore.store import LARGEST_EVENT
from shared.messaging import relay as relays
from shared.messaging.invariants import always
from shared.messaging.message import Raw
from shared.messaging.relay import LeadershipLost, Relay
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, gaps
from tests.engine.running import relaying, rest
from tests.engine.sample import LETTERS, Sample, Tell
from tests.harness import eventually


def numbers(records: list[Raw]) -> dict[str, list[int]]:
    """The numbers of the letters of each key, in the order of the log, what was seen before left out."""
    found: dict[str, list[int]] = {}
    seen: set[tuple[int, str, int]] = set()
    for record in records:
        place = (record.partition, record.envelope.source, record.envelope.sequence)
        if place not in seen:
            seen.add(place)
            found.setdefault(record.key, []).append(int(record.body.split(b'"case_id":"')[1].split(b'"')[0]))
    return found


async def numbered(service: Sample) -> int:
    async with service.engine.connect() as connection:
        return len((await connection.execute(PUBLISHED.select())).all())


class Failing(AIOKafkaProducer):
    """A real producer on which something happens around a batch: `before` it is sent, or `after` it was acknowledged."""

    def __init__(self, kafka: str, *, before: Any = None, after: Any = None, **settings: Any) -> None:
        super().__init__(
            bootstrap_servers=kafka, enable_idempotence=True, acks="all", max_batch_size=relays.BATCH_BYTES, **settings
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


# --- order and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [7, 2000])
async def test_sequences_have_no_gaps_and_every_key_keeps_its_order(
    sample: MakeSample, log: Log, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "_AT_ONCE", at_once)
    service = await sample()
    for _ in range(2):
        await asyncio.gather(*(service.tell(f"key{n}", "x", "y") for n in range(20)))
    async with relaying(service, log):
        for _ in range(2):
            await asyncio.gather(*(service.tell(f"key{n}", "x", "y") for n in range(20)))
        await rest(service=service)
    records = await log.records()
    assert len(records) == 160
    assert gaps(records) == []
    assert numbers(records) == {f"key{n}": list(range(1, 9)) for n in range(20)}
    for partition in range(3):
        of_one = [r.envelope.sequence for r in records if r.partition == partition]
        assert of_one == list(range(1, len(of_one) + 1))
    assert len({r.envelope.source for r in records}) == 1


async def test_a_transaction_that_commits_after_a_later_one_is_not_lost(sample: MakeSample, log: Log) -> None:
    """Its positions are lower than what was relayed already: a cursor over positions would have passed them by."""
    service = await sample()
    session = service.session()
    await session.do(LETTERS, "slow", Tell("slow", "I began first"))
    async with relaying(service, log):
        async with service.engine.begin() as connection:
            [slow] = await service.store.write(connection, [session.change()])
            await service.tell("fast", "I was done first")
            await eventually(log.count)
        await rest(service=service)
    records = await log.records()
    assert {r.key for r in records} == {"slow", "fast"}
    async with service.engine.connect() as connection:
        rows = (await connection.execute(PUBLISHED.select().order_by(PUBLISHED.c.position))).all()
    assert [row.key for row in rows] == ["slow", "fast"]
    assert slow.position == rows[0].position


async def test_an_event_as_large_as_may_be_goes_through(sample: MakeSample, log: Log) -> None:
    service = await sample()
    await service.tell("a", "x" * (LARGEST_EVENT - 500), "small", "示" * ((LARGEST_EVENT - 500) // 3), "small")
    async with relaying(service, log):
        await rest(service=service)
    assert numbers(await log.records()) == {"a": [1, 2, 3, 4]}


# --- who leads -------------------------------------------------------------------------------------------------------


async def test_of_two_relays_one_leads_and_the_other_goes_on_where_it_stopped(sample: MakeSample, log: Log) -> None:
    service = await sample()
    other = await sample(same_as=service)
    async with relaying(other, log) as second:
        async with relaying(service, log) as first:
            await service.tell("a", "one")
            await rest(service=service)
            assert first.leads + second.leads == 1
        await other.tell("a", "two", "three")
        await rest(service=service)
        assert second.leads
    records = await log.records()
    assert (gaps(records), numbers(records)) == ([], {"a": [1, 2, 3]})


async def _end_lock_connection(service: Sample) -> None:
    """End the connection that holds the leader's lock, as the server does when it dies."""
    ended = text("""
        SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """)
    async with service.engine.connect() as connection:
        assert await connection.scalar(ended) == 1


class Gate:
    """Holds a producer before its first batch until it is opened."""

    def __init__(self, kafka: str) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._kafka = kafka

    def __call__(self) -> AIOKafkaProducer:
        return Failing(self._kafka, before=self._hold)

    async def _hold(self) -> None:
        self.reached.set()
        await self.open.wait()


async def test_a_leader_whose_lock_died_gives_no_more_numbers_though_its_pool_goes_on(
    sample: MakeSample, log: Log
) -> None:
    service = await sample()
    other = await sample(same_as=service)
    gate = Gate(log.kafka)
    await service.tell_many([f"key{n}" for n in range(10)], 3)
    async with relaying(service, log, gate) as old:
        await gate.reached.wait()
        await _end_lock_connection(service)
        async with relaying(other, log) as new:
            await rest(service=other)
            assert new.leads
            await other.tell_many([f"key{n}" for n in range(10)], 2)
            gate.open.set()  # the old one sends what it had in hand, and would number the rest
            await eventually(lambda: not old.leads)
            await other.tell_many([f"key{n}" for n in range(10)], 2)
            await rest(service=other)
            assert new.leads
    records = await log.records()
    assert len(records) > 70, "the old one sent once more what was there"
    assert gaps(records) == []
    assert numbers(records) == {f"key{n}": list(range(1, 8)) for n in range(10)}
    assert await always({"service": service.engine}) == []


async def _succeeded(service: Sample, log: Log) -> Any:
    """The rights of a leader that has been succeeded."""
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    old = relays._Leadership(service.engine, *(await relay._new_epoch()))
    await relay._new_epoch()
    return old


async def test_a_leader_that_was_succeeded_may_neither_number_nor_write_down(sample: MakeSample, log: Log) -> None:
    service = await sample()
    old = await _succeeded(service, log)
    await service.tell("a", "one")
    with pytest.raises(LeadershipLost):
        await old.number({})
    with pytest.raises(LeadershipLost):
        await old.number({(Topic.LIST.value, 0): 7})
    assert await numbered(service) == 0


async def test_without_the_fence_a_leader_that_was_succeeded_numbers_on(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    monkeypatch.setattr(relays, "_NUMBER", relays._numbering(fence="true"))
    service = await sample()
    old = await _succeeded(service, log)
    await service.tell("a", "one")
    await old.number({})
    assert await numbered(service) == 1


async def test_two_relays_that_number_at_once_give_no_number_twice(sample: MakeSample, log: Log) -> None:
    """Even if both believed that they lead: the counters are rows, not memory."""
    service = await sample()
    other = await sample(same_as=service)
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    epoch, source = await relay._new_epoch()
    leaders = [relays._Leadership(one.engine, epoch, source) for one in (service, other)]
    for _ in range(10):
        telling = [one.tell(f"key{n}", "x", "y") for n in range(5) for one in (service,)]
        await asyncio.gather(*telling, *(leader.number({}) for leader in leaders for _ in range(3)))
    await leaders[0].number({})
    assert await always({"service": service.engine}) == []
    assert await numbered(service) == 100


# --- what fails ------------------------------------------------------------------------------------------------------


async def test_killed_between_acknowledgement_and_its_recording_the_same_numbers_come_again(
    sample: MakeSample, log: Log
) -> None:
    service = await sample()
    hearer = await sample("hearer")
    acknowledged = asyncio.Event()

    async def silence() -> None:
        acknowledged.set()
        await asyncio.Event().wait()

    await service.tell("a", "one", "two")
    async with relaying(service, log, lambda: Failing(log.kafka, after=silence)):
        await acknowledged.wait()
    assert len(await log.records()) == 2
    await service.tell("a", "three")
    async with relaying(service, log):
        await rest(service=service)
    records = await log.records()
    assert [r.envelope.sequence for r in records] == [1, 2, 1, 2, 3]
    assert [r.envelope.event_id for r in records[:2]] == [r.envelope.event_id for r in records[2:4]]
    here = await hearer.intake.place(Topic.LIST, records[0].partition)
    await hearer.intake.take(here, records)
    assert await hearer.heard() == {"a": [1, 2, 3]}


async def test_a_broker_that_cannot_be_reached_stops_nobody_and_gets_everything_when_it_is_back(
    sample: MakeSample, log: Log
) -> None:
    service = await sample()
    tried: list[str] = []

    def unreachable_at_first() -> AIOKafkaProducer:
        tried.append("127.0.0.1:1" if len(tried) < 2 else log.kafka)
        return Failing(tried[-1])

    await service.tell("a", "one")
    async with relaying(service, log, unreachable_at_first):
        await eventually(lambda: len(tried) > 1)
        await service.tell("a", "two")
        await rest(service=service)
    assert tried[:3] == ["127.0.0.1:1", "127.0.0.1:1", log.kafka]
    assert numbers(await log.records()) == {"a": [1, 2]}


@pytest.mark.parametrize("error", [MessageSizeTooLargeError, KafkaConnectionError])
async def test_after_an_error_nothing_is_sent_behind_it_and_the_producer_is_thrown_away(
    sample: MakeSample, log: Log, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first batch is refused, more batches wait behind it: were they sent, consumers would see a jump."""
    service = await sample()
    monkeypatch.setattr(relays, "BATCH_BYTES", 2048)
    made: list[AIOKafkaProducer] = []
    refused: list[int] = []

    async def refuse_twice() -> None:
        if len(refused) < 2:
            refused.append(len(made))
            raise error

    def make() -> AIOKafkaProducer:
        made.append(Failing(log.kafka, before=refuse_twice))
        return made[-1]

    await service.tell("a", *(["x" * 200] * 60))
    async with relaying(service, log, make):
        await rest(service=service)
    assert refused == [1, 2], "each on a producer of its own"
    assert len(made) == 3
    records = await log.records()
    assert [r.envelope.sequence for r in records] == list(range(1, 61))


async def test_after_an_error_the_work_goes_on_from_what_was_acknowledged(sample: MakeSample, log: Log) -> None:
    """One large letter a batch: the third fails once; the first two are not sent again."""
    service = await sample()
    batches: list[None] = []

    async def fail_third() -> None:
        batches.append(None)
        if len(batches) == 3:
            raise KafkaConnectionError

    await service.tell("a", *(["x" * (LARGEST_EVENT * 3 // 4)] * 4))
    async with relaying(service, log, lambda: Failing(log.kafka, before=fail_third)):
        await rest(service=service)
    assert [r.envelope.sequence for r in await log.records()] == [1, 2, 3, 4]


async def test_a_relay_whose_producer_is_stuck_can_still_be_stopped(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "FAREWELL_SECONDS", 0.1)

    class Stuck(Failing):
        async def stop(self) -> None:
            stuck.append(self)
            await asyncio.Event().wait()

    service = await sample()
    stuck: list[AIOKafkaProducer] = []
    await service.tell("a", "one")
    async with relaying(service, log, lambda: Stuck(log.kafka)):
        await rest(service=service)
    for producer in stuck:
        await AIOKafkaProducer.stop(producer)
    assert len(stuck) == 1


@pytest.mark.parametrize("moments", range(6))
async def test_a_relay_that_is_woken_at_the_moment_when_it_is_stopped_stops(
    sample: MakeSample, log: Log, moments: int
) -> None:
    """The last answer of a service wakes its relay, and the service may end with it."""
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
    """Whether the relay has nothing to do and waits to be woken."""
    return bool(cast("Any", relay)._wake._waiters)
