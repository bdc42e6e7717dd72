"""From the approval of an entry over HTTP to a measure applied: two topics (list, response) and a department's answer.

Every service is a separate process, as in docker compose. The time starts before the approval is sent, and is taken twice: when
the executor has committed the task (polled in its database, where a query costs little), and when a waiting department has
read its worklist and its answer `apply` is durable. Entries are published one at a time, so that nothing queues. Bare: the
time from `send_and_wait` of a record until a waiting consumer has received it, on one topic.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import small_book
from benchmarks.bare import Connection, bare_producer
from benchmarks.figures import AtMost, Figure, Turn, percentile, percentiles
from benchmarks.sandbox import Sandbox, connection
from benchmarks.scale import Scale, Sizes
from benchmarks.separate_processes import APPROVER, LISTER, SeparateProcesses, separate_processes, system
from liandong.demo.subjects import InventedSubjects
from shared.contracts.lawbook import ListKind

ENTRIES = Sizes(quick=8, usual=40, full=200)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=5)
_WARM_UP = 3
_BODY = b"x" * 1_500
_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.001
_DIRECTED = "SELECT EXISTS (SELECT FROM directions WHERE entry_id = $1)"


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    topic = await sandbox.topic("bare-round-trip", 1)
    async with separate_processes(sandbox) as processes, _executor(sandbox) as tasks:
        bench = _Bench(processes, tasks)
        for _ in range(_WARM_UP):
            await bench.publish_one()
        turns: list[tuple[list[_Durations], list[float]]] = []
        for _ in range(TURNS.at(scale)):
            ours = [await bench.publish_one() for _ in range(ENTRIES.at(scale))]
            turns.append((ours, await _round_trips(sandbox.settings.kafka, topic, ENTRIES.at(scale) * 4)))
    return [
        _figure(turns, "applied_ms", "approval (HTTP) to applied (HTTP)", 0.5, AtMost(4)),
        _figure(turns, "applied_ms", "approval (HTTP) to applied (HTTP)", 0.99, AtMost(10)),
        _figure(turns, "directed_ms", "approval (HTTP) to the executor's commit of the task", 0.5, None),
    ]


@dataclass(frozen=True, slots=True)
class _Durations:
    directed_ms: float
    applied_ms: float


def _figure(
    turns: Sequence[tuple[list[_Durations], list[float]]], measure: str, work: str, share: float, bar: AtMost | None
) -> Figure:
    taken = [([getattr(entry, measure) for entry in ours], theirs) for ours, theirs in turns]
    return Figure(
        bench="latency",
        work=f"{work}, p{share * 100:g}",
        unit="ms",
        turns=tuple(Turn(percentile(ours, share), percentile(theirs, share)) for ours, theirs in taken),
        bare=f"Kafka round trip, p{share * 100:g}",
        bar=bar,
        percentiles={
            "measured": percentiles([ms for ours, _ in taken for ms in ours]),
            "bare": percentiles([ms for _, theirs in taken for ms in theirs]),
        },
        facts={"entries": sum(len(ours) for ours, _ in taken), "percentiles of": "ms"},
    )


@asynccontextmanager
async def _executor(sandbox: Sandbox) -> AsyncGenerator[Connection]:
    """A connection to the executor's database."""
    connected = await connection(sandbox.dsn("executor"))
    try:
        yield connected
    finally:
        await connected.close()


@dataclass
class _Bench:
    processes: SeparateProcesses
    tasks: Connection
    _count: int = 0

    async def publish_one(self) -> _Durations:
        """Publish one entry; the durations until its task is committed and until its measure is applied."""
        client, self._count = self.processes.client, self._count + 1
        made = await client.post(LISTER, "/initiator/v1/entries", _entry(self._count), str(uuid4()))
        path = f"/initiator/v1/entries/{made['entry_id']}"
        await client.post(LISTER, f"{path}/submit", {}, str(uuid4()))
        start = time.perf_counter()
        await client.post(APPROVER, f"{path}/approve", {}, str(uuid4()))
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while not await self.tasks.fetchval(_DIRECTED, made["entry_id"]):
                await asyncio.sleep(_POLL_SECONDS)
        committed = time.perf_counter()
        await self._apply(made["entry_id"])
        return _Durations((committed - start) * 1000, (time.perf_counter() - start) * 1000)

    async def _apply(self, entry_id: str) -> None:
        """One department reads its worklist and answers the tasks of the entry."""
        client, department = self.processes.client, system(small_book.IMPLEMENTERS[0])
        page = await client.get(department, "/executor/v1/tasks", {"state": "open", "entry_id": entry_id})
        answers = [{"task_id": task["task_id"], "answer": "apply", "note": "已落实（示例）"} for task in page["items"]]
        result = await client.post(department, "/executor/v1/tasks/answers", {"answers": answers}, str(uuid4()))
        if not answers or result["accepted"] != len(answers):
            raise RuntimeError(f"the executor did not accept the answers: {result}")


_COMPANIES = InventedSubjects(seed=13)


def _entry(nth: int) -> dict[str, Any]:
    company = _COMPANIES.company(nth)
    return {
        "list_kind": ListKind.BLACK.value,
        "domain_id": small_book.DOMAIN,
        "subject": {"scheme": "uscc", "number": company.credit_code, "name": company.name},
        "decision": {
            "document_number": f"（示例）执{nth:07d}号",
            "decided_on": "2018-03-01",
            "facts": "有履行能力而拒不履行生效法律文书确定的义务（示例事实，仅供测量）",
            "legal_basis": "《中华人民共和国民事诉讼法》第二百六十六条（示例）",
        },
        "jurisdiction": small_book.REGION,
        "term_from": "2018-03-01",
        "term_to": (date.today() + timedelta(days=3_000)).isoformat(),
        "public": True,
    }


async def _round_trips(kafka: str, topic: str, count: int) -> list[float]:
    producer = bare_producer(kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_end(partition)
        await consumer.position(partition)
        return [await _round_trip(producer, consumer, topic) for _ in range(count)][_WARM_UP:]
    finally:
        await consumer.stop()
        await producer.stop()


async def _round_trip(producer: Any, consumer: AIOKafkaConsumer, topic: str) -> float:
    received: asyncio.Task[Any] = asyncio.create_task(cast("Any", consumer).getone())
    await asyncio.sleep(0.002)
    start = time.perf_counter()
    await producer.send_and_wait(topic, _BODY, partition=0)
    await received
    return (time.perf_counter() - start) * 1000
