"""The checker of invariants finds each of the things that it is there to find."""

import pytest
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.messaging import relay as relays
from shared.messaging.invariants import always, at_rest, unheard
from shared.messaging.relay import Relay
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, raws
from tests.engine.running import consuming, relaying, rest
from tests.engine.sample import Sample


async def spoil(service: Sample, statement: str) -> None:
    async with service.engine.begin() as connection:
        assert (await connection.execute(text(statement))).rowcount > 0, "there was something to spoil"


async def numbered(service: Sample, log: Log) -> None:
    """Five letters told, and numbered 1 to 5 on one partition."""
    await service.tell("a", *"12345")
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    await relays._Leadership(service.engine, *(await relay._new_epoch())).number({})


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM events WHERE version = 3", "the versions of stream letters-a are not 1 to 4"),
        ("DELETE FROM events WHERE version = 1", "the versions of stream letters-a are not 1 to 4"),
        ("DELETE FROM published WHERE sequence = 3", "are not 1 to 4"),
        ("DELETE FROM published WHERE sequence = 5", "waits nowhere to be published"),
        ("UPDATE counters SET next_sequence = 9", "says 9"),
        ("UPDATE counters SET acknowledged = 6", "the counter of"),
        ("UPDATE published SET position = (SELECT max(position) FROM published)", "has two numbers"),
    ],
)
async def test_what_is_broken_is_found_at_any_time(sample: MakeSample, log: Log, statement: str, found: str) -> None:
    service = await sample()
    await numbered(service, log)
    assert await always({"teller": service.engine}) == []
    await spoil(service, statement)
    assert found in "\n".join(await always({"teller": service.engine}))


async def test_a_service_that_works_is_whole_and_not_at_rest(sample: MakeSample, log: Log) -> None:
    service = await sample()
    await numbered(service, log)
    await service.tell("a", "6")
    [waiting, unacknowledged] = await at_rest({"teller": service.engine})
    assert "waits in the outbox" in waiting
    assert "is acknowledged up to 0 only" in unacknowledged


async def test_what_is_parked_or_stopped_is_not_at_rest(sample: MakeSample) -> None:
    service = await sample()
    service.trouble.poison = {"poison"}
    here = await service.intake.place(Topic.LIST, 0)
    await service.intake.stop(await service.intake.take(here, raws(("a", 1, "poison"), ("a", 2))), "a test")
    assert await at_rest({"hearer": service.engine}) == [
        "hearer: parked under a: 2",
        "hearer: liandong.list/0 is stopped: a test",
    ]


async def test_a_consumer_that_has_not_heard_everything_is_named(sample: MakeSample, log: Log) -> None:
    teller, hearer = await sample("teller"), await sample("hearer")
    engines = {"teller": teller.engine, "hearer": hearer.engine}
    async with relaying(teller, log), consuming(hearer, log):
        await teller.tell("a", "one")
        await rest(teller=teller, hearer=hearer)
        assert await unheard(engines) == []
    await teller.tell("a", "two")
    async with relaying(teller, log):
        await rest(teller=teller)
    [sentence] = await unheard(engines)
    assert sentence.startswith("hearer: has teller/")
    assert sentence.endswith("up to 1, published is 2")
