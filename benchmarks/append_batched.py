"""Appending in batches, as reactions do: load, decide, append with outbox rows; one transaction per batch of 500 commands.

Bare: the same rows of `events` and `outbox`, prepared before, as two multi-row inserts per transaction. Also compared with the
`eventsourcing` library: one `save` of the same number of aggregates with one event each, on the same server.
"""

import asyncio
import time
from typing import Any

from benchmarks.bare import chunks
from benchmarks.engine import Engine, engine
from benchmarks.figures import AtLeast, Figure, in_turns, percentiles
from benchmarks.library import environment
from benchmarks.sandbox import Sandbox
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import ENTRIES, Order, Orders, Publish

BATCH = 500
EVENTS = Sizes(quick=2_000, usual=10_000, full=50_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=7)
LIBRARY_EVENTS = Sizes(quick=1_000, usual=5_000, full=20_000)


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    async with engine(sandbox) as made:
        against_bare = await _against_bare(made, EVENTS.at(scale), TURNS.at(scale))
        against_library = await _against_library(sandbox, made, LIBRARY_EVENTS.at(scale), TURNS.at(scale))
    return [against_bare, against_library]


async def _against_bare(made: Engine, events: int, turns: int) -> Figure:
    ours, theirs = Orders(made.invented, seed=1), Orders(made.invented, seed=1)
    seen: dict[str, Any] = {}
    batches: dict[str, list[float]] = {"measured": [], "bare": []}

    async def measured() -> float:
        work = list(chunks(ours.take(events), BATCH))
        start = time.perf_counter()
        for orders in work:
            began = time.perf_counter()
            await append(made, orders)
            batches["measured"].append((time.perf_counter() - began) * 1000)
        return events / (time.perf_counter() - start)

    async def bare() -> float:
        work = [made.rows(orders, seen) for orders in chunks(theirs.take(events), BATCH)]
        start = time.perf_counter()
        for rows, pointers in work:
            began = time.perf_counter()
            async with made.bare.transaction():
                await made.events.put(made.bare, rows)
                await made.outbox.put(made.bare, pointers)
            batches["bare"].append((time.perf_counter() - began) * 1000)
        return events / (time.perf_counter() - start)

    return Figure(
        bench="append_batched",
        work=f"load, decide, append with outbox; {BATCH} commands a transaction",
        unit="events/s",
        turns=await in_turns(turns, measured, bare),
        bare="multi-row INSERT … unnest of the same rows (events and outbox)",
        bar=AtLeast(0.6),
        percentiles={side: percentiles(taken) for side, taken in batches.items()},
        facts={"events a turn": events, "percentiles of": "ms a batch"},
    )


async def append(made: Engine, orders: list[Order]) -> None:
    """One transaction, like that of a reaction."""
    async with made.store.engine.begin() as connection:
        session = made.session(connection)
        await session.load(ENTRIES, [aggregate_id for aggregate_id, _ in orders])
        for aggregate_id, command in orders:
            session.do_loaded(ENTRIES, aggregate_id, command)
        change = session.change()
        await made.store.write(connection, [change])
    made.store.committed([change])


# --- the eventsourcing library -----------------------------------------------------------------------------------------


async def _against_library(sandbox: Sandbox, made: Engine, events: int, turns: int) -> Figure:
    orders = Orders(made.invented, seed=2, share_new=1.0)
    library = await asyncio.to_thread(_Library, await sandbox.empty_database("eventsourcing"))

    async def measured() -> float:
        work = list(chunks(orders.take(events), BATCH))
        start = time.perf_counter()
        for batch in work:
            await append(made, batch)
        return events / (time.perf_counter() - start)

    async def theirs() -> float:
        bodies = [
            command.entry.model_dump(mode="json") for _, command in orders.take(events) if isinstance(command, Publish)
        ]
        return await asyncio.to_thread(library.save, bodies)

    try:
        taken = await in_turns(turns, measured, theirs)
    finally:
        await asyncio.to_thread(library.close)
    return Figure(
        bench="append_batched",
        work=f"load, decide, append with outbox; {BATCH} new streams a transaction",
        unit="events/s",
        turns=taken,
        bare="eventsourcing: app.save() of as many new aggregates, same bodies, same server",
        bar=AtLeast(5),
        facts={"events a turn": events},
    )


class _Library:
    """An application of the `eventsourcing` library on PostgreSQL, as in its documentation."""

    def __init__(self, url: str) -> None:
        from eventsourcing.application import Application  # noqa: PLC0415 - imported only for this comparison
        from eventsourcing.domain import Aggregate, event  # noqa: PLC0415

        class Listing(Aggregate):
            @event("Published")
            def __init__(self, body: dict[str, Any]) -> None:
                self.body = body

        self._aggregate: Any = Listing
        self._application: Any = Application(env=environment(url))

    def save(self, bodies: list[dict[str, Any]]) -> float:
        """Events per second; includes the creation of aggregates, as our side includes deciding."""
        start = time.perf_counter()
        for batch in chunks(bodies, BATCH):
            self._application.save(*[self._aggregate(body) for body in batch])
        return len(bodies) / (time.perf_counter() - start)

    def close(self) -> None:
        self._application.close()
