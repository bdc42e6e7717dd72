"""Examines progress: waiting work is read repeatedly until it has moved, or until the timeout."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.doctor import store
from liandong.doctor.finding import Finding, found
from liandong.doctor.log import Ends, Log
from liandong.doctor.store import Work
from shared.contracts.event import Topic
from shared.messaging.topics import TRAFFIC, group_of
from shared.runtime.settings import Settings

_POLL_SECONDS = 1.0


def state(settings: Settings, service: str, work: Work, log: Log | None) -> list[Finding]:
    """Findings that a single snapshot shows."""
    findings: list[Finding] = []
    if not work.has_leader:
        findings.append(found("not_running", service))
    elif log is not None and log.members.get(service) == 0:
        findings.append(found("consumer_absent", service, group=group_of(service, settings.topic_prefix)))
    for (topic, partition), (offset, because) in work.offsets.items():
        end = log.ends.get((topic, partition)) if log else None
        if end is not None and end < offset:
            findings.append(found("log_shorter", service, topic=topic))
        elif because:
            findings.append(found("partition_stopped", service, topic=topic, partition=partition, because=because))
    if work.parked:
        findings.append(found("events_parked", service, events=work.parked, keys=work.parked_keys))
    if work.timers_failed:
        findings.append(found("timers_failed", service, timers=work.timers_failed))
    if work.clock_moved:
        findings.append(found("clock_moved", service, days=work.clock_moved.days))
    return findings


async def standstill(
    engines: Mapping[str, AsyncEngine], before: Mapping[str, Work], log: Log | None, timeout: float
) -> list[Finding]:
    """Findings about waiting work of running services that makes no progress for `timeout` seconds.

    Returns at once when no work waits.
    """
    stuck = {name: _waiting(name, work, log.ends if log else {}) for name, work in before.items() if work.has_leader}
    now = dict(before)
    elapsed = 0.0
    while any(stuck.values()) and elapsed < timeout:
        await asyncio.sleep(_POLL_SECONDS)
        elapsed += _POLL_SECONDS
        for name in [name for name, waiting in stuck.items() if waiting]:
            with suppress(DBAPIError, OSError, TimeoutError, KafkaError):
                now[name] = await store.work(engines[name])
                stuck[name] -= _moved(before[name], now[name])
    seconds = round(elapsed)
    return [
        _finding(name, item, now[name], log.ends if log else {}, seconds)
        for name, waiting in stuck.items()
        for item in sorted(waiting, key=str)
    ]


WorkItem = tuple[str, int] | str
"""A topic and partition, or `relay`, or `timers`."""


def _waiting(service: str, work: Work, ends: Ends) -> set[WorkItem]:
    """The work items with a backlog."""
    waiting: set[WorkItem] = set()
    for partition, end in ends.items():
        offset, because = work.offsets.get(partition, (0, None))
        if Topic(partition[0]) in TRAFFIC[service].reads and offset < end and not because:
            waiting.add(partition)
    if work.outbox or work.unacknowledged:
        waiting.add("relay")
    if work.timers_overdue:
        waiting.add("timers")
    return waiting


def _moved(before: Work, now: Work) -> set[WorkItem]:
    moved: set[WorkItem] = {
        partition for partition, at in now.offsets.items() if at != before.offsets.get(partition, (0, None))
    }
    if now.acknowledged > before.acknowledged or not (now.outbox or now.unacknowledged):
        moved.add("relay")
    if now.timers_overdue < before.timers_overdue:
        moved.add("timers")
    return moved


def _finding(service: str, item: WorkItem, now: Work, ends: Ends, seconds: int) -> Finding:
    match item:
        case "relay":
            return found("relay_stuck", service, waiting=now.outbox + now.unacknowledged, seconds=seconds)
        case str():
            return found("timers_overdue", service, timers=now.timers_overdue)
        case (topic, partition):
            lag = ends[item] - now.offsets.get(item, (0, None))[0]
            return found("consumer_stuck", service, topic=topic, partition=partition, lag=lag, seconds=seconds)
