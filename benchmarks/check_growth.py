"""Whether a check takes longer when a hundred times as many subjects are listed: compares the p99 of both.

Two executors, each with its own database, served as in `check`, and measured alternately. Every subject has one response of two
lines. Only the first goes through the executor's intake; the others are copies of its rows, inserted in bulk into the read
models with other keys and ids. Subjects are chosen evenly, which is harder than by Zipf's law: hardly any row is read
twice. Without `--full` there are fewer subjects, in the same proportion.
"""

import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from benchmarks import small_book
from benchmarks.bare import Connection, chunks
from benchmarks.check import executor_process, fill
from benchmarks.figures import AtMost, Figure, Turn, percentile, percentiles
from benchmarks.load import Load, request
from benchmarks.sandbox import Sandbox, connection, sandbox
from benchmarks.scale import Scale, Sizes
from liandong.demo.subjects import InventedSubjects
from shared.trust import OfficerRole

FEW = Sizes(quick=100, usual=1_000, full=10_000)
MANY = Sizes(quick=10_000, usual=100_000, full=1_000_000)
CHECKS = Sizes(quick=300, usual=1_000, full=5_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=7)
_WARM_UP = 64
_COPIES_PER_INSERT = 20_000
_SEED = 11
"""The seed of benchmarks.workload.Invented: the first subject is the one that goes through the intake."""
_BULK_SECONDS = 600


async def run(here: Sandbox, scale: Scale) -> list[Figure]:
    async with AsyncExitStack() as exits:
        other = await exits.enter_async_context(sandbox(here.servers))
        few = await _executor(exits, here, FEW.at(scale))
        many = await _executor(exits, other, MANY.at(scale))
        turns: list[Turn] = []
        for nth in range(TURNS.at(scale)):
            sides = (many, few) if nth % 2 == 0 else (few, many)
            taken = {id(side): await side.p99(CHECKS.at(scale)) for side in sides}
            turns.append(Turn(taken[id(many)], taken[id(few)]))
        await few.require_hits()
        await many.require_hits()
    return [
        Figure(
            bench="check_growth",
            work=f"a check with {many.subjects:,} subjects listed, p99",
            unit="ms",
            turns=tuple(turns),
            bare=f"a check with {few.subjects:,} subjects listed, p99",
            bar=AtMost(1.3),
            percentiles={"measured": percentiles(many.took_ms), "bare": percentiles(few.took_ms)},
            facts={"checks a turn": CHECKS.at(scale), "percentiles of": "ms a request"},
        )
    ]


@dataclass
class _Executor:
    """An executor with a number of subjects, and the durations of its checks."""

    load: Load
    token: str
    subjects: int
    source: Random
    url: str
    took_ms: list[float] = field(default_factory=list[float])

    async def require_hits(self) -> None:
        """Raises RuntimeError when a check does not find the copies."""
        database = await connection(self.url)
        try:
            if missed := await database.fetchval("SELECT count(*) FROM checks WHERE NOT awaiting"):
                raise RuntimeError(f"{missed} checks found no listed subject")
        finally:
            await database.close()

    async def p99(self, count: int) -> float:
        """Milliseconds."""
        companies = InventedSubjects(_SEED)
        self.load.took_ms.clear()
        await self.load(
            [self._check(companies.company(self.source.randrange(self.subjects)).credit_code) for _ in range(count)],
            201,
        )
        self.took_ms += self.load.took_ms
        return percentile(self.load.took_ms, 0.99)

    def _check(self, number: str) -> bytes:
        body = {"subject": {"scheme": "uscc", "number": number}, "matter": small_book.MATTER}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid.uuid4())}
        return request("POST", "/v1/checks", headers, orjson.dumps(body))


async def _executor(exits: AsyncExitStack, where: Sandbox, subjects: int) -> _Executor:
    await where.topics()
    url = await where.database("executor")
    await fill(where, 1)
    database = await connection(url)
    try:
        await _copy(database, subjects)
    finally:
        await database.close()
    load = await exits.enter_async_context(executor_process(where))
    token = where.issuer.issue(small_book.IMPLEMENTERS[0], [OfficerRole.SYSTEM], "bench-system")
    executor = _Executor(load, token, subjects, Random(9), url)
    await executor.p99(_WARM_UP)
    executor.took_ms.clear()
    return executor


# --- many subjects -----------------------------------------------------------------------------------------------------

_DIRECTION = """
    SELECT direction, response_id, entry_id, department, subject, until, directed FROM directions WHERE department = $1
"""
_TASK_COLUMNS = (
    "task_id",
    "response_id",
    "department",
    "direction",
    "nth",
    "kind",
    "state",
    "suspended",
    "due_on",
    "due_from",
)
_TASKS = f"SELECT {', '.join(_TASK_COLUMNS)} FROM tasks WHERE direction = $1 ORDER BY nth"
_DIRECTION_COLUMNS = ("direction", "response_id", "entry_id", "department", "subject", "until", "directed")


async def _copy(database: Connection, subjects: int) -> None:
    """Insert copies of the first subject's direction and tasks for all other subjects."""
    direction: Any = await database.fetchrow(_DIRECTION, small_book.IMPLEMENTERS[0])
    tasks: list[Any] = await database.fetch(_TASKS, direction["direction"])
    number = await database.fetchval("SELECT max(direction) FROM directions")
    for some in chunks(range(1, subjects), _COPIES_PER_INSERT):
        copies = [_Copy(direction, nth, number + nth) for nth in some]
        await database.copy_records_to_table(
            "directions", records=(one.row() for one in copies), columns=_DIRECTION_COLUMNS, timeout=_BULK_SECONDS
        )
        rows = (row for one in copies for row in one.tasks(tasks))
        await database.copy_records_to_table("tasks", records=rows, columns=_TASK_COLUMNS, timeout=_BULK_SECONDS)
    await database.execute("VACUUM ANALYZE directions", timeout=_BULK_SECONDS)
    await database.execute("VACUUM ANALYZE tasks", timeout=_BULK_SECONDS)


_COMPANIES = InventedSubjects(_SEED)


class _Copy:
    """A copy of the first direction and its tasks, for another subject."""

    def __init__(self, original: Any, nth: int, number: int) -> None:
        self._original, self._number = original, number
        self._subject = f"uscc:{_COMPANIES.company(nth).credit_code}"
        self._entry, self._response = (
            f"{number:08x}{original['entry_id'][8:]}",
            f"{number:08x}{original['response_id'][8:]}",
        )

    def _with_own_ids(self, content: str) -> str:
        """The content with the ids and the subject of the original replaced by those of the copy."""
        original = self._original
        content = content.replace(original["entry_id"], self._entry)
        content = content.replace(original["response_id"], self._response)
        return content.replace(original["subject"], self._subject)

    def row(self) -> tuple[Any, ...]:
        original = self._original
        return (
            *(self._number, self._response, self._entry, original["department"], self._subject, original["until"]),
            self._with_own_ids(original["directed"]),
        )

    def tasks(self, originals: list[Any]) -> Iterator[tuple[Any, ...]]:
        for task in originals:
            yield (
                self._with_own_ids(task["task_id"]),
                self._response,
                task["department"],
                self._number,
                *tuple(task)[4:],
            )
