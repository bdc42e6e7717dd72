"""Examines Kafka: whether it is reachable, whether the topics fit the settings, the ends of their logs, the consumer groups."""

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
"""The end offset of the log of each topic (its name in the contracts) and partition."""


@dataclass(frozen=True)
class Log:
    """The state of Kafka that services are compared with."""

    ends: Ends
    members: Mapping[str, int]
    """Number of members of each service's consumer group; a service is left out when Kafka does not return it."""


async def examine(settings: Settings, services: Sequence[str], about: str) -> tuple[list[Finding], Log | None]:
    """Findings about the broker and the topics of these services; the log when it can be read."""
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
            findings, existing = await _topics(admin, settings, _topics_of(services))
            members = await _members(admin, settings, services)
        read = {topic: count for topic, count in existing.items() if topic in _read_by(services)}
        return findings, Log(await ends(settings, read), members)
    except (KafkaError, OSError, TimeoutError) as error:
        words = str(error) or type(error).__name__
        return [found("broker_unreachable", about, server=settings.kafka, words=words)], None


def _topics_of(services: Iterable[str]) -> list[Topic]:
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
    """Findings about the topics, and the number of partitions of each existing topic."""
    described = cast("list[dict[str, Any]]", await admin.describe_topics([settings.topics.name(t) for t in wanted]))
    partitions = {one["topic"]: one["partitions"] for one in described if not one["error_code"]}
    findings: list[Finding] = []
    existing: dict[Topic, int] = {}
    for topic in wanted:
        actual = partitions.get(settings.topics.name(topic))
        if not actual:
            findings.append(found("topic_missing", "kafka", topic=settings.topics.name(topic)))
            continue
        existing[topic] = len(actual)
        findings += _partitions(settings, topic, actual)
    return findings, existing


def _partitions(settings: Settings, topic: Topic, actual: Sequence[Mapping[str, Any]]) -> list[Finding]:
    name, wanted = settings.topics.name(topic), settings.topics.count(topic)
    findings: list[Finding] = []
    if len(actual) != wanted:
        findings.append(found("partition_count_changed", "kafka", topic=name, found=len(actual), wanted=wanted))
    offline = [one["partition"] for one in actual if one["leader"] < 0]
    behind = [one["partition"] for one in actual if one["leader"] >= 0 and len(one["isr"]) < len(one["replicas"])]
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
    """The current end offsets of these topics; `partitions`: the number of partitions of each."""
    names = {
        TopicPartition(settings.topics.name(topic), number): (topic.value, number)
        for topic, count in partitions.items()
        for number in range(count)
    }
    if not names:
        return {}  # a client that is stopped before its first request raises an error
    consumer = AIOKafkaConsumer(**connection_arguments(settings.broker), enable_auto_commit=False)
    await consumer.start()
    try:
        offsets = cast("Mapping[TopicPartition, int]", await consumer.end_offsets(list(names)))
        return {names[tp]: end for tp, end in offsets.items()}
    finally:
        await consumer.stop()
