"""The whole loop: from a file with n entries to a closed ledger.

A file is imported and approved; each entry directs six lines to three departments; the departments read their worklists and
answer in bulk, 1,000 tasks per request; then the clock passes the end of all terms, the departments undo, and the ledger is
closed when no line of any entry is open. Every service is a separate process, as in docker compose; the departments are this
process. The processor time of each process is printed with the rate.

Bare: every final row of the six databases, as multi-row inserts of 1,000 into tables of the same shape; every record of the
topics, sent with `send()` and polled once for each service that subscribes to it; databases and topics at the same time. No
domain logic. Rows that were changed or deleted in between count once or not at all, which is an advantage for the bare side.
"""

import asyncio
import csv
import io
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks import small_book
from benchmarks.bare import (
    BareRecord,
    BareTable,
    Connection,
    Row,
    bare_producer,
    chunks,
    mirror,
    poll_loop,
    send_loop,
)
from benchmarks.figures import AtLeast, Figure, Turn
from benchmarks.sandbox import PARTITIONS, Sandbox, connection
from benchmarks.scale import Scale, Sizes
from benchmarks.separate_processes import APPROVER, LISTER, SeparateProcesses, separate_processes, system
from liandong.demo.subjects import InventedSubjects
from liandong.node import SERVICES, build
from shared.contracts.event import Topic

ENTRIES = Sizes(quick=300, usual=10_000, full=100_000)
LINES = 6
ANSWERS = 1_000
"""Per request."""
ROWS = 1_000
"""Per insert, on the bare side."""
_TERM_DAYS = 20
_AHEAD_DAYS = 40
_POLL_SECONDS = 0.25
_NO_PROGRESS_SECONDS = 300
_PART_ROWS = 50_000
"""The bare side keeps at most this number of rows of a database in memory."""


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    sandbox.settings.movable_clock = True
    entries = ENTRIES.at(scale)
    async with separate_processes(sandbox) as processes:
        loop = _Loop(sandbox, processes, entries)
        await loop.run()
    bare = await _Bare(sandbox, _subscribed(sandbox)).run()
    return [
        Figure(
            bench="loop",
            work=f"{entries:,} entries, {LINES} lines each: file to closed ledger",
            unit="entries/s",
            turns=(Turn(entries / loop.seconds, entries / bare.seconds),),
            bare="the same rows inserted, the same records sent and polled, without domain logic",
            bar=AtLeast(0.6),
            facts={**loop.facts(), **bare.facts(entries)},
        )
    ]


def _subscribed(sandbox: Sandbox) -> dict[str, int]:
    """The number of services that read each topic."""
    found = {str(topic): 0 for topic in Topic}
    for service in (build(name, sandbox.settings) for name in SERVICES):
        if service.definition.reactions:
            for topic in service.definition.reactions(service.core).topics:
                found[str(topic)] += 1
    return found


# --- the loop ----------------------------------------------------------------------------------------------------------


@dataclass
class _Loop:
    sandbox: Sandbox
    processes: SeparateProcesses
    entries: int
    phase_seconds: dict[str, float] = field(default_factory=dict[str, float])
    resident: list[Mapping[str, float]] = field(default_factory=list[Mapping[str, float]])
    spent: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def seconds(self) -> float:
        return sum(self.phase_seconds.values())

    def facts(self) -> dict[str, Any]:
        """Processor time and memory of each process."""
        taken = self.resident
        marks = [taken[int(share * (len(taken) - 1))] for share in (0.1, 0.25, 0.5, 0.75, 1)]
        resident = {name: " ".join(f"{mark.get(name, 0):.0f}" for mark in marks) for name in marks[-1]}
        spent = {name: round(seconds / self.entries * 1000, 2) for name, seconds in self.spent.items()}
        return {
            "seconds": {name: round(seconds, 2) for name, seconds in self.phase_seconds.items()},
            "entries/s a phase": {name: round(self.entries / seconds) for name, seconds in self.phase_seconds.items()},
            "processor ms an entry": {**spent, "all": round(sum(spent.values()), 2)},
            "resident MiB after 10, 25, 50, 75, 100 % of the time": resident,
        }

    async def run(self) -> None:
        file = _file(self.entries)
        ledger = await connection(self.sandbox.dsn("feedback"))
        before, watching = self.processes.usage(), asyncio.create_task(self._watch_memory())
        systems = [asyncio.create_task(_department(self.processes, name)) for name in small_book.IMPLEMENTERS]
        try:
            async with self._phase("checked"):
                import_id = await self._import(file)
            async with self._phase("published and answered"):
                await self._approve(import_id)
                await self._until(ledger, "answered", systems)
            async with self._phase("ended, undone, closed"):
                await self.processes.move_clock(timedelta(days=_AHEAD_DAYS))
                await self._until(ledger, "closed", systems)
            self.spent = self.processes.usage().since(before)
        finally:
            for task in (*systems, watching):
                task.cancel()
            await asyncio.gather(*systems, watching, return_exceptions=True)
            await ledger.close()

    @asynccontextmanager
    async def _phase(self, name: str) -> AsyncGenerator[None]:
        start = time.perf_counter()
        yield
        self.phase_seconds[name] = time.perf_counter() - start

    async def _import(self, file: bytes) -> str:
        client = self.processes.client
        taken = await client.upload(LISTER, "/initiator/v1/imports", "bench.csv", file, str(uuid4()))
        while True:
            job = await client.get(LISTER, f"/initiator/v1/imports/{taken['import_id']}")
            if job["status"] == "checked":
                break
            if job["status"] == "refused":
                raise RuntimeError(f"the import was refused: {job['faults']}")
            await asyncio.sleep(_POLL_SECONDS)
        if job["good"] != self.entries:
            raise RuntimeError(f"{job['rejected']} rows were rejected")
        return taken["import_id"]

    async def _approve(self, import_id: str) -> None:
        await self.processes.client.post(APPROVER, f"/initiator/v1/imports/{import_id}/approve", {}, str(uuid4()))

    async def _until(self, ledger: Connection, state: str, systems: list[asyncio.Task[None]]) -> None:
        """Wait until every entry of the ledger is in this state. Raises when there is no progress."""
        last, changed_at = None, time.perf_counter()
        while True:
            counts = {r["state"]: r["n"] for r in await ledger.fetch(_BY_STATE)}
            if counts.get(state) == self.entries:
                return
            for task in systems:
                if task.done():
                    task.result()
            if counts != last:
                last, changed_at = counts, time.perf_counter()
            elif time.perf_counter() - changed_at > _NO_PROGRESS_SECONDS:
                raise RuntimeError(f"no progress for {_NO_PROGRESS_SECONDS} s; entries by state: {counts}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _watch_memory(self) -> None:
        while True:
            self.resident.append(self.processes.usage().resident)
            await asyncio.sleep(2)


_BY_STATE = "SELECT state, count(*) AS n FROM entries GROUP BY state"


async def _department(processes: SeparateProcesses, department: str) -> None:
    """A department's system: reads all open tasks and answers them, until cancelled."""
    client, officer = processes.client, system(department)
    while True:
        page = await client.get(officer, "/executor/v1/tasks", {"state": "open", "limit": ANSWERS})
        answers = [_answer(task) for task in page["items"]]
        if not answers:
            await asyncio.sleep(_POLL_SECONDS)
            continue
        await client.post(officer, "/executor/v1/tasks/answers", {"answers": answers}, str(uuid4()))


def _answer(task: dict[str, Any]) -> dict[str, str]:
    if task["end"] is None:
        return {"task_id": task["task_id"], "answer": "apply", "note": "已在业务系统中落实（示例）"}
    return {"task_id": task["task_id"], "answer": "undo", "how": "stopped", "evidence": "示例停止执行单（仅供测量）"}


_HEADINGS = (
    *("list_kind", "domain_id", "scheme", "number", "name", "document_number", "decided_on", "facts"),
    *("legal_basis", "term_from", "term_to", "jurisdiction", "public"),
)


def _file(entries: int) -> bytes:
    """A list file; every row has its own subject."""
    companies = InventedSubjects(seed=17)
    until = date.today() + timedelta(days=_TERM_DAYS)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEADINGS)
    facts = "有履行能力而拒不履行生效法律文书确定的义务，经依法送达执行通知书后仍未履行（示例事实，仅供测量）"
    basis = "《中华人民共和国民事诉讼法》第二百六十六条（示例）"
    for nth, company in enumerate(companies.companies(entries)):
        first = ("black", small_book.DOMAIN, "uscc", company.credit_code, company.name, f"（示例）执{nth:07d}号")
        writer.writerow((*first, "2018-03-01", facts, basis, "2018-03-01", until, small_book.REGION, "yes"))
    return text.getvalue().encode()


# --- the bare loop -----------------------------------------------------------------------------------------------------


@dataclass
class _Bare:
    sandbox: Sandbox
    subscribed: dict[str, int]
    seconds: float = 0.0
    rows: Counter[str] = field(default_factory=Counter[str])
    records: int = 0

    def facts(self, entries: int) -> dict[str, Any]:
        by_table = {name: count / entries for name, count in self.rows.most_common() if count * 2 > entries}
        return {
            "rows an entry": round(self.rows.total() / entries, 1),
            "of them": ", ".join(f"{name} {count:.1f}" for name, count in by_table.items()),
            "records an entry": round(self.records / entries, 1),
            "bare seconds": round(self.seconds, 2),
        }

    async def run(self) -> "_Bare":
        async with AsyncExitStack() as exits:
            tables = [await exits.enter_async_context(_tables(self.sandbox, name)) for name in SERVICES]
            topics = [
                await exits.enter_async_context(_topic(self.sandbox, topic, readers))
                for topic, readers in self.subscribed.items()
            ]
            while True:
                rows = [await one.next_part() for one in tables]
                records = [await one.next_part() for one in topics]
                if not any(rows) and not any(records):
                    return self
                start = time.perf_counter()
                await asyncio.gather(
                    *(one.put(part) for one, part in zip(tables, rows, strict=True)),
                    *(one.put(part) for one, part in zip(topics, records, strict=True)),
                )
                self.seconds += time.perf_counter() - start
                for name, part in zip(SERVICES, rows, strict=True):
                    self.rows.update({f"{name}.{table.name}": len(found) for table, found in part})
                self.records += sum(map(len, records))


Part = list[tuple[BareTable, list[Row]]]


@dataclass
class _Tables:
    """The tables of one database: read on one connection, written bare on another."""

    writing: Connection
    cursors: list[tuple[BareTable, Any]]

    async def next_part(self) -> Part:
        """The next rows, of the first table with rows left."""
        while self.cursors:
            table, cursor = self.cursors[0]
            if rows := await cursor.fetch(_PART_ROWS):
                return [(table, cast("list[Row]", rows))]
            self.cursors.pop(0)
        return []

    async def put(self, part: Part) -> None:
        for table, rows in part:
            for some in chunks(rows, ROWS):
                await table.put(self.writing, some)


@asynccontextmanager
async def _tables(sandbox: Sandbox, name: str) -> AsyncGenerator[_Tables]:
    reading, writing = await connection(sandbox.dsn(name)), await connection(sandbox.dsn(name))
    try:
        made = await mirror(writing)
        async with reading.transaction():
            cursors: list[tuple[BareTable, Any]] = []
            for table in made.tables:
                names = ", ".join(f'"{column}"' for column in table.columns)
                query = f'SELECT {names} FROM public."{table.name}"'
                cursors.append((table, await reading.cursor(query)))
            yield _Tables(writing, cursors)
    finally:
        await reading.close()
        await writing.close()


@dataclass
class _OneTopic:
    """One topic: its records are sent to a bare topic and polled by the same number of readers."""

    bare: str
    source: AIOKafkaConsumer
    left: int
    producer: AIOKafkaProducer
    readers: list[AIOKafkaConsumer]

    async def next_part(self) -> list[BareRecord]:
        found: list[BareRecord] = []
        while self.left > 0 and len(found) < _PART_ROWS:
            fetched = cast("dict[TopicPartition, list[Any]]", await self.source.getmany(timeout_ms=1000))
            for records in fetched.values():
                self.left -= len(records)
                found += [BareRecord(r.partition, r.key, r.value, list(r.headers)) for r in records]
        return found

    async def put(self, part: list[BareRecord]) -> None:
        if part:
            reading = [poll_loop(reader, len(part)) for reader in self.readers]
            await asyncio.gather(send_loop(self.producer, self.bare, part), *reading)


@asynccontextmanager
async def _topic(sandbox: Sandbox, topic: str, readers: int) -> AsyncGenerator[_OneTopic]:
    kafka = sandbox.settings.kafka
    partitions = 1 if topic == Topic.LAWBOOK else PARTITIONS
    bare = await sandbox.topic(f"bare.{topic}", partitions)
    source = _reader(kafka)
    polling = [_reader(kafka) for _ in range(readers)]
    producer = bare_producer(kafka)
    for one in (source, *polling, producer):
        await one.start()
    try:
        name = sandbox.settings.topics.name(topic)
        assigned = [TopicPartition(name, number) for number in range(partitions)]
        source.assign(assigned)
        ends = cast("dict[TopicPartition, int]", await source.end_offsets(assigned))
        for one in polling:
            one.assign([TopicPartition(bare, number) for number in range(partitions)])
        await _warm_up(producer, bare, partitions, polling)
        yield _OneTopic(bare, source, sum(ends.values()), producer, polling)
    finally:
        for one in (source, *polling, producer):
            await one.stop()


async def _warm_up(producer: AIOKafkaProducer, topic: str, partitions: int, readers: list[AIOKafkaConsumer]) -> None:
    """All clients fetch the topic's metadata before the measurement."""
    await send_loop(producer, topic, [BareRecord(number, b"", b"", []) for number in range(partitions)])
    await asyncio.gather(*(poll_loop(reader, partitions) for reader in readers))


def _reader(kafka: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
