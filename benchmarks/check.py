"""A check (应查必查): authenticated, answered from the executor's database, recorded durably with a receipt number.

The executor runs as `liandong serve executor`, one worker; this process sends the load on 16 connections.
Bare: FastAPI with one asyncpg point read, served in the same way.
"""

import asyncio
import socket
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import orjson
from sqlalchemy import delete

from benchmarks import small_book
from benchmarks.bare_server import TABLE
from benchmarks.direct_consumer import DirectConsumer, records
from benchmarks.figures import AtLeast, Figure, in_turns, percentiles
from benchmarks.load import CONNECTIONS, Load, request
from benchmarks.sandbox import Sandbox, connection
from benchmarks.scale import Scale, Sizes
from benchmarks.workload import Invented, Zipf
from liandong.demo.subjects import InventedSubjects
from liandong.node import build
from shared.eventstore.schema import OFFSETS
from shared.trust import OfficerRole

SUBJECTS = Sizes(quick=500, usual=10_000, full=10_000)
LISTED = Sizes(quick=100, usual=2_000, full=2_000)
"""This many of them are listed: most checks find nothing."""
CHECKS = Sizes(quick=300, usual=1_500, full=20_000)
"""Per turn."""
TURNS = Sizes(quick=2, usual=5, full=7)

_START_TIMEOUT_SECONDS = 60
_WARM_UP = 64


async def run(sandbox: Sandbox, scale: Scale) -> list[Figure]:
    await sandbox.topics()
    url = await sandbox.database("executor")
    await fill(sandbox, LISTED.at(scale))
    bare_url = await sandbox.empty_database("points")
    keys = await _fill_bare(bare_url, SUBJECTS.at(scale))
    async with AsyncExitStack() as exits:
        executor = await exits.enter_async_context(executor_process(sandbox))
        bare = await exits.enter_async_context(_bare(sandbox.dsn("points")))
        rows = await connection(url)
        exits.push_async_callback(rows.close)
        figure = await _figure(sandbox, executor, bare, keys, scale)
        recorded = await rows.fetchval("SELECT count(*) FROM checks")
    figure.facts["checks recorded"] = recorded
    return [figure]


async def _figure(sandbox: Sandbox, executor: Load, bare: Load, keys: list[str], scale: Scale) -> Figure:
    count, source = CHECKS.at(scale), Random(9)
    subject = Zipf(len(keys), source, 0.9)
    token = sandbox.issuer.issue(small_book.IMPLEMENTERS[0], [OfficerRole.SYSTEM], "bench-system")

    def check() -> bytes:
        body = {"subject": {"scheme": "uscc", "number": keys[subject()]}, "matter": small_book.MATTER}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
        return request("POST", "/v1/checks", headers, orjson.dumps(body))

    async def measured() -> float:
        return await executor([check() for _ in range(count)], 201)

    async def plain() -> float:
        return await bare([request("GET", f"/{keys[subject()]}", {}) for _ in range(count)], 200)

    await executor([check() for _ in range(_WARM_UP)], 201)
    await bare([request("GET", f"/{keys[0]}", {}) for _ in range(_WARM_UP)], 200)
    executor.took_ms.clear()
    bare.took_ms.clear()
    turns = await in_turns(TURNS.at(scale), measured, plain)
    return Figure(
        bench="check",
        work=f"POST /v1/checks: authenticated, decided, recorded; one worker, {CONNECTIONS} connections",
        unit="requests/s",
        turns=turns,
        bare="FastAPI with one asyncpg point read; one worker, the same load",
        bar=AtLeast(0.8),
        percentiles={"measured": percentiles(executor.took_ms), "bare": percentiles(bare.took_ms)},
        facts={"checks a turn": count, "subjects": len(keys), "percentiles of": "ms a request"},
    )


async def fill(sandbox: Sandbox, listed: int) -> None:
    """Pass the law book and the registry's directions through the executor's intake."""
    identity = sandbox.settings.identity_file
    assert identity is not None
    invented = Invented(identity.read_text(encoding="utf-8"))
    service = build("executor", sandbox.settings)
    try:
        consumer = DirectConsumer(service)
        await consumer.consume(records(small_book.changes(), "catalogue"))
        version = len(small_book.changes())
        directions = [event for nth in range(listed) for event in small_book.directions(invented.company(nth), version)]
        await consumer.consume(records(directions, "registry"))
        async with service.core.engine.begin() as database:
            await database.execute(
                delete(OFFSETS)
            )  # none of these records is on a topic, so the consumer must start at offset zero
    finally:
        await service.core.engine.dispose()


async def _fill_bare(url: str, subjects: int) -> list[str]:
    """Insert one row per subject; returns the keys."""
    companies = InventedSubjects(11)
    keys = [companies.company(nth).credit_code for nth in range(subjects)]
    bare = await connection(url)
    try:
        await bare.execute(TABLE)
        body = orjson.dumps({"lines": ["示例" * 20] * 6}).decode()
        await bare.execute("INSERT INTO points SELECT unnest($1::text[]), $2::json", keys, body)
    finally:
        await bare.close()
    return keys


@asynccontextmanager
async def executor_process(sandbox: Sandbox) -> AsyncGenerator[Load]:
    port = _free_port()
    start = "from liandong.cli import main; main()"
    command = [sys.executable, "-c", start, "serve", "executor", "--port", str(port)]
    async with _process(command, port, sandbox.settings.environment()) as load:
        yield load


@asynccontextmanager
async def _bare(dsn: str) -> AsyncGenerator[Load]:
    port = _free_port()
    async with _process([sys.executable, "-m", "benchmarks.bare_server", dsn, str(port)], port) as load:
        yield load


@asynccontextmanager
async def _process(command: list[str], port: int, environment: dict[str, str] | None = None) -> AsyncGenerator[Load]:
    """A server process on a port, as long as the block runs; with the given environment, or that of this process."""
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        await _wait_until_listening(process, port)
        yield Load(port)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_until_listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(_START_TIMEOUT_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return
    raise RuntimeError("a server of the bench did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
