"""Constant memory: resident memory of a process that appends, and of one that consumes, early and at the end.

The work is generated on demand and not kept, so growth is caused by the engine. `rebuild` measures the same for itself. The bar
leaves room for bounded caches (states of streams, partitions of keys), which are full at the end.
"""

from random import Random

from sqlalchemy import func, select

from benchmarks.append_batched import append
from benchmarks.engine import engine
from benchmarks.figures import AtMost, Figure, Turn
from benchmarks.ground import Ground
from benchmarks.memory import resident_mib
from benchmarks.scale import Scale, Sizes
from benchmarks.taking import Taking, records
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


async def run(ground: Ground, scale: Scale) -> list[Figure]:
    early, events = EARLY.at(scale), EVENTS.at(scale)
    return [await _append(ground, early, events), await _consume(ground, early, events)]


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


async def _append(ground: Ground, early: int, events: int) -> Figure:
    marks: list[tuple[int, float]] = []
    async with engine(ground) as made:
        orders = Orders(made.invented, seed=4)
        for done in range(BATCH, events + 1, BATCH):
            await append(made, orders.take(BATCH))
            if done in (early, events):
                marks.append((done, resident_mib()))
    return flat("resident", "append in batches", "events", marks[0], marks[-1])


async def _consume(ground: Ground, early: int, events: int) -> Figure:
    """The registry consumes listings; marks are taken by the number of events that it has written."""
    identity = ground.settings.identity_file
    assert identity is not None
    invented, subject = Invented(identity.read_text(encoding="utf-8")), Zipf(_SUBJECTS, Random(5), _HOT)
    service = build("registry", ground.settings)
    taking, changes = Taking(service), demo_book().changes()
    marks: list[tuple[int, float]] = []
    try:
        await taking.take(records(changes, "catalogue"))
        there, written, offset = await _last(service), 0, 0
        while written < events:
            given = records(listings(invented, subject, _LISTED, len(changes), first=offset), "initiator", offset)
            await taking.take(given)
            offset += len(given)
            written = await _last(service) - there
            if written >= (events if marks else early):
                marks.append((written, resident_mib()))
    finally:
        await service.core.engine.dispose()
    return flat("resident", "consume, registry", "events", marks[0], marks[-1])


async def _last(service: Service) -> int:
    async with service.core.engine.connect() as database:
        return await database.scalar(select(func.max(EVENTS_TABLE.c.position))) or 0
