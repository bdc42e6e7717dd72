"""The relay: outbox rows get sequence numbers, are read and sent, until the broker has acknowledged all of them.

Bare: aiokafka's `send()` loop (idempotent, acks=all) on the same keys, bodies and headers, prepared in memory.
"""

import asyncio
import time

from aiokafka import AIOKafkaProducer
from sqlalchemy import text

from benchmarks.bare import BareRecord, bare_producer, chunks, read_all, send_loop
from benchmarks.engine import Engine, engine
from benchmarks.figures import AtLeast, Figure, in_turns
from benchmarks.sandbox import PARTITIONS, Sandbox
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import ENTRIES, Orders
from shared.contracts.event import Topic
from shared.messaging.relay import Relay

EVENTS = Sizes(quick=4_000, usual=20_000, full=100_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=5)

_WAITING = """
    SELECT (SELECT count(*) FROM outbox) + (SELECT coalesce(sum(next_sequence - 1 - acknowledged), 0) FROM counters)
"""


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    await sandbox.topics()
    bare_topic = await sandbox.topic("bare")
    async with engine(sandbox) as made:
        relay = Relay("bench", made.store.engine, sandbox.settings.topics, sandbox.settings.kafka)
        relay.start()
        producer = bare_producer(sandbox.settings.kafka)
        await producer.start()
        try:
            return [await _figure(sandbox, made, relay, producer, bare_topic, scale)]
        finally:
            await producer.stop()
            await relay.stop()


async def _figure(
    sandbox: Sandbox, made: Engine, relay: Relay, producer: AIOKafkaProducer, bare_topic: str, scale: Scale
) -> Figure:
    orders, events = Orders(made.invented, seed=3), EVENTS.at(scale)
    settings = sandbox.settings
    await _warm_up(made, relay, orders)
    sent = await _records_of(made, orders, relay, settings.kafka, settings.topics.name(Topic.LIST))
    records = [sent[nth % len(sent)] for nth in range(events)]

    async def measured() -> float:
        await _fill(made, orders, events)
        await _release(made, relay)
        start = time.perf_counter()
        await _wait_until_acknowledged(made)
        return events / (time.perf_counter() - start)

    async def bare() -> float:
        start = time.perf_counter()
        await send_loop(producer, bare_topic, records)
        return events / (time.perf_counter() - start)

    return Figure(
        bench="relay",
        work="outbox to Kafka: assign sequence numbers, read, send, store the acknowledgements",
        unit="events/s",
        turns=await in_turns(TURNS.at(scale), measured, bare),
        bare="aiokafka idempotent send() of the same bytes and headers, from memory",
        bar=AtLeast(1.0),
        facts={
            "events a turn": events,
            "partitions": PARTITIONS,
            "bytes a record": round(sum(record.size for record in sent) / len(sent)),
        },
    )


async def _warm_up(made: Engine, relay: Relay, orders: Orders) -> None:
    await made.bare.execute("CREATE TABLE held (LIKE outbox)")
    while not relay.is_leader:
        await asyncio.sleep(0.01)


async def _records_of(made: Engine, orders: Orders, relay: Relay, kafka: str, topic: str) -> list[BareRecord]:
    """The records that the relay sends for some orders; the bare side sends the same bytes."""
    await _fill(made, orders, 2_000)
    await _release(made, relay)
    await _wait_until_acknowledged(made)
    return await read_all(kafka, topic, PARTITIONS)


_HOLD = text("WITH moved AS (DELETE FROM outbox RETURNING *) INSERT INTO held SELECT * FROM moved")


async def _fill(made: Engine, orders: Orders, events: int) -> None:
    """Append events; their outbox rows are moved in the same transaction to a table that the relay does not read."""
    for batch in chunks(orders.take(events), 1_000):
        async with made.store.engine.begin() as connection:
            session = made.session(connection)
            await session.load(ENTRIES, [aggregate_id for aggregate_id, _ in batch])
            for aggregate_id, command in batch:
                session.do_loaded(ENTRIES, aggregate_id, command)
            await made.store.write(connection, [session.change()])
            await connection.execute(_HOLD)


async def _release(made: Engine, relay: Relay) -> None:
    """Move all rows to the outbox at once."""
    await made.bare.execute("INSERT INTO outbox SELECT * FROM held; TRUNCATE held")
    relay.wake()


async def _wait_until_acknowledged(made: Engine) -> None:
    while await made.bare.fetchval(_WAITING):
        await asyncio.sleep(0.005)
