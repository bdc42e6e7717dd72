"""Operator actions on parked events and stopped partitions, while consumers run."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Topic
from shared.eventstore import Change
from shared.messaging import intake as intakes
from shared.messaging import parking
from shared.messaging.failures import Fenced, SequenceJump
from shared.messaging.intake import Intake, PartitionOffset
from shared.messaging.invariants import at_rest
from shared.messaging.message import Message
from shared.messaging.parking import Parked, accept_loss, discard, list_parked, resume, retry, skip_record
from shared.messaging.reaction import Batch
from shared.rejection import Rejected
from tests.engine.conftest import MakeSample
from tests.engine.log import raw, raws
from tests.engine.sample import Sample, concurrently
from tests.harness import eventually


async def parked(service: Sample, key: str | None = None) -> list[Parked]:
    async with service.engine.connect() as connection:
        return await list_parked(connection, key=key)


async def operator_actions(service: Sample, name: str) -> list[object]:
    """The recorded operator actions: type of event, and operator."""
    async with service.engine.connect() as connection:
        streams = await service.store.load(connection, [f"operated-{name}"])
    return [(type(r.event).__name__, r.metadata.actor) for r in streams.get(f"operated-{name}", [])]


async def poisoned(service: Sample, *letters: tuple[str, int] | tuple[str, int, str]) -> PartitionOffset:
    """Take letters; those with the text "poison" cannot be handled."""
    service.faults.poison = {"poison"}
    return await service.intake.take(await service.intake.read_offset(Topic.LIST, 0), raws(*letters))


async def test_what_is_parked_is_listed_in_the_order_in_which_it_will_be_tried(sample: MakeSample) -> None:
    service = await sample()
    await poisoned(service, ("a", 1, "poison"), ("b", 1, "poison"), ("a", 2))
    assert [(p.key, p.record_offset, p.type, p.is_culprit) for p in await parked(service)] == [
        ("a", 0, "list.entry.suspended.v1", True),
        ("b", 1, "list.entry.suspended.v1", True),
        ("a", 2, "list.entry.suspended.v1", False),
    ]
    assert [p.record_offset for p in await parked(service, "a")] == [0, 2]


async def test_a_retry_after_the_cause_was_mended_handles_all_in_order(sample: MakeSample) -> None:
    service = await sample()
    here = await poisoned(service, ("a", 1, "poison"), ("a", 2), ("a", 3), ("b", 1, "poison"))
    service.faults.poison = set()
    retried = await retry(service.intake, "a", by="operator")
    assert (retried.handled, retried.stopped_because) == (3, None)
    assert [p.key for p in await parked(service)] == ["b"]
    await service.intake.take(here, [raw("a", 4, at=4)])
    assert await service.consumed() == {"a": [1, 2, 3, 4]}
    assert await operator_actions(service, "a") == [("ParkedRetried", "operator")]


async def test_a_retry_stops_at_the_first_that_fails_again_and_keeps_what_it_did(sample: MakeSample) -> None:
    service = await sample()
    await poisoned(service, ("a", 1, "poison"), ("a", 2), ("a", 3, "other poison"), ("a", 4))
    service.faults.poison = {"other poison"}
    retried = await retry(service.intake, "a", by="operator")
    assert (retried.handled, retried.stopped_because) == (2, "ValueError: cannot handle other poison")
    assert [(p.record_offset, p.is_culprit) for p in await parked(service)] == [(2, True), (3, False)]
    assert await service.consumed() == {"a": [1, 2]}


async def test_a_retry_takes_more_than_one_transaction_holds(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "RETRY_CHUNK", 3)
    service = await sample()
    await poisoned(service, ("a", 1, "poison"), *(("a", n) for n in range(2, 9)))
    service.faults.poison = set()
    assert (await retry(service.intake, "a", by="operator")).handled == 8
    assert await service.consumed() == {"a": list(range(1, 9))}


async def test_a_retry_of_an_event_that_must_wait_leaves_it_parked(sample: MakeSample) -> None:
    service = await sample()
    await poisoned(service, ("a", 1, "poison"), ("a", 2))
    service.faults.poison, service.faults.not_yet = set(), {"poison"}
    retried = await retry(service.intake, "a", by="operator")
    assert (retried.handled, retried.stopped_because) == (0, "NotYet: poison")
    assert len(await parked(service)) == 2


async def test_an_outage_during_a_retry_leaves_everything_parked(sample: MakeSample) -> None:
    service = await sample()
    await poisoned(service, ("a", 1, "poison"), ("a", 2, "down"))
    service.faults.poison, service.faults.outage = set(), {"down"}
    with pytest.raises(ConnectionResetError):
        await retry(service.intake, "a", by="operator")
    assert len(await parked(service)) == 2
    assert await service.consumed() == {}


async def test_a_discarded_event_is_gone_with_a_reason_and_those_behind_it_wait_for_a_retry(sample: MakeSample) -> None:
    service = await sample()
    here = await poisoned(service, ("a", 1, "poison"), ("a", 2, "poison"), ("b", 1))
    [culprit, _] = await parked(service)
    assert await discard(service.intake, culprit.parked_id, "published twice", by="operator") == "a"
    here = await service.intake.take(here, [raw("a", 1, at=3)])
    assert [p.record_offset for p in await parked(service)] == [1, 3], "what comes now waits behind it"
    for left in await parked(service):
        if left.record_offset == 1:
            await discard(service.intake, left.parked_id, "published twice", by="operator")
    assert (await retry(service.intake, "a", by="operator")).handled == 1
    assert await service.consumed() == {"b": [1], "a": [1]}
    assert [what for what, _ in await operator_actions(service, "a")] == ["ParkedDiscarded"] * 2 + ["ParkedRetried"]  # type: ignore[misc]


async def test_what_is_not_parked_cannot_be_discarded(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(Rejected, match="parked_unknown"):
        await discard(service.intake, 7, "no reason", by="operator")


# --- retry and consumer concurrently ---------------------------------------------------------------------------------


async def test_two_retries_at_once_handle_each_event_once(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    await poisoned(service, *(("a", n, "poison") for n in range(1, 21)))
    service.faults.poison = set()
    outcomes = await concurrently(*(retry(one.intake, "a", by="operator") for one in (service, other)))
    assert sorted(getattr(outcome, "handled", -1) for outcome in outcomes) == [0, 20]
    assert await service.consumed() == {"a": list(range(1, 21))}


@contextmanager
def held_at(service: Sample, number: str) -> Generator[tuple[asyncio.Event, asyncio.Event]]:
    """The reaction pauses at this letter: (set when it is reached, set to continue)."""
    there, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: Batch, message: Message) -> None:
        if getattr(message.event, "case_id", "") == number:
            there.set()
            await go_on.wait()

    service.faults.before_each = wait
    yield there, go_on
    service.faults.before_each = None


async def _waits_for_a_lock(service: Sample) -> None:
    """Return when a transaction of this database waits for an advisory lock."""
    query = text("""
        SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    """)

    async def a_transaction_waits() -> bool:
        async with service.engine.connect() as connection:
            return bool(await connection.scalar(query))

    await eventually(a_transaction_waits, seconds=10, every=0.01)


async def test_the_consumer_waits_for_the_retrier_and_nothing_is_stranded_or_overtaken(sample: MakeSample) -> None:
    """Event 2 arrives while event 1 is retried: it is handled right after it, and 3 after 2."""
    service = await sample()
    consumer = await sample(same_as=service)
    here = await poisoned(service, ("a", 1, "poison"))
    service.faults.poison = set()
    with held_at(service, "1") as (there, go_on):
        retrying = asyncio.create_task(retry(service.intake, "a", by="operator"))
        await there.wait()
        taking = asyncio.create_task(consumer.intake.take(here, [raw("a", 2, at=1), raw("b", 1, at=2)]))
        await _waits_for_a_lock(service)
        go_on.set()
        await retrying
        here = await taking
    await consumer.intake.take(here, [raw("a", 3, at=3)])
    assert await parked(service) == []
    assert await service.consumed() == {"a": [1, 2, 3], "b": [1]}


class Parking:
    """A consumer that is about to commit: it has parked event 2 behind 1, and handles an event of another key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there, self._go_on = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(Intake, "_handle_together", self._handle)
        self._taking: asyncio.Task[PartitionOffset] | None = None

    async def _handle(self, _: AsyncConnection, __: list[object]) -> list[Change]:
        self.there.set()
        await self._go_on.wait()
        return []

    async def begin(self, consumer: Sample, here: PartitionOffset) -> None:
        records = [raw("a", 2, at=1), raw("b", 1, at=2)]
        self._taking = asyncio.create_task(consumer.intake.take(here, records))
        await self.there.wait()

    async def commit(self) -> PartitionOffset:
        assert self._taking
        self._go_on.set()
        return await self._taking


async def test_the_retrier_waits_for_a_consumer_that_is_parking_and_handles_that_too(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await sample()
    consumer = await sample(same_as=service)
    here = await poisoned(service, ("a", 1, "poison"))
    service.faults.poison = set()
    parking_two = Parking(monkeypatch)
    await parking_two.begin(consumer, here)
    retrying = asyncio.create_task(retry(service.intake, "a", by="operator"))
    await _waits_for_a_lock(service)
    await parking_two.commit()
    assert (await retrying).handled == 2
    assert await service.consumed() == {"a": [1, 2]}


async def test_without_the_lock_of_the_key_order_holds_but_an_event_is_stranded(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: without the lock, 2 is parked behind nothing. 3 is still parked behind it, because 2 has a row."""

    async def no_lock(*_: object) -> None: ...

    monkeypatch.setattr(intakes, "lock_parked", no_lock)
    monkeypatch.setattr(parking, "lock_parked", no_lock)
    service = await sample()
    consumer = await sample(same_as=service)
    here = await poisoned(service, ("a", 1, "poison"))
    service.faults.poison = set()
    parking_two = Parking(monkeypatch)
    await parking_two.begin(consumer, here)
    assert (await retry(service.intake, "a", by="operator")).handled == 1
    here = await parking_two.commit()
    await consumer.intake.take(here, [raw("a", 3, at=3)])
    assert [p.record_offset for p in await parked(service)] == [1, 3]
    assert await at_rest({"subscriber": service.engine}) == ["subscriber: parked under a: 2"]
    await retry(service.intake, "a", by="operator")
    assert await service.consumed() == {"a": [1, 2, 3]}


# --- stopped partitions ----------------------------------------------------------------------------------------------


async def stopped(service: Sample, *, at: int) -> PartitionOffset:
    """A partition that is stopped at this offset, after letters 1 to `at` of key a."""
    here = await service.intake.read_offset(Topic.LIST, 0)
    if at:
        here = await service.intake.take(here, raws(*(("a", n) for n in range(1, at + 1))))
    await service.intake.stop(here, "a jump")
    return here


async def test_a_stopped_partition_is_visible_until_it_is_resumed(sample: MakeSample) -> None:
    service = await sample()
    await stopped(service, at=2)
    assert await at_rest({"subscriber": service.engine}) == ["subscriber: liandong.list/0 is stopped: a jump"]
    await resume(service.intake, Topic.LIST, 0, by="operator")
    assert await at_rest({"subscriber": service.engine}) == []
    assert await operator_actions(service, "liandong.list/0") == [("PartitionResumed", "operator")]


async def test_a_partition_that_is_not_stopped_cannot_be_resumed(sample: MakeSample) -> None:
    service = await sample()
    await service.intake.read_offset(Topic.LIST, 0)
    with pytest.raises(Rejected, match="partition_not_stopped"):
        await resume(service.intake, Topic.LIST, 0, by="operator")


async def test_a_record_is_skipped_only_at_the_offset_of_the_partition(sample: MakeSample) -> None:
    service = await sample()
    await stopped(service, at=2)
    with pytest.raises(Fenced):
        await skip_record(service.intake, Topic.LIST, 0, 5, "not ours", by="operator")
    await skip_record(service.intake, Topic.LIST, 0, 2, "not ours", by="operator")
    here = await service.intake.read_offset(Topic.LIST, 0)
    assert (here.next_offset, here.stopped_because) == (3, None)
    await service.intake.take(here, [raw("a", 3, at=2)._replace(offset=3)])
    assert await service.consumed() == {"a": [1, 2, 3]}


async def test_a_loss_is_accepted_only_by_source_and_sequence(sample: MakeSample) -> None:
    service = await sample()
    here = await stopped(service, at=1)
    behind_the_loss = [raw("b", 1, at=4)._replace(offset=1)]
    with pytest.raises(SequenceJump):
        await service.intake.take(here, behind_the_loss)
    await accept_loss(service.intake, Topic.LIST, 0, "test/source/1", 4, "its disk burned", by="operator")
    await service.intake.take(await service.intake.read_offset(Topic.LIST, 0), behind_the_loss)
    assert await service.consumed() == {"a": [1], "b": [1]}


async def test_a_zombie_cannot_stop_a_partition_that_has_gone_on(sample: MakeSample) -> None:
    service = await sample()
    stale = await service.intake.read_offset(Topic.LIST, 0)
    await service.intake.take(stale, raws(("a", 1)))
    await service.intake.stop(stale, "seen by a zombie")
    assert (await service.intake.read_offset(Topic.LIST, 0)).stopped_because is None
