"""Whether work goes on: what waits is looked at again until it has moved, or for as long as patience lasts."""

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

_LOOK_EVERY_SECONDS = 1.0


def at_a_glance(settings: Settings, service: str, work: Work, log: Log | None) -> list[Finding]:
    """What one look tells."""
    findings: list[Finding] = []
    if not work.led:
        findings.append(found("not_running", service))
    elif log is not None and log.members.get(service) == 0:
        findings.append(found("consumer_absent", service, group=group_of(service, settings.topic_prefix)))
    for (topic, partition), (offset, because) in work.places.items():
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
    engines: Mapping[str, AsyncEngine], before: Mapping[str, Work], log: Log | None, patience: float
) -> list[Finding]:
    """What waits and does not move for `patience` seconds, of services that run. Returns at once when nothing waits."""
    standing = {name: _waits(name, work, log.ends if log else {}) for name, work in before.items() if work.led}
    now = dict(before)
    elapsed = 0.0
    while any(standing.values()) and elapsed < patience:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        elapsed += _LOOK_EVERY_SECONDS
        for name in [name for name, waits in standing.items() if waits]:
            with suppress(DBAPIError, OSError, TimeoutError, KafkaError):
                now[name] = await store.work(engines[name])
                moved = _moved(before[name], now[name])
                standing[name] = {what for what in standing[name] if what not in moved}
    seconds = round(elapsed)
    return [
        _told(name, what, now[name], log.ends if log else {}, seconds)
        for name, waits in standing.items()
        for what in sorted(waits, key=str)
    ]


What = tuple[str, int] | str
"""A topic and partition, or `relay`, or `timers`."""


def _waits(service: str, work: Work, ends: Ends) -> set[What]:
    """What waits to be done."""
    waits: set[What] = set()
    for place, end in ends.items():
        offset, because = work.places.get(place, (0, None))
        if Topic(place[0]) in TRAFFIC[service].reads and offset < end and not because:
            waits.add(place)
    if work.outbox or work.unacknowledged:
        waits.add("relay")
    if work.timers_overdue:
        waits.add("timers")
    return waits


def _moved(before: Work, now: Work) -> set[What]:
    moved: set[What] = {place for place, stands in now.places.items() if stands != before.places.get(place, (0, None))}
    if now.acknowledged > before.acknowledged or not (now.outbox or now.unacknowledged):
        moved.add("relay")
    if now.timers_overdue < before.timers_overdue:
        moved.add("timers")
    return moved


def _told(service: str, what: What, now: Work, ends: Ends, seconds: int) -> Finding:
    match what:
        case "relay":
            return found("relay_stuck", service, waiting=now.outbox + now.unacknowledged, seconds=seconds)
        case str():
            return found("timers_overdue", service, timers=now.timers_overdue)
        case (topic, partition):
            lag = ends[what] - now.places.get(what, (0, None))[0]
            return found("consumer_stuck", service, topic=topic, partition=partition, lag=lag, seconds=seconds)
