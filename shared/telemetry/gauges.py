"""`/metrics` of a service: its queues and positions, read from the database at each scrape in four statements.

Counts only, by topic and partition: no key, no id.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.runtime.core import Core
from shared.telemetry.logs import error_summary
from shared.telemetry.requests import RequestMetrics

log = logging.getLogger(__name__)

OVERDUE = timedelta(minutes=1)
"""A timer is overdue when it has been due for this long."""
_TIMEOUT_SECONDS = 3.0

_OFFSETS = text(
    "SELECT topic, partition, next_offset, stopped_because IS NOT NULL AS stopped FROM offsets ORDER BY 1, 2"
)
_UNACKNOWLEDGED = text("""
    SELECT topic, partition, sum(next_sequence - 1 - acknowledged)::bigint AS unacknowledged
    FROM counters GROUP BY topic, partition ORDER BY topic, partition
""")
_COUNTS = text("""
    SELECT (SELECT count(*) FROM outbox) AS outbox,
           (SELECT coalesce(max(position), 0) FROM events) AS events,
           (SELECT count(*) FROM parked) AS parked,
           (SELECT count(DISTINCT key) FROM parked) AS parked_keys,
           extract(epoch FROM clock_timestamp()) AS clock
""")
_TIMERS = text("""
    SELECT count(*) FILTER (WHERE failed_because IS NULL) AS due,
           count(*) FILTER (WHERE failed_because IS NULL AND due_at <= :late) AS overdue,
           count(*) FILTER (WHERE failed_because IS NOT NULL) AS failed
    FROM timers WHERE due_at <= :now
""")
"""A failed timer was due. So the index on `due_at` finds both kinds and skips the timers of later years."""


@dataclass(frozen=True)
class Snapshot:
    """What the database returned. `clock_ahead`: the database's clock minus this machine's, in seconds."""

    offsets: Sequence[Any]
    unacknowledged: Sequence[Any]
    counts: Any
    timers: Any
    clock_ahead: float


@dataclass
class Scrape:
    """The content of `/metrics` of one service."""

    core: Core
    requests: RequestMetrics
    relay: Relay
    consumer: Consumer | None

    async def text(self) -> bytes:
        """The current values, in Prometheus's text format. A database that does not answer is reported as a value."""
        gauges = _Gauges(self.core.name)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                snapshot = await read_snapshot(self.core)
        except Exception as error:
            log.warning("the database does not answer for metrics: %s", error_summary(error))
            gauges.add("database_up", "1 when the database answered within three seconds", 0)
        else:
            gauges.add("database_up", "1 when the database answered within three seconds", 1)
            self._add_queues(gauges, snapshot)
            self._add_positions(gauges, snapshot)
        gauges.add("relay_leads", "1 when this instance publishes the service's events", int(self.relay.is_leader))
        registry = CollectorRegistry()
        registry.register(_Combined(self.requests.registry, gauges))
        return generate_latest(registry)

    def _add_queues(self, gauges: "_Gauges", snapshot: Snapshot) -> None:
        counts, timers = snapshot.counts, snapshot.timers
        gauges.add("events", "Position of the last event in the store", counts.events)
        gauges.add("relay_outbox", "Public events without a sequence number yet", counts.outbox)
        gauges.add("parked_events", "Events that wait because an event of their key failed", counts.parked)
        gauges.add("parked_keys", "Keys with waiting events", counts.parked_keys)
        gauges.add("timers_due", "Timers that are due and have not fired yet", timers.due)
        gauges.add("timers_overdue", "Timers that have been due for more than a minute", timers.overdue)
        gauges.add("timers_failed", "Timers that failed and wait for an operator", timers.failed)
        gauges.add("clock_ahead_seconds", "The database's clock minus this machine's", snapshot.clock_ahead)

    def _add_positions(self, gauges: "_Gauges", snapshot: Snapshot) -> None:
        offsets = snapshot.offsets
        gauges.add_partitions(
            "relay_unacknowledged",
            "Events with a sequence number that the broker has not acknowledged",
            [(row.topic, row.partition, row.unacknowledged) for row in snapshot.unacknowledged],
        )
        gauges.add_partitions(
            "consumer_offset",
            "The next offset that the service will read",
            [(row.topic, row.partition, row.next_offset) for row in offsets],
        )
        gauges.add_partitions(
            "consumer_stopped",
            "1 when a partition is stopped until an operator acts",
            [(row.topic, row.partition, int(row.stopped)) for row in offsets],
        )
        gauges.add_partitions(
            "consumer_lag",
            "Records behind the end of the log, of the partitions that this instance reads",
            [(row.topic, row.partition, lag) for row in offsets if (lag := self._lag(row)) is not None],
        )

    def _lag(self, row: Any) -> int | None:
        return self.consumer.lag(row.topic, row.partition) if self.consumer else None


async def read_snapshot(core: Core) -> Snapshot:
    """Query the database. Raises the error of the driver when the database does not answer."""
    async with core.store.reading.connect() as connection:
        before = datetime.now(UTC)
        counts = (await connection.execute(_COUNTS)).one()
        middle = before + (datetime.now(UTC) - before) / 2
        now = core.clock.now()
        timers = await connection.execute(_TIMERS, {"now": now, "late": now - OVERDUE})
        offsets, unacknowledged = await _rows(connection, _OFFSETS), await _rows(connection, _UNACKNOWLEDGED)
        return Snapshot(offsets, unacknowledged, counts, timers.one(), float(counts.clock) - middle.timestamp())


async def _rows(connection: AsyncConnection, query: Any) -> Sequence[Any]:
    return (await connection.execute(query)).all()


class _Gauges(Collector):
    """The gauges of one scrape."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._metrics: list[Metric] = []

    def add(self, name: str, description: str, value: float) -> None:
        family = GaugeMetricFamily(f"liandong_{name}", description, labels=("service",))
        family.add_metric((self._service,), value)
        self._metrics.append(family)

    def add_partitions(self, name: str, description: str, values: Sequence[tuple[str, int, int]]) -> None:
        """`values`: topic, partition, value."""
        family = GaugeMetricFamily(f"liandong_{name}", description, labels=("service", "topic", "partition"))
        for topic, partition, value in values:
            family.add_metric((self._service, topic, str(partition)), value)
        self._metrics.append(family)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


class _Combined(Collector):
    """The metrics that this process counts, and the gauges of this scrape."""

    def __init__(self, counted: CollectorRegistry, gauges: Collector) -> None:
        self._counted = counted
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield from self._counted.collect()
        yield from self._gauges.collect()
