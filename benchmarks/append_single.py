"""Appending one command at a time from 16 writers, as requests do: load, decide, and a commit that concurrent writers share.

Bare: 16 connections, each inserting one event row per transaction: as a prepared statement in autocommit (one round trip, the
fastest possible), and, for information, between BEGIN and COMMIT, which is needed when an outbox row is written too.
A tenth of the commands goes to old streams, the hot ones included; a command with a version conflict is loaded and decided again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.bare import Connection, Row
from benchmarks.engine import Engine, engine
from benchmarks.figures import AtLeast, Figure, in_turns, percentiles
from benchmarks.sandbox import Sandbox, connection
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import ENTRIES, Order, Orders
from shared.eventstore import VersionConflict
from shared.eventstore.committer import Committer

WRITERS = 16
COMMANDS = Sizes(quick=640, usual=3_200, full=32_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=7)
SHARE_NEW = 0.9


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    async with engine(sandbox) as made:
        committer = Committer(made.store)
        committer.start()
        connections = [await connection(sandbox.dsn("registry")) for _ in range(WRITERS)]
        try:
            sizes = COMMANDS.at(scale), TURNS.at(scale)
            return [
                await _figure(made, committer, connections, *sizes),
                await _figure(made, committer, connections, *sizes, explicit=True),
            ]
        finally:
            await committer.stop()
            for one in connections:
                await one.close()


async def _figure(
    made: Engine,
    committer: Committer,
    connections: list[Connection],
    commands: int,
    turns: int,
    *,
    explicit: bool = False,
) -> Figure:
    ours = Orders(made.invented, seed=1, share_new=SHARE_NEW)
    theirs = Orders(made.invented, seed=1, share_new=SHARE_NEW)
    seen: dict[str, Any] = {}
    taken: dict[str, list[float]] = {"measured": [], "bare": []}
    races = 0

    async def command(order: Order, _: int) -> None:
        nonlocal races
        while True:
            try:
                session = made.session()
                await session.do(ENTRIES, *order)
                await committer.commit(session.change())
                return
            except VersionConflict:
                races += 1

    async def measured() -> float:
        return await _writers(ours.take(commands), command, taken["measured"])

    async def insert(row: Row, writer: int) -> None:
        if not explicit:
            await connections[writer].execute(made.events.insert_one, *row)
            return
        async with connections[writer].transaction():
            await connections[writer].execute(made.events.insert_one, *row)

    async def bare() -> float:
        rows, _ = made.rows(theirs.take(commands), seen)
        return await _writers(rows, insert, taken["bare"])

    found = await in_turns(turns, measured, bare)
    return Figure(
        bench="append_single",
        work=f"{WRITERS} writers: load, decide, commit; one command each",
        unit="commands/s",
        turns=found,
        bare=f"one-row INSERT, {'BEGIN … COMMIT' if explicit else 'in autocommit'}, {WRITERS} connections",
        bar=None if explicit else AtLeast(1.5),
        percentiles={side: percentiles(values) for side, values in taken.items()},
        facts={"commands a turn": commands, "races lost and decided again": races, "percentiles of": "ms a command"},
    )


async def _writers(work: list[Any], do: Callable[[Any, int], Awaitable[None]], taken: list[float]) -> float:
    """Distribute the commands to the writers, in order; returns commands per second."""
    source = iter(work)

    async def write(writer: int) -> None:
        for one in source:
            began = time.perf_counter()
            await do(one, writer)
            taken.append((time.perf_counter() - began) * 1000)

    start = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    return len(work) / (time.perf_counter() - start)
