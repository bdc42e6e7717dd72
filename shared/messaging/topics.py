"""The topics: created explicitly, with a partition count that the settings fix and every start checks.

`TRAFFIC` lists which service writes and reads which topic; the broker's access rights are made from it.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.contracts.event import Topic
from shared.messaging.broker import Address, connection_arguments

UNLIMITED_RETENTION = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
_NOT_AUTHORIZED = TopicAuthorizationFailedError.errno


@dataclass(frozen=True, slots=True)
class Traffic:
    """The topics that one service writes and reads."""

    writes: tuple[Topic, ...]
    reads: tuple[Topic, ...] = ()

    @property
    def topics(self) -> tuple[Topic, ...]:
        return (*self.writes, *self.reads)


TRAFFIC: Mapping[str, Traffic] = {
    "catalogue": Traffic(writes=(Topic.LAWBOOK,)),
    "initiator": Traffic(writes=(Topic.LIST,), reads=(Topic.LAWBOOK,)),
    "registry": Traffic(writes=(Topic.RESPONSE,), reads=(Topic.LAWBOOK, Topic.LIST)),
    "executor": Traffic(writes=(Topic.EXECUTION,), reads=(Topic.LAWBOOK, Topic.RESPONSE)),
    "feedback": Traffic(writes=(Topic.FEEDBACK,), reads=(Topic.LAWBOOK, Topic.LIST, Topic.RESPONSE, Topic.EXECUTION)),
    "repair": Traffic(writes=(Topic.LIST,), reads=(Topic.LAWBOOK, Topic.LIST)),
}


def group_of(service: str, prefix: str = "") -> str:
    """The consumer group of a service."""
    return f"{prefix}liandong.{service}"


class TopicMissing(RuntimeError):
    """A topic that a service writes or reads does not exist, or the service has no right to see it."""


class PartitionCountChanged(RuntimeError):
    """A topic's partition count differs from the settings: keys would move to other partitions and lose their order."""


@dataclass(frozen=True)
class Topics:
    """The names and partition counts of the topics on one broker. `prefix` lets several systems share a broker."""

    partitions: int
    prefix: str = ""
    replication: int = 1

    def name(self, topic: str) -> str:
        """The topic's name on the broker."""
        return f"{self.prefix}{topic}"

    def count(self, topic: Topic) -> int:
        return 1 if topic is Topic.LAWBOOK else self.partitions

    async def ensure(self, broker: Address) -> None:
        """Create missing topics. Raises PartitionCountChanged when an existing topic has another count."""
        async with _admin(broker) as admin:
            await self._create(admin)
            await self._wait_until_visible(admin)

    async def check(self, broker: Address, needed: Iterable[Topic]) -> None:
        """Check that these topics exist as the settings say, and are visible. Raises TopicMissing, PartitionCountChanged."""
        async with _admin(broker) as admin:
            await self._check(admin, tuple(needed))

    async def _create(self, admin: AIOKafkaAdminClient) -> None:
        existing = set(await admin.list_topics())
        missing = [
            NewTopic(
                name=self.name(topic),
                num_partitions=self.count(topic),
                replication_factor=self.replication,
                topic_configs=UNLIMITED_RETENTION,
            )
            for topic in Topic
            if self.name(topic) not in existing
        ]
        if missing:
            # Another instance may have created them first; the check that follows verifies the result.
            with suppress(TopicAlreadyExistsError):
                await admin.create_topics(missing)

    @retry(retry=retry_if_exception_type(TopicMissing), wait=wait_fixed(0.1), stop=stop_after_delay(30), reraise=True)
    async def _wait_until_visible(self, admin: AIOKafkaAdminClient) -> None:
        """A broker lists a new topic shortly after it has created it."""
        await self._check(admin, tuple(Topic))

    async def _check(self, admin: AIOKafkaAdminClient, needed: tuple[Topic, ...]) -> None:
        described = await admin.describe_topics([self.name(topic) for topic in needed])
        found = {entry["topic"]: len(entry["partitions"]) for entry in described if not entry["error_code"]}
        hidden = {entry["topic"] for entry in described if entry["error_code"] == _NOT_AUTHORIZED}
        for topic in needed:
            name = self.name(topic)
            if name in hidden:
                raise TopicMissing(f"this service has no right to see the topic {name}")
            if not found.get(name):
                raise TopicMissing(f"the topic {name} does not exist on the broker")
            if found[name] != self.count(topic):
                raise PartitionCountChanged(
                    f"topic {name} has {found[name]} partitions, the settings say {self.count(topic)}"
                )


@asynccontextmanager
async def _admin(broker: Address) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection_arguments(broker))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
