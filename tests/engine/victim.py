"""A process to be killed: it tells letters in all haste, relays them, and hears them.

    python -m tests.engine.victim <url of the teller> <url of the hearer> <kafka> <prefix of topics> <seed>

It says "up" on its standard output once it stands in a partition, and then "heard" once something was heard; it may be killed
at any moment.
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
from tests.engine.sample import LETTERS, PARTITIONS, Sample, Tell

KEYS = 40


async def write(service: Sample, committer: Committer, chance: random.Random) -> None:
    """Tell one to five letters under some key, again and again."""
    while True:
        key = f"key{chance.randrange(KEYS)}"
        session = service.session()
        for _ in range(chance.randint(1, 5)):
            await session.do(LETTERS, key, Tell(key, "x"))
        await asyncio.gather(committer.commit(session.change()), return_exceptions=True)
        await asyncio.sleep(chance.random() / 10)


async def main(teller_url: str, hearer_url: str, kafka: str, prefix: str, seed: str) -> None:
    topics = Topics(PARTITIONS, prefix)
    teller, hearer = Sample("teller", connect(teller_url)), Sample("hearer", connect(hearer_url))
    relay = Relay("teller", teller.engine, topics, kafka)
    teller.store.on_commit.append(relay.wake)
    # A group of its own: Kafka need not notice that the last one died, and instances compete for every partition.
    consumer = Consumer(hearer.intake, topics, kafka, f"{prefix}hearer-{seed}")
    committer = Committer(teller.store)
    committer.start()
    relay.start()
    consumer.start()
    writers = [asyncio.create_task(write(teller, committer, random.Random(f"{seed}{n}"))) for n in range(4)]
    while not list(consumer.places):
        await asyncio.sleep(0.01)
    print("up", flush=True)
    before = [(await hearer.intake.place(Topic.LIST, n)).next_offset for n in range(PARTITIONS)]
    while before == [(await hearer.intake.place(Topic.LIST, n)).next_offset for n in range(PARTITIONS)]:
        await asyncio.sleep(0.01)
    print("heard", flush=True)
    await asyncio.gather(*writers)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
