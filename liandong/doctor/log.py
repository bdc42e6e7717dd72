"""What Kafka tells: whether it answers, whether the topics are as the settings say, where their logs end, who reads them."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from liandong.doctor.finding import Finding, found
from shared.contracts.event import Topic
from shared.messaging.broker import BrokerRefused, BrokerUnavailable, check_connection, connection_arguments
from shared.messaging.topics import TRAFFIC, group_of
from shared.runtime.settings import Settings

Ends = Mapping[tuple[str, int], int]
"""Where the log of each topic (as the contracts name it) and partition ends."""


@dataclass(frozen=True)
class Log:
    """What the services are compared with."""

    ends: Ends
    members: Mapping[str, int]
    """How many members the consumer group of each service has; a service of which that cannot be told is left out."""


async def condition(settings: Settings, services: Sequence[str], about: str) -> tuple[list[Finding], Log | None]:
    """What is wrong with the broker and the topics of these services; the log when it can be read."""
    broker = settings.broker
    try:
        await check_connection(broker)
    except BrokerRefused as error:
        user = settings.kafka_user or "-"
        return [found("broker_refuses", about, server=settings.kafka, user=user, words=str(error))], None
    except BrokerUnavailable as error:
        return [found("broker_unreachable", about, server=settings.kafka, words=str(error))], None
    try:
        async with _admin(settings) as admin:
            findings, there = await _topics(admin, settings, _of(services))
            members = await _members(admin, settings, services)
        read = {topic: count for topic, count in there.items() if topic in _read_by(services)}
        return findings, Log(await ends(settings, read), members)
    except (KafkaError, OSError, TimeoutError) as error:
        words = str(error) or type(error).__name__
        return [found("broker_unreachable", about, server=settings.kafka, words=words)], None


def _of(services: Iterable[str]) -> list[Topic]:
    return sorted({topic for name in services for topic in TRAFFIC[name].topics})


def _read_by(services: Iterable[str]) -> set[Topic]:
    return {topic for name in services for topic in TRAFFIC[name].reads}


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection_arguments(settings.broker))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _topics(
    admin: AIOKafkaAdminClient, settings: Settings, wanted: Sequence[Topic]
) -> tuple[list[Finding], dict[Topic, int]]:
    """Faults of the topics, and those that are there with the number of their partitions."""
    described = cast("list[dict[str, Any]]", await admin.describe_topics([settings.topics.name(t) for t in wanted]))
    partitions = {one["topic"]: one["partitions"] for one in described if not one["error_code"]}
    findings: list[Finding] = []
    there: dict[Topic, int] = {}
    for topic in wanted:
        stands = partitions.get(settings.topics.name(topic))
        if not stands:
            findings.append(found("topic_missing", "kafka", topic=settings.topics.name(topic)))
            continue
        there[topic] = len(stands)
        findings += _partitions(settings, topic, stands)
    return findings, there


def _partitions(settings: Settings, topic: Topic, stands: Sequence[Mapping[str, Any]]) -> list[Finding]:
    name, wanted = settings.topics.name(topic), settings.topics.count(topic)
    findings: list[Finding] = []
    if len(stands) != wanted:
        findings.append(found("partition_count_changed", "kafka", topic=name, found=len(stands), wanted=wanted))
    offline = [one["partition"] for one in stands if one["leader"] < 0]
    behind = [one["partition"] for one in stands if one["leader"] >= 0 and len(one["isr"]) < len(one["replicas"])]
    for code, numbers in (("partition_offline", offline), ("replicas_behind", behind)):
        if numbers:
            findings.append(found(code, "kafka", topic=name, partitions=", ".join(map(str, sorted(numbers)))))
    return findings


async def _members(admin: AIOKafkaAdminClient, settings: Settings, services: Sequence[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in services:
        if TRAFFIC[name].reads:
            group = group_of(name, settings.topic_prefix)
            [described] = cast("list[Any]", await admin.describe_consumer_groups([group]))
            error, _, _, _, _, members, *_ = described.groups[0]
            if not error:
                counted[name] = len(members)
    return counted


async def ends(settings: Settings, partitions: Mapping[Topic, int]) -> Ends:
    """Where the logs of these topics, of so many partitions each, end now."""
    places = {
        TopicPartition(settings.topics.name(topic), number): (topic.value, number)
        for topic, count in partitions.items()
        for number in range(count)
    }
    if not places:
        return {}  # a client that is stopped before it has done anything ends in an error of its own
    consumer = AIOKafkaConsumer(**connection_arguments(settings.broker), enable_auto_commit=False)
    await consumer.start()
    try:
        found_ends = cast("Mapping[TopicPartition, int]", await consumer.end_offsets(list(places)))
        return {places[tp]: end for tp, end in found_ends.items()}
    finally:
        await consumer.stop()
