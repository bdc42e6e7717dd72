"""From the approval of an entry over HTTP to a measure applied: two topics (list, response) and a department's answer.

Every service is a separate process, as in docker compose. The time starts before the approval is sent, and is taken twice: when
the executor has committed the task (polled in its database, where a query is very cheap), and when a waiting department has
read its worklist and its answer `apply` is durable. Entries are published one at a time, so that nothing queues. Bare: a
record is sent with `send_and_wait` until a waiting consumer has it, on one topic.
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
from benchmarks.apart import APPROVER, LISTER, Apart, apart, system
from benchmarks.bare import Connection, bare_producer
from benchmarks.figures import AtMost, Figure, Turn, percentile, percentiles
from benchmarks.ground import Ground, connection
from benchmarks.scale import Scale, Sizes
from liandong.demo.subjects import InventedSubjects
from shared.contracts.lawbook import ListKind

ENTRIES = Sizes(quick=8, usual=40, full=200)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=5)
_WARM_UP = 3
_BODY = b"x" * 1_500
_LOST_SECONDS = 60
_LOOK_SECONDS = 0.001
_DIRECTED = "SELECT EXISTS (SELECT FROM directions WHERE entry_id = $1)"


async def run(ground: Ground, scale: Scale) -> list[Figure]:
    topic = await ground.topic("bare-round-trip", 1)
    async with apart(ground) as world, _executor(ground) as tasks:
        bench = _Bench(world, tasks)
        for _ in range(_WARM_UP):
            await bench.one()
        turns: list[tuple[list[_Took], list[float]]] = []
        for _ in range(TURNS.at(scale)):
            ours = [await bench.one() for _ in range(ENTRIES.at(scale))]
            turns.append((ours, await _round_trips(ground.settings.kafka, topic, ENTRIES.at(scale) * 4)))
    return [
        _figure(turns, "applied_ms", "approval (HTTP) to applied (HTTP)", 0.5, AtMost(4)),
        _figure(turns, "applied_ms", "approval (HTTP) to applied (HTTP)", 0.99, AtMost(10)),
        _figure(turns, "directed_ms", "approval (HTTP) to the executor's commit of the task", 0.5, None),
    ]


@dataclass(frozen=True, slots=True)
class _Took:
    directed_ms: float
    applied_ms: float


def _figure(
    turns: Sequence[tuple[list[_Took], list[float]]], what: str, work: str, share: float, bar: AtMost | None
) -> Figure:
    taken = [([getattr(took, what) for took in ours], theirs) for ours, theirs in turns]
    return Figure(
        bench="latency",
        work=f"{work}, p{share * 100:g}",
        unit="ms",
        turns=tuple(Turn(percentile(ours, share), percentile(theirs, share)) for ours, theirs in taken),
        bare=f"Kafka round trip, p{share * 100:g}",
        bar=bar,
        percentiles={
            "measured": percentiles([took for ours, _ in taken for took in ours]),
            "bare": percentiles([took for _, theirs in taken for took in theirs]),
        },
        facts={"entries": sum(len(ours) for ours, _ in taken), "percentiles of": "ms"},
    )


@asynccontextmanager
async def _executor(ground: Ground) -> AsyncGenerator[Connection]:
    """A connection to the executor's database."""
    connected = await connection(ground.dsn("executor"))
    try:
        yield connected
    finally:
        await connected.close()


@dataclass
class _Bench:
    world: Apart
    tasks: Connection
    _count: int = 0

    async def one(self) -> _Took:
        """Publish one entry and measure its way to the applied measure."""
        client, self._count = self.world.client, self._count + 1
        made = await client.post(LISTER, "/initiator/v1/entries", _entry(self._count), str(uuid4()))
        path = f"/initiator/v1/entries/{made['entry_id']}"
        await client.post(LISTER, f"{path}/submit", {}, str(uuid4()))
        start = time.perf_counter()
        await client.post(APPROVER, f"{path}/approve", {}, str(uuid4()))
        async with asyncio.timeout(_LOST_SECONDS):
            while not await self.tasks.fetchval(_DIRECTED, made["entry_id"]):
                await asyncio.sleep(_LOOK_SECONDS)
        seen = time.perf_counter()
        await self._apply(made["entry_id"])
        return _Took((seen - start) * 1000, (time.perf_counter() - start) * 1000)

    async def _apply(self, entry_id: str) -> None:
        """One department reads its worklist and answers the tasks of the entry."""
        client, who = self.world.client, system(small_book.IMPLEMENTERS[0])
        page = await client.get(who, "/executor/v1/tasks", {"state": "open", "entry_id": entry_id})
        answers = [{"task_id": task["task_id"], "answer": "apply", "note": "已落实（示例）"} for task in page["items"]]
        answer = await client.post(who, "/executor/v1/tasks/answers", {"answers": answers}, str(uuid4()))
        if not answers or answer["accepted"] != len(answers):
            raise RuntimeError(f"the executor did not take the answers: {answer}")


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
    got: asyncio.Task[Any] = asyncio.create_task(cast("Any", consumer).getone())
    await asyncio.sleep(0.002)
    start = time.perf_counter()
    await producer.send_and_wait(topic, _BODY, partition=0)
    await got
    return (time.perf_counter() - start) * 1000
