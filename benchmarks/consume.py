"""Consuming: the conditional offset update, decisions, events, outbox rows and read models; 500 records per transaction.

Three real services get records as other services would send them: the registry gets listings, the executor the registry's
directions, feedback both and the departments' answers. Neither side uses Kafka: the records are in memory.

Bare: the same rows, of every table of the service, as multi-row inserts into tables of the same shape, in the same number of
transactions.
"""

import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from benchmarks.bare import Mirror, mirror, shared_out
from benchmarks.direct_consumer import BATCH, DirectConsumer, record, records
from benchmarks.figures import AtLeast, Figure, Turn, percentiles
from benchmarks.sandbox import Sandbox, connection
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import Invented, Zipf, listings
from liandong.demo_book import demo_book
from liandong.node import build
from shared.calendar.clock import SystemClock
from shared.contracts.event import PublicEvent, Topic
from shared.contracts.execution import Applied
from shared.contracts.response import ResponseDirected
from shared.contracts.vocabulary import PUBLIC
from shared.messaging.message import RawRecord

ENTRIES = Sizes(quick=400, usual=4_000, full=20_000)
TURNS = Sizes(quick=2, usual=5, full=10)
"""The records are processed in this number of parts; after each part the bare side inserts the rows of that part."""
_SUBJECTS = 100_000
_HOT = 0.6
"""The exponent of Zipf's law: of 4,000 entries, the most listed subject has about fifteen."""


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    bench = _Bench(sandbox, TURNS.at(scale))
    listed = records(_listings(sandbox, ENTRIES.at(scale)), "initiator")
    responses = await bench.consume("registry", [listed])
    await bench.consume("executor", [responses])
    answers = records(_answers(responses), "executor")
    await bench.consume("feedback", [listed, responses, answers])
    return bench.figures


def _listings(sandbox: Sandbox, entries: int) -> Iterator[PublicEvent]:
    """Entries of subjects chosen by Zipf's law; every tenth is suspended and resumed."""
    identity = sandbox.settings.identity_file
    assert identity is not None
    invented, subject = Invented(identity.read_text(encoding="utf-8")), Zipf(_SUBJECTS, Random(5), _HOT)
    return listings(invented, subject, entries, len(demo_book().changes()))


def _answers(responses: Sequence[RawRecord]) -> list[PublicEvent]:
    """The immediate answers of each department to each of its responses."""
    directed = [event for raw in responses if isinstance(event := raw.read(PUBLIC).event, ResponseDirected)]
    return [
        Applied(
            entry_id=event.entry_id,
            response_id=event.response_id,
            department=event.department,
            subject=event.subject,
            lines=tuple(line.line_id for line in event.lines),
            done_at=SystemClock().now(),
            note="已在业务系统中落实（示例）",
        )
        for event in directed
    ]


class _Bench:
    """Passes records to the services one after the other, on one partition."""

    def __init__(self, sandbox: Sandbox, turns: int) -> None:
        self._sandbox = sandbox
        self._settings = sandbox.settings.model_copy(update={"partitions": 1})
        self._turns = turns
        self.figures: list[Figure] = []

    async def consume(self, name: str, topics: Sequence[Sequence[RawRecord]]) -> list[RawRecord]:
        """Measure one service; returns the events that it publishes."""
        url = await self._sandbox.database(name)
        service = build(name, self._settings)
        bare = await connection(url)
        try:
            consumer = DirectConsumer(service)
            if Topic.LAWBOOK in consumer.intake.reactions.topics:
                await consumer.consume(records(demo_book().changes(), "catalogue"))
            self.figures.append(await self._figure(name, consumer, topics, await mirror(bare)))
            return await _published(bare, name)
        finally:
            await bare.close()
            await service.core.engine.dispose()

    async def _figure(
        self, name: str, consumer: DirectConsumer, topics: Sequence[Sequence[RawRecord]], bare: Mirror
    ) -> Figure:
        turns: list[Turn] = []
        count = sum(len(topic) for topic in topics)
        parts = [part for topic in topics for part in shared_out(topic, self._turns)]
        spent = 0.0
        for part in parts:
            await bare.mark()
            start = time.perf_counter()
            transactions = await consumer.consume(part)
            ours = time.perf_counter() - start
            rows = await bare.since_mark()
            start = time.perf_counter()
            await bare.put(rows, transactions)
            theirs = time.perf_counter() - start
            await bare.clear()
            written = sum(len(found) for found in rows.values())
            turns.append(Turn(written / ours, written / theirs))
            spent += ours
        return Figure(
            bench="consume",
            work=f"{name}: update the offset, react, append, project; at most {BATCH} records a transaction",
            unit="rows/s",
            turns=tuple(turns),
            bare="multi-row INSERT … unnest of the rows that the service wrote, in every table",
            bar=AtLeast(0.5),
            percentiles={"measured": percentiles(consumer.took_ms)},
            facts={
                "records": count,
                "records/s": round(count / spent),
                "rows": ", ".join(f"{table} {count}" for table, count in bare.written.items()),
                "percentiles of": "ms a transaction",
            },
        )


_PUBLIC_EVENTS = """
    SELECT e.event_id, e.type, e.data, e.effective_at, o.topic, o.key
    FROM outbox o JOIN events e USING (position) ORDER BY position
"""


async def _published(bare: Any, source: str) -> list[RawRecord]:
    rows = await bare.fetch(_PUBLIC_EVENTS)
    return [
        record(row["topic"], nth, row["type"], row["data"].encode(), row["key"], source, row["effective_at"])
        for nth, row in enumerate(rows)
    ]
