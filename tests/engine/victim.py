"""A process to be killed at any moment: it publishes letters as fast as it can, relays them, and consumes them.

    python -m tests.engine.victim <publisher's url> <subscriber's url> <kafka> <prefix of topics> <seed>

It prints "up" when its consumer has a partition, and "consumed" when something was consumed after that.
"""

import asyncio
import random
import sys

from shared.contracts.event import Topic
from shared.database import connect
from shared.eventstore.committer import Committer
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.topics import Topics
from tests.engine.sample import LETTERS, PARTITIONS, Publish, Sample

KEYS = 40


async def write(service: Sample, committer: Committer, chance: random.Random) -> None:
    """Publish one to five letters under a random key, in a loop."""
    while True:
        key = f"key{chance.randrange(KEYS)}"
        session = service.session()
        for _ in range(chance.randint(1, 5)):
            await session.do(LETTERS, key, Publish(key, "x"))
        await asyncio.gather(committer.commit(session.change()), return_exceptions=True)
        await asyncio.sleep(chance.random() / 10)


async def main(publisher_url: str, subscriber_url: str, kafka: str, prefix: str, seed: str) -> None:
    topics = Topics(PARTITIONS, prefix)
    publisher = Sample("publisher", connect(publisher_url))
    subscriber = Sample("subscriber", connect(subscriber_url))
    relay = Relay("publisher", publisher.engine, topics, kafka)
    publisher.store.on_commit.append(relay.wake)
    # A group of its own: Kafka need not detect that the last process died, and instances compete for every partition.
    consumer = Consumer(subscriber.intake, topics, kafka, f"{prefix}subscriber-{seed}")
    committer = Committer(publisher.store)
    committer.start()
    relay.start()
    consumer.start()
    writers = [asyncio.create_task(write(publisher, committer, random.Random(f"{seed}{n}"))) for n in range(4)]
    while not list(consumer.offsets):
        await asyncio.sleep(0.01)
    print("up", flush=True)
    before = await offsets(subscriber)
    while before == await offsets(subscriber):
        await asyncio.sleep(0.01)
    print("consumed", flush=True)
    await asyncio.gather(*writers)


async def offsets(subscriber: Sample) -> list[int]:
    return [(await subscriber.intake.read_offset(Topic.LIST, n)).next_offset for n in range(PARTITIONS)]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
