"""The topics: created explicitly, with a partition count that is pinned in the settings and checked at every start."""

from contextlib import suppress
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.contracts.event import Topic

KEEP_FOR_GOOD = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}


class PartitionCountChanged(RuntimeError):
    """A topic has another number of partitions than the settings say: keys would land elsewhere and lose their order."""


class _NotKnownYet(RuntimeError):
    """A topic was created and the broker does not list it so far."""


@dataclass(frozen=True)
class Topics:
    """The names and partition counts of the topics on one broker. `prefix` lets several systems share it."""

    partitions: int
    prefix: str = ""
    replication: int = 1

    def name(self, topic: str) -> str:
        """The topic's name on the broker."""
        return f"{self.prefix}{topic}"

    def count(self, topic: Topic) -> int:
        return 1 if topic is Topic.LAWBOOK else self.partitions

    async def ensure(self, bootstrap_servers: str) -> None:
        """Create what is missing. Raises PartitionCountChanged when a topic stands with another count."""
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
        await admin.start()
        try:
            await self._create(admin)
            await self._check(admin)
        finally:
            await admin.close()

    async def _create(self, admin: AIOKafkaAdminClient) -> None:
        existing = set(await admin.list_topics())
        missing = [
            NewTopic(
                name=self.name(topic),
                num_partitions=self.count(topic),
                replication_factor=self.replication,
                topic_configs=KEEP_FOR_GOOD,
            )
            for topic in Topic
            if self.name(topic) not in existing
        ]
        if missing:
            # Another instance may have been first; the check that follows tells whether all is as it should be.
            with suppress(TopicAlreadyExistsError):
                await admin.create_topics(missing)

    @retry(retry=retry_if_exception_type(_NotKnownYet), wait=wait_fixed(0.1), stop=stop_after_delay(30), reraise=True)
    async def _check(self, admin: AIOKafkaAdminClient) -> None:
        """A broker tells of a new topic a moment after it has made it."""
        described = await admin.describe_topics([self.name(topic) for topic in Topic])
        found = {entry["topic"]: len(entry["partitions"]) for entry in described if not entry["error_code"]}
        for topic in Topic:
            count = found.get(self.name(topic), 0)
            if count == 0:
                raise _NotKnownYet(f"the broker does not know the topic {self.name(topic)}")
            if count != self.count(topic):
                raise PartitionCountChanged(
                    f"topic {self.name(topic)} has {count} partitions, the settings say {self.count(topic)}"
                )
