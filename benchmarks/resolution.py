"""Resolving one entry against the whole pinned law book, compared with the cost of appending the resulting events.

Three kinds of entries: one similar to an entry that was resolved before (a dictionary lookup, as in an imported list); one
unlike all others (its own grade, so every measure of the book is evaluated for it, by the law of its day and by the law of
today); and, for information, the first entry after a change of the law (which builds the indexes). Target: median ≤ 200 µs
for the second. Bare: appending the events of the same entry, in batches of 500 as reactions do.
"""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from benchmarks.bare import chunks
from benchmarks.engine import Engine, engine
from benchmarks.figures import Figure, Turn, percentiles
from benchmarks.sandbox import Sandbox
from benchmarks.scale import Scale, Sizes
from liandong.demo_book import demo_book
from services.registry.domain.commands import Record, Trigger
from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.law import Law, law_on
from services.registry.domain.resolution import ALONE, Resolution
from services.registry.domain.resolver import resolve
from shared.calendar.clock import SystemClock
from shared.calendar.working_days import today
from shared.contracts.event import EventId
from shared.contracts.lawbook_events import LawbookChange
from shared.contracts.listing import Entry
from shared.ids import new_event_id
from shared.lawbook.book import LawBook

ENTRIES = Sizes(quick=500, usual=3_000, full=10_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=7)
BATCH = 500
TARGET_US = 200
_FIRST_DAY = date(2018, 1, 2)
_DAYS = 2_000


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    changes = demo_book().changes()
    async with engine(sandbox) as made:
        return [await _figure(made, changes, ENTRIES.at(scale), TURNS.at(scale), similar) for similar in (False, True)]


async def _figure(made: Engine, changes: Sequence[LawbookChange], entries: int, turns: int, similar: bool) -> Figure:
    first = time.perf_counter()
    law = _law(changes)
    resolve(_entry(made, 0, similar), (), ALONE, law, law.book.version)
    first = time.perf_counter() - first
    taken: list[float] = []
    found: list[Turn] = []
    lines = 0
    for turn in range(turns):
        start = turn * entries + 1 + similar * turns * entries
        work = [_entry(made, index, similar) for index in range(start, start + entries)]
        times, resolved = _timed(work, law)
        lines = max(lines, *(len(one.directives) for one in resolved))
        taken += times
        found.append(Turn(median(times), await _appended(made, work, law)))
    return Figure(
        bench="resolution",
        work="resolve an entry " + ("similar to earlier ones" if similar else "unlike all others"),
        unit="µs an entry",
        turns=tuple(found),
        bare=f"decide and append the events of the entry, {BATCH} entries a transaction",
        percentiles={"measured": percentiles(taken)},
        facts={
            "measures in the book": len(law.book.measures),
            "lines an entry": lines,
            "first after a change of the law, ms": round(first * 1000, 1),
            "promise, µs": TARGET_US,
            "kept": median(taken) <= TARGET_US,
        },
    )


def _law(changes: Sequence[LawbookChange]) -> Law:
    book = LawBook.empty().with_changes(changes)
    return law_on(book, today(SystemClock().now()))


def _entry(made: Engine, index: int, similar: bool) -> Entry:
    """An entry decided on one of two thousand days; its own grade makes it unlike all others."""
    entry = made.invented.entry(index, index).model_copy(update={"responsible": ()})
    decision = entry.decision.model_copy(update={"decided_on": _FIRST_DAY + timedelta(days=index % _DAYS)})
    return entry.model_copy(update={"decision": decision, "grade": None if similar else f"grade-{index}"})


def _timed(work: Sequence[Entry], law: Law) -> tuple[list[float], list[Resolution]]:
    """Microseconds per entry, and the results."""
    times: list[float] = []
    resolved: list[Resolution] = []
    for entry in work:
        began = time.perf_counter()
        resolved.append(resolve(entry, (), ALONE, law, law.book.version))
        times.append((time.perf_counter() - began) * 1_000_000)
    return times, resolved


async def _appended(made: Engine, work: Sequence[Entry], law: Law) -> float:
    """Microseconds per entry to decide and append, without resolving."""
    began = time.perf_counter()
    for batch in chunks(list(work), BATCH):
        async with made.store.engine.begin() as connection:
            session = made.session(connection)
            await session.load(SUBJECT_FILE, [entry.subject.key for entry in batch])
            for entry in batch:
                trigger = Trigger(EventId(new_event_id()), "list.entry.published.v1", law.book)
                session.do_loaded(SUBJECT_FILE, entry.subject.key, Record(trigger, entry.subject, entry))
            change = session.change()
            await made.store.write(connection, [change])
        made.store.committed([change])
    return (time.perf_counter() - began) / len(work) * 1_000_000
