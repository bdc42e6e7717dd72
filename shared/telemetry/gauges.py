"""What waits in a service and where it stands: asked of its database when somebody looks, in four statements.

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
from shared.telemetry.logs import what_went_wrong
from shared.telemetry.requests import Requests

log = logging.getLogger(__name__)

OVERDUE = timedelta(minutes=1)
"""A timer that has been due for so long should have fired."""
_PATIENCE_SECONDS = 3.0

_PLACES = text(
    "SELECT topic, partition, next_offset, stopped_because IS NOT NULL AS stopped FROM offsets ORDER BY 1, 2"
)
_BACKLOG = text("""
    SELECT topic, partition, sum(next_sequence - 1 - acknowledged)::bigint AS unacknowledged
    FROM counters GROUP BY topic, partition ORDER BY topic, partition
""")
_WAITING = text("""
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
"""A timer that failed was due: the index on `due_at` finds both kinds without those of the years to come."""


@dataclass(frozen=True)
class Seen:
    """What the database told. `clock_ahead` is in seconds: the database's clock less this machine's."""

    places: Sequence[Any]
    backlog: Sequence[Any]
    waiting: Any
    timers: Any
    clock_ahead: float


@dataclass
class Scrape:
    """Everything that `/metrics` of one service tells."""

    core: Core
    requests: Requests
    relay: Relay
    consumer: Consumer | None

    async def text(self) -> bytes:
        """As of now, in Prometheus's text form. A database that does not answer is one of the things told."""
        gauges = _Gauges(self.core.name)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                seen = await look(self.core)
        except Exception as error:
            log.warning("the database does not answer for metrics: %s", what_went_wrong(error))
            gauges.one("database_up", "1 when the database answered within three seconds", 0)
        else:
            gauges.one("database_up", "1 when the database answered within three seconds", 1)
            self._tell(gauges, seen)
        gauges.one("relay_leads", "1 when this instance publishes the service's events", int(self.relay.is_leader))
        both = CollectorRegistry()
        both.register(_Both(self.requests.registry, gauges))
        return generate_latest(both)

    def _tell(self, gauges: "_Gauges", seen: Seen) -> None:
        gauges.one("events", "Position of the last event in the store", seen.waiting.events)
        gauges.one("relay_outbox", "Public events that have no number yet", seen.waiting.outbox)
        gauges.each(
            "relay_unacknowledged",
            "Numbered events that the broker has not acknowledged",
            [(row.topic, row.partition, row.unacknowledged) for row in seen.backlog],
        )
        gauges.each(
            "consumer_offset",
            "The next offset that the service will read",
            [(row.topic, row.partition, row.next_offset) for row in seen.places],
        )
        gauges.each(
            "consumer_stopped",
            "1 when a partition stands still until an operator has acted",
            [(row.topic, row.partition, int(row.stopped)) for row in seen.places],
        )
        gauges.each(
            "consumer_lag",
            "Records behind the end of the log, of the partitions that this instance reads",
            [(row.topic, row.partition, lag) for row in seen.places if (lag := self._lag(row)) is not None],
        )
        gauges.one(
            "parked_events", "Events that wait because one of their key could not be handled", seen.waiting.parked
        )
        gauges.one("parked_keys", "Keys under which events wait", seen.waiting.parked_keys)
        gauges.one("timers_due", "Timers that are due and have not fired yet", seen.timers.due)
        gauges.one("timers_overdue", "Those that have been due for more than a minute", seen.timers.overdue)
        gauges.one("timers_failed", "Timers that could not fire and wait for an operator", seen.timers.failed)
        gauges.one("clock_ahead_seconds", "The database's clock less this machine's", seen.clock_ahead)

    def _lag(self, row: Any) -> int | None:
        return self.consumer.lag(row.topic, row.partition) if self.consumer else None


async def look(core: Core) -> Seen:
    """Ask the database. Raises whatever keeps it from answering."""
    async with core.store.reading.connect() as connection:
        before = datetime.now(UTC)
        waiting = (await connection.execute(_WAITING)).one()
        middle = before + (datetime.now(UTC) - before) / 2
        now = core.clock.now()
        timers = await connection.execute(_TIMERS, {"now": now, "late": now - OVERDUE})
        places, backlog = await _rows(connection, _PLACES), await _rows(connection, _BACKLOG)
        return Seen(places, backlog, waiting, timers.one(), float(waiting.clock) - middle.timestamp())


async def _rows(connection: AsyncConnection, query: Any) -> Sequence[Any]:
    return (await connection.execute(query)).all()


class _Gauges(Collector):
    """Gauges of one look."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._told: list[Metric] = []

    def one(self, name: str, what: str, value: float) -> None:
        family = GaugeMetricFamily(f"liandong_{name}", what, labels=("service",))
        family.add_metric((self._service,), value)
        self._told.append(family)

    def each(self, name: str, what: str, values: Sequence[tuple[str, int, int]]) -> None:
        family = GaugeMetricFamily(f"liandong_{name}", what, labels=("service", "topic", "partition"))
        for topic, partition, value in values:
            family.add_metric((self._service, topic, str(partition)), value)
        self._told.append(family)

    def collect(self) -> Iterator[Metric]:
        yield from self._told


class _Both(Collector):
    """What was counted all along, and what was seen just now."""

    def __init__(self, counted: CollectorRegistry, seen: Collector) -> None:
        self._counted = counted
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        yield from self._counted.collect()
        yield from self._seen.collect()
