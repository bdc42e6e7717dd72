"""Costs in SQL statements: constant for any size of the batch."""

import asyncio

import pytest
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.eventstore.committer import Committer
from shared.messaging.producer import idempotent_producer
from shared.messaging.relay import Relay
from shared.messaging.sequencing import Leadership
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, raw
from tests.engine.sample import LETTERS, Publish
from tests.engine.statements import counted
from tests.engine.test_append import letters_app, posted


async def test_a_command_over_http_costs_three_statements(sample: MakeSample) -> None:
    service = await sample()
    async with service.committing() as committer:
        app = letters_app(service, committer, arrivals=1)
        with counted(service.engine) as statements:
            await posted(app, ("a?text=x", "one"))
    assert len(statements) == 3, "load; events and outbox; answer"


@pytest.mark.parametrize(("commands", "cost"), [(1, 1), (7, 1), (8, 3), (100, 3)])
async def test_few_commands_committed_together_cost_one_statement_and_many_three(
    sample: MakeSample, commands: int, cost: int
) -> None:
    service = await sample()
    sessions = [service.session() for _ in range(commands)]
    for number, session in enumerate(sessions):
        await session.do(LETTERS, f"{number}", Publish(f"{number}", "x"))
    committer = Committer(service.store, writers=1)
    waiting = [asyncio.ensure_future(committer.commit(session.change())) for session in sessions]
    await asyncio.sleep(0)
    with counted(service.engine) as statements:
        committer.start()
        await asyncio.gather(*waiting)
    await committer.stop()
    assert len(statements) == cost, "events and outbox in one; or positions, events, outbox"


@pytest.mark.parametrize("events", [1, 600])
async def test_a_relay_batch_costs_two_statements_over_all_partitions(
    sample: MakeSample, log: Log, events: int
) -> None:
    service = await sample()
    await service.publish_many([f"key{n}" for n in range(events)])
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    leadership = Leadership(service.engine, *(await relay._new_epoch()))
    producer = idempotent_producer(log.kafka, "test")
    await producer.start()
    try:
        with counted(service.engine) as statements:
            acknowledged = await relay._send_all(producer, leadership, await leadership.assign_sequences({}))
            assert not await leadership.assign_sequences(acknowledged)
    finally:
        await producer.stop()
    assert sum(acknowledged.values()) == events
    assert len(statements) == 2, "number and read; acknowledge, and number and read the next"


async def test_an_idle_relay_sends_one_statement_and_locks_nothing(sample: MakeSample, log: Log) -> None:
    service = await sample()
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    leadership = Leadership(service.engine, *(await relay._new_epoch()))
    async with service.engine.connect() as connection:
        with counted(service.engine) as statements:
            assert not await leadership.assign_sequences({})
        locked = await connection.scalar(text("SELECT xmax::text FROM store_identity"))
    assert len(statements) == 1
    assert locked == "0", "the row was neither locked nor changed since it was written"


@pytest.mark.parametrize(("records", "cost"), [(1, 4), (8, 5), (500, 5)])
async def test_a_consumed_batch_costs_four_statements_and_a_large_one_five(
    sample: MakeSample, records: int, cost: int
) -> None:
    service = await sample()
    batch = [raw(f"key{at % 100}", at // 100 + 1, at=at) for at in range(records)]
    here = await service.intake.read_offset(Topic.LIST, 0)
    with counted(service.engine) as statements:
        here = await service.intake.take(here, batch)
    assert len(statements) == cost, (
        "fence and parked?, load, (positions,) events, read model; of a private event no outbox"
    )
    again = [record._replace(offset=record.offset + records) for record in batch]
    with counted(service.engine) as statements:
        await service.intake.take(here, again)
    assert len(statements) == 1, "of duplicates the fence only"


@pytest.mark.parametrize("records", [1, 400])
async def test_parking_behind_a_parked_key_costs_four_statements(sample: MakeSample, records: int) -> None:
    service = await sample()
    service.faults.poison = {"poison"}
    here = await service.intake.read_offset(Topic.LIST, 0)
    here = await service.intake.take(here, [raw("a", 1, "poison", at=0)])
    with counted(service.engine) as statements:
        await service.intake.take(here, [raw("a", at + 1, at=at) for at in range(1, records + 1)])
    assert len(statements) == 4, "fence and parked?, lock, still parked?, park"
