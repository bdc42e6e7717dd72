"""Rebuilding the registry's read models from its own events, with the code that `liandong rebuild registry` runs.

The log: listings that went through the registry's intake, then copies of them with other streams and entry ids, made in the
database. Most of its events are directions to departments, which no read model of the registry projects. A whole rebuild is
measured: new tables, projection, switch.

Compared with: reading the same number of events with the `eventsourcing` library, a thousand per query, on the same server: the
same bodies, each deserialized, without projection and without writes. For information also: reading only the events that the
read models project, which the library can select.
"""

import asyncio
import time
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from statistics import median
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import func, select

from benchmarks.bare import Connection
from benchmarks.direct_consumer import DirectConsumer, records
from benchmarks.figures import AtLeast, Figure, Turn, percentiles
from benchmarks.library import Log
from benchmarks.memory import resident_mib
from benchmarks.resident import flat
from benchmarks.sandbox import Sandbox, connection, dsn
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import Invented, Zipf, listings
from liandong.demo_book import demo_book
from liandong.node import build
from services.registry.domain.events import VOCABULARY
from shared.eventstore.rebuild import Progress
from shared.eventstore.schema import PARKED
from shared.service import Service

EVENTS = Sizes(quick=10_000, usual=100_000, full=1_000_000)
TURNS = Sizes(quick=2, usual=3, full=1)
_LISTED = 1_000
"""Number of entries that go through the intake; the rest of the log are copies. Each has about ten events."""
_SUBJECTS = 10_000
_HOT = 0.6
_FIRST_MARK = 10_000
"""Memory is recorded after this number of events, and at the end."""

_COPY = """
    INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, generate_series(1, $1::int) AS nth
    WHERE {number} <= $2 ORDER BY nth, {number}
"""
_OURS = {
    "table": "events",
    "columns": "stream, version, event_id, type, data, metadata, effective_at",
    "values": """stream || '~' || nth, version, gen_random_uuid(), type,
        regexp_replace(data::text, '"entry_id":"[0-9a-f]{8}', '"entry_id":"' || lpad(to_hex(nth), 8, '0'), 'g')::json,
        metadata, effective_at""",
    "number": "position",
}
"""An entry's id begins with its creation time; the copy has another number there, so its id is new."""
_THEIRS = {
    "columns": "originator_id, originator_version, topic, state",
    "values": "md5(originator_id::text || nth)::uuid, originator_version, topic, state",
    "number": Log.NUMBER,
}
_STREAMS = "SELECT stream, type, data FROM events ORDER BY min(position) OVER (PARTITION BY stream), version"
_READ_MODEL_ROWS = "SELECT (SELECT count(*) FROM entries) AS entries, (SELECT count(*) FROM entry_people) AS people"


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    url, library_url = await sandbox.database("registry"), await sandbox.empty_database("eventsourcing")
    service = build("registry", sandbox.settings)
    log = await asyncio.to_thread(Log, library_url)
    ours, theirs = await connection(url), await connection(dsn(library_url))
    try:
        await _consume_listings(sandbox, service)
        await _copy_to_library(ours, log)
        count = EVENTS.at(scale)
        expected = await _read_model_rows(ours)
        times = await _copy(ours, count, **_OURS)
        expected = {name: rows * times for name, rows in expected.items()}
        await _copy(theirs, count, table=log.table, **_THEIRS)
        return await _Bench(service, ours, log, expected).figures(TURNS.at(scale))
    finally:
        await asyncio.to_thread(log.close)
        await ours.close()
        await theirs.close()
        await service.core.engine.dispose()


async def _consume_listings(sandbox: Sandbox, service: Service) -> None:
    """Listings of subjects chosen by Zipf's law, every tenth suspended and resumed, through the registry's intake."""
    identity = sandbox.settings.identity_file
    assert identity is not None
    invented, subject = Invented(identity.read_text(encoding="utf-8")), Zipf(_SUBJECTS, Random(5), _HOT)
    changes = demo_book().changes()
    consumer = DirectConsumer(service)
    await consumer.consume(records(changes, "catalogue"))
    await consumer.consume(records(listings(invented, subject, _LISTED, len(changes)), "initiator"))
    async with service.core.engine.connect() as database:
        if parked := await database.scalar(select(func.count()).select_from(PARKED)):
            raise RuntimeError(f"the registry parked {parked} of its listings")


async def _copy_to_library(ours: Connection, log: Log) -> None:
    """Save the same streams with the library."""
    rows = await ours.fetch(_STREAMS)
    folded = set(VOCABULARY.models)
    streams = [
        [(row["type"], orjson.loads(row["data"]), row["type"] in folded) for row in stream]
        for _, stream in groupby(rows, lambda row: row["stream"])
    ]
    await asyncio.to_thread(log.write, streams)


async def _copy(database: Connection, count: int, **how: str) -> int:
    """Copy the log until it has this number of events; returns the number of copies."""
    last = await database.fetchval(f"SELECT max({how['number']}) FROM {how['table']}")
    times = max(1, count // last)
    if times > 1:
        await database.execute(_COPY.format(**how), times - 1, last, timeout=1_200)
    await database.execute(f"VACUUM ANALYZE {how['table']}", timeout=1_200)
    return times


async def _read_model_rows(database: Connection) -> dict[str, int]:
    """The rows of the read models."""
    return dict(cast("asyncpg.Record", await database.fetchrow(_READ_MODEL_ROWS)))


@dataclass
class _Bench:
    service: Service
    database: Connection
    log: Log
    expected: dict[str, int]
    """Expected rows of each read model, with the copies projected too."""
    marks: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    """Events projected and resident MiB, of the first rebuild."""
    chunks: list[float] = field(default_factory=list[float])
    _first: bool = True

    async def figures(self, turns: int) -> list[Figure]:
        count = await self.database.fetchval("SELECT count(*) FROM events")
        taken: list[tuple[float, float, float]] = []
        spent: list[float] = []
        for _ in range(turns):
            spent.append(time.process_time())
            ours = count / await self._rebuild()
            spent.append(time.process_time())
            if (rows := await _read_model_rows(self.database)) != self.expected:
                raise RuntimeError(f"the rebuild made {rows} rows, expected {self.expected}")
            theirs = await asyncio.to_thread(self._read, count, False)
            spent.append(time.process_time())
            taken.append((ours, theirs, await asyncio.to_thread(self._read, count, True)))
        per_event = [
            f"{name} {median(after - before for before, after in pairs) / count * 1e6:.1f}"
            for name, pairs in (
                ("ours", zip(spent[::3], spent[1::3], strict=True)),
                ("bare", zip(spent[1::3], spent[2::3], strict=True)),
            )
        ]
        facts: dict[str, Any] = {
            "events": count,
            **self.expected,
            "processor µs of this process an event": ", ".join(per_event),
        }
        return [
            Figure(
                bench="rebuild",
                work="registry's read models from its log: new tables, projection, switch",
                unit="events/s",
                turns=tuple(Turn(ours, theirs) for ours, theirs, _ in taken),
                bare="eventsourcing: reading as many events of the same bodies, a thousand a query",
                bar=AtLeast(10),
                percentiles={"measured": percentiles(self.chunks)},
                facts={**facts, "percentiles of": "ms a chunk"},
            ),
            Figure(
                bench="rebuild",
                work="registry's read models from its log, against a filtered read",
                unit="events/s",
                turns=tuple(Turn(ours, theirs) for ours, _, theirs in taken),
                bare="eventsourcing: reading only the events that the read models project (topics=…)",
            ),
            flat("rebuild", "rebuild of the registry", "events", self.marks[0], self.marks[-1]),
        ]

    async def _rebuild(self) -> float:
        """Seconds."""
        before = time.perf_counter()

        def report(reached: Progress) -> None:
            nonlocal before
            now = time.perf_counter()
            self.chunks.append((now - before) * 1000)
            before = now
            if self._first and reached.done >= (_FIRST_MARK if not self.marks else reached.total):
                self.marks.append((reached.done, resident_mib()))

        start = time.perf_counter()
        await self.service.rebuild(report).run()
        taken = time.perf_counter() - start
        self._first = False
        return taken

    def _read(self, count: int, only: bool) -> float:
        """Events per second."""
        start = time.perf_counter()
        self.log.read(count, folded_only=only)
        return count / (time.perf_counter() - start)
