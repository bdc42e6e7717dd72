"""The verdict detects errors: an engine that is broken on purpose leads to the expected violation.

One node in this process, on its own databases and topics; the error is patched in while lists are imported.
"""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from liandong.demo.client import Client
from liandong.home import Home
from liandong.law import load_demo_book
from liandong.node import SERVICES, Node, prepare
from liandong.soak.idle import NeverIdle, under_load
from liandong.soak.load import Load, load_of
from liandong.soak.verdict import between, folds, log
from shared.contracts.event import Topic
from shared.eventstore import Change
from shared.messaging.intake import Intake, PartitionOffset
from shared.messaging.invariants import at_rest
from shared.messaging.message import RawRecord
from shared.messaging.relay import Relay
from shared.messaging.sequencing import Partition, Sequenced
from shared.rejection import Rejected
from shared.runtime.settings import Settings
from tests.harness import drop_database
from tests.stacks import Addresses

pytestmark = pytest.mark.fault

TIMEOUT_SECONDS = 3.0
"""The broken systems never become idle; a longer timeout would not change the violations found."""


class Broken:
    """A node in this process whose engine a test breaks, and a load for it."""

    def __init__(self, node: Node, settings: Settings, load: Load) -> None:
        self.settings = settings
        self.load = load
        self.engines = {name: service.core.engine for name, service in node.services.items()}

    async def found(self) -> list[str]:
        """The violations after a round of lists, whether or not the system became idle."""
        with suppress(NeverIdle):
            async with under_load(self.load, self.engines, TIMEOUT_SECONDS):
                pass
        return await at_rest(self.engines) + await between(self.engines, self.load.published)

    async def corrupt(self, service: str, *statements: str) -> None:
        async with self.engines[service].begin() as connection:
            for statement in statements:
                assert (await connection.execute(text(statement))).rowcount != 0, "the statement must change rows"


@pytest.fixture(scope="module")
async def broken(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Broken]:
    """One node for all of these tests, in their order: permanent damage of one test does not hide the damage of the next."""
    prefix = f"v{uuid.uuid4().hex[:10]}_"
    home = Home(tmp_path_factory.mktemp("verdict"))
    identity = home.settings("", "").identity_file
    settings = Settings(
        database_url=stack.database_url,
        database_prefix=prefix,
        kafka=stack.kafka,
        topic_prefix=prefix,
        partitions=3,
        pool_size=5,
        jwks_file=home.issuer().jwks_file,
        identity_file=identity,
        movable_clock=True,
    )
    await prepare(settings)
    node = Node(settings)
    await node.start()
    http = httpx.AsyncClient(transport=httpx.ASGITransport(node.app), base_url="http://node", timeout=60)
    try:
        await load_demo_book(http, home.issuer(), lambda _: None)
        yield Broken(node, settings, await load_of(Client(http, home.issuer())))
    finally:
        await http.aclose()
        await node.stop()
        for name in SERVICES:
            await drop_database(stack.database_url, f"{prefix}{name}")


async def test_the_checkers_report_no_violation_of_a_correct_engine(broken: Broken) -> None:
    assert await broken.found() == []
    assert await log(broken.engines, broken.settings) == []
    assert await folds(broken.engines, broken.settings) == []


async def test_a_row_that_a_read_model_lost_is_found(broken: Broken) -> None:
    """The missing row is detected, and the rebuild restores it."""
    await broken.corrupt("executor", "DELETE FROM tasks WHERE task_id = (SELECT min(task_id) FROM tasks)")
    assert "is among lines directed, not among tasks" in "\n".join(await between(broken.engines))
    [executor] = await folds(broken.engines, broken.settings)
    assert executor.startswith("executor: rebuilt, tasks lost 0 rows and gained 1")
    assert await between(broken.engines) == []


async def test_numbers_that_do_not_follow_the_order_of_a_stream_are_found(broken: Broken) -> None:
    swapped = """
        UPDATE published SET position = (SELECT min(position) + max(position) FROM pair) - published.position
        FROM pair WHERE published.position = pair.position
    """
    pair = """
        CREATE TEMP TABLE pair AS SELECT position FROM events JOIN published USING (position) WHERE stream = (
            SELECT stream FROM events JOIN published USING (position) GROUP BY stream HAVING count(*) = 2 LIMIT 1
        )
    """
    await broken.corrupt("registry", pair, swapped)
    assert "registry: published out of order" in "\n".join(await between(broken.engines))
    assert "does not hold what registry/" in "\n".join(await log(broken.engines, broken.settings))
    await broken.corrupt("registry", "DROP TABLE IF EXISTS pair", pair, swapped)
    assert await between(broken.engines) == []


async def test_a_batch_that_is_handled_twice_is_found(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Intake._transaction

    async def twice(
        self: Intake, before: PartitionOffset, after: PartitionOffset, new: Sequence[RawRecord], handle: Any
    ) -> None:
        await real(self, before, after, new, handle)
        if self.service == "registry":
            with suppress(Rejected):  # the domain refuses some of it
                await real(self, after, after, new, handle)

    monkeypatch.setattr(Intake, "_transaction", twice)
    assert "is twice among list events settled" in "\n".join(await broken.found())


async def test_an_event_that_is_skipped_is_found(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Intake._handle_together

    async def forgetful(self: Intake, connection: AsyncConnection, ready: list[RawRecord]) -> list[Change]:
        return await real(self, connection, ready[1:] if self.service == "registry" else ready)

    monkeypatch.setattr(Intake, "_handle_together", forgetful)
    assert "is among list events, not among list events settled" in "\n".join(await broken.found())


async def test_a_record_that_never_reached_the_log_is_found(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Relay._send

    async def forgetful(
        self: Relay,
        producer: AIOKafkaProducer,
        partition: Partition,
        events: Sequence[Sequenced],
        acknowledged: dict[Partition, int],
    ) -> None:
        """As if a broker had lost an acknowledged record."""
        lost = partition[0] == Topic.RESPONSE
        await real(self, producer, partition, events[:-1] if lost else events, acknowledged)
        acknowledged[partition] = events[-1].sequence

    monkeypatch.setattr(Relay, "_send", forgetful)
    found = "\n".join(await broken.found())
    assert "goes from" in found or "published is" in found, (
        "a consumer has found the gap or has not received the record"
    )
    assert "does not hold what registry/" in "\n".join(await log(broken.engines, broken.settings))
