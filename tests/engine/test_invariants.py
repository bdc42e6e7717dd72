"""The invariant checker finds every kind of violation that it should find."""

import pytest
from sqlalchemy import text

from shared.contracts.event import Topic
from shared.messaging.invariants import always, at_rest, unconsumed
from shared.messaging.relay import Relay
from shared.messaging.sequencing import Leadership
from tests.engine.conftest import MakeSample
from tests.engine.log import Log, raws
from tests.engine.running import all_consumed, consuming, relaying
from tests.engine.sample import Sample


async def corrupt(service: Sample, statement: str) -> None:
    async with service.engine.begin() as connection:
        assert (await connection.execute(text(statement))).rowcount > 0, "there was something to corrupt"


async def five_sequenced(service: Sample, log: Log) -> None:
    """Five published letters, with the sequences 1 to 5 on one partition."""
    await service.publish("a", *"12345")
    relay = Relay(service.name, service.engine, log.topics, log.kafka)
    await Leadership(service.engine, *(await relay._new_epoch())).assign_sequences({})


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM events WHERE version = 3", "the versions of stream letters-a are not 1 to 4"),
        ("DELETE FROM events WHERE version = 1", "the versions of stream letters-a are not 1 to 4"),
        ("DELETE FROM published WHERE sequence = 3", "are not 1 to 4"),
        ("DELETE FROM published WHERE sequence = 5", "is neither in the outbox nor published"),
        ("UPDATE counters SET next_sequence = 9", "is at 9"),
        ("UPDATE counters SET acknowledged = 6", "the counter of"),
        ("UPDATE published SET position = (SELECT max(position) FROM published)", "has two sequences"),
    ],
)
async def test_a_violated_invariant_is_found_at_any_time(
    sample: MakeSample, log: Log, statement: str, found: str
) -> None:
    service = await sample()
    await five_sequenced(service, log)
    assert await always({"publisher": service.engine}) == []
    await corrupt(service, statement)
    assert found in "\n".join(await always({"publisher": service.engine}))


async def test_a_working_service_is_consistent_and_not_at_rest(sample: MakeSample, log: Log) -> None:
    service = await sample()
    await five_sequenced(service, log)
    await service.publish("a", "6")
    [waiting, unacknowledged] = await at_rest({"publisher": service.engine})
    assert "waits in the outbox" in waiting
    assert "is acknowledged only up to 0" in unacknowledged


async def test_what_is_parked_or_stopped_is_not_at_rest(sample: MakeSample) -> None:
    service = await sample()
    service.faults.poison = {"poison"}
    here = await service.intake.read_offset(Topic.LIST, 0)
    await service.intake.stop(await service.intake.take(here, raws(("a", 1, "poison"), ("a", 2))), "a test")
    assert await at_rest({"subscriber": service.engine}) == [
        "subscriber: parked under a: 2",
        "subscriber: liandong.list/0 is stopped: a test",
    ]


async def test_a_service_that_has_not_consumed_everything_is_named(sample: MakeSample, log: Log) -> None:
    publisher, subscriber = await sample("publisher"), await sample("subscriber")
    engines = {"publisher": publisher.engine, "subscriber": subscriber.engine}
    async with relaying(publisher, log), consuming(subscriber, log):
        await publisher.publish("a", "one")
        await all_consumed(publisher=publisher, subscriber=subscriber)
        assert await unconsumed(engines) == []
    await publisher.publish("a", "two")
    async with relaying(publisher, log):
        await all_consumed(publisher=publisher)
    [sentence] = await unconsumed(engines)
    assert sentence.startswith("subscriber: has consumed publisher/")
    assert sentence.endswith("up to 1, published is 2")
