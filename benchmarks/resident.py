"""Constant memory: resident memory of a process that appends, and of one that consumes, early and at the end.

The work is generated on demand and not kept, so the engine causes any growth. `rebuild` measures its own memory. The bar
leaves room for bounded caches (states of streams, partitions of keys), which are full at the end.
"""

from random import Random

from sqlalchemy import func, select

from benchmarks.append_batched import append
from benchmarks.direct_consumer import DirectConsumer, records
from benchmarks.engine import engine
from benchmarks.figures import AtMost, Figure, Turn
from benchmarks.memory import resident_mib
from benchmarks.sandbox import Sandbox
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import Invented, Orders, Zipf, listings
from liandong.demo_book import demo_book
from liandong.node import build
from shared.eventstore.schema import EVENTS as EVENTS_TABLE
from shared.service import Service

FLAT = AtMost(1.2)
EARLY = Sizes(quick=2_000, usual=10_000, full=10_000)
"""Events after which the first mark is taken."""
EVENTS = Sizes(quick=6_000, usual=50_000, full=1_000_000)
BATCH = 500
_SUBJECTS = 100_000
_HOT = 0.6
_LISTED = 200


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    early, events = EARLY.at(scale), EVENTS.at(scale)
    return [await _append(sandbox, early, events), await _consume(sandbox, early, events)]


def flat(bench: str, work: str, unit: str, early: tuple[int, float], late: tuple[int, float]) -> Figure:
    """Marks are pairs: number of processed items, and resident MiB at that time."""
    return Figure(
        bench=bench,
        work=f"{work}: resident memory after {late[0]:,} {unit}",
        unit="MiB",
        turns=(Turn(late[1], early[1]),),
        bare=f"the same process after {early[0]:,}",
        bar=FLAT,
    )


async def _append(sandbox: Sandbox, early: int, events: int) -> Figure:
    marks: list[tuple[int, float]] = []
    async with engine(sandbox) as made:
        orders = Orders(made.invented, seed=4)
        for done in range(BATCH, events + 1, BATCH):
            await append(made, orders.take(BATCH))
            if done in (early, events):
                marks.append((done, resident_mib()))
    return flat("resident", "append in batches", "events", marks[0], marks[-1])


async def _consume(sandbox: Sandbox, early: int, events: int) -> Figure:
    """The registry consumes listings; marks are taken by the number of events that it has written."""
    identity = sandbox.settings.identity_file
    assert identity is not None
    invented, subject = Invented(identity.read_text(encoding="utf-8")), Zipf(_SUBJECTS, Random(5), _HOT)
    service = build("registry", sandbox.settings)
    consumer, changes = DirectConsumer(service), demo_book().changes()
    marks: list[tuple[int, float]] = []
    try:
        await consumer.consume(records(changes, "catalogue"))
        before, written, offset = await _last_position(service), 0, 0
        while written < events:
            listed = records(listings(invented, subject, _LISTED, len(changes), first=offset), "initiator", offset)
            await consumer.consume(listed)
            offset += len(listed)
            written = await _last_position(service) - before
            if written >= (events if marks else early):
                marks.append((written, resident_mib()))
    finally:
        await service.core.engine.dispose()
    return flat("resident", "consume, registry", "events", marks[0], marks[-1])


async def _last_position(service: Service) -> int:
    async with service.core.engine.connect() as database:
        return await database.scalar(select(func.max(EVENTS_TABLE.c.position))) or 0
