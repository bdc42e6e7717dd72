"""Processes killed at any moment: in the end every public event is consumed once, in the order of its key."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process

import pytest

from shared.eventstore.schema import EVENTS
from shared.messaging.invariants import always
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, gaps
from tests.engine.running import all_consumed, consuming, relaying
from tests.engine.sample import Sample

KILLS = 4
SEED = 20260105


async def _victim(publisher: Sample, subscriber: Sample, log: Log, number: int) -> Process:
    urls = [service.engine.url.render_as_string(hide_password=False) for service in (publisher, subscriber)]
    arguments = [*urls, log.kafka, log.topics.prefix, str(number)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.engine.victim", *arguments, stdout=PIPE)
    await _prints(process, b"up\n")
    return process


async def _prints(process: Process, word: bytes) -> None:
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 60) == word


async def _published(publisher: Sample) -> dict[str, int]:
    """How many letters were published under each key."""
    async with publisher.engine.connect() as connection:
        streams = list(await connection.scalars(EVENTS.select().with_only_columns(EVENTS.c.stream)))
    return {stream.removeprefix("letters-"): streams.count(stream) for stream in set(streams)}


@pytest.mark.fault
async def test_after_kills_at_random_moments_every_event_is_consumed_once_and_in_order(
    sample: MakeSample, log: Log
) -> None:
    """The next process starts before the last one is killed: they also compete for leadership and for every partition."""
    chance = random.Random(SEED)
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    engines = {"publisher": publisher.engine, "subscriber": subscriber.engine}
    running = await _victim(publisher, subscriber, log, 0)
    for number in range(1, KILLS + 1):
        await _prints(running, b"consumed\n")
        following = await _victim(publisher, subscriber, log, number) if number < KILLS else running
        await asyncio.sleep(chance.uniform(0.0, 0.5))
        running.kill()
        await running.wait()
        assert await always(engines) == []
        running = following
    async with relaying(publisher, log), consuming(subscriber, log):
        await all_consumed(publisher=publisher, subscriber=subscriber)
    published = await _published(publisher)
    assert await subscriber.consumed() == {key: list(range(1, count + 1)) for key, count in published.items()}
    assert sum(published.values()) > 100
    assert gaps(await log.records()) == []
