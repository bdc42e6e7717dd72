"""A world for tests: chosen services in this process, on real PostgreSQL and real Kafka, with their own databases and topics.

`async with world(addresses, "registry", "executor") as w:` migrates and starts them, and removes everything at the end. Tests
send HTTP requests (`w.http("registry")`), publish events of absent services (`w.publish(event)`), and wait (`eventually`).
"""

import asyncio
import inspect
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import build
from shared.calendar.clock import MovableClock
from shared.calendar.working_days import use_notices
from shared.contracts.envelope import Envelope, read_envelope
from shared.contracts.event import DepartmentId, Event, PublicEvent, Topic
from shared.contracts.lawbook_events import LawbookEvent
from shared.contracts.vocabulary import PUBLIC
from shared.database.migration import create_database, migrate
from shared.eventstore.partitions import partition_of
from shared.identity import make_secrets
from shared.ids import new_event_id
from shared.messaging.producer import idempotent_producer
from shared.runtime.lawbook_copy import LawBookCopy
from shared.runtime.settings import Settings
from shared.service import Service
from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer
from tests.holidays import notice_file
from tests.stacks import Addresses

T = TypeVar("T")
PARTITIONS = 3


async def eventually(
    probe: Callable[[], T | Awaitable[T]], seconds: float = 30, every: float = 0.05, what: str = ""
) -> T:
    """Call `probe` until its result is truthy, and return that. Raises AssertionError after `seconds`, with `what`."""
    deadline = asyncio.get_running_loop().time() + seconds
    answer: Any = None
    while asyncio.get_running_loop().time() < deadline:
        answer = probe()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        await asyncio.sleep(every)
    raise AssertionError(f"not reached: {what or inspect.getsource(probe).strip()} (last: {answer!r})")


@dataclass
class World:
    """Running services, and everything that a test needs to work with them."""

    settings: Settings
    issuer: DevelopmentIssuer
    services: dict[str, Service]
    producer: AIOKafkaProducer
    source: str = field(default_factory=lambda: f"test/{uuid.uuid4()}/1")
    _sequences: Counter[tuple[str, int, str]] = field(default_factory=Counter[tuple[str, int, str]])
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])

    def token(self, department: str | None, *roles: OfficerRole, subject: str = "") -> str:
        named = DepartmentId(department) if department else None
        return self.issuer.issue(named, list(roles), subject or f"officer-of-{department}", minutes=60)

    def bearer(self, department: str | None, *roles: OfficerRole, subject: str = "") -> dict[str, str]:
        """Headers of an officer's request."""
        return {"Authorization": f"Bearer {self.token(department, *roles, subject=subject)}"}

    def writes(self, department: str | None, *roles: OfficerRole, subject: str = "", key: str = "") -> dict[str, str]:
        """Headers of an officer's write request: a bearer token and an Idempotency-Key (default: a new one)."""
        return {**self.bearer(department, *roles, subject=subject), "Idempotency-Key": key or str(uuid.uuid4())}

    def http(self, service: str) -> httpx.AsyncClient:
        """A client of one service, over ASGI; paths begin with `/v1/`."""
        if service not in self._clients:
            transport = httpx.ASGITransport(self.services[service].app, raise_app_exceptions=False)
            self._clients[service] = httpx.AsyncClient(transport=transport, base_url=f"http://{service}", timeout=60)
        return self._clients[service]

    async def confirmed(self, answer: httpx.Response, department: str, **more: Any) -> httpx.Response:
        """The answer to a decision of repair; if it awaits confirmation, a second officer of the department confirms it.

        Returns the answer to the confirmation, or the given one when nothing awaits it.
        """
        if not answer.is_success or answer.json()["status"] != "awaiting_confirmation":
            return answer
        path = f"/v1/decisions/{answer.json()['decision_id']}/confirm"
        headers = self.writes(department, OfficerRole.APPROVER, subject=f"second-officer-of-{department}", **more)
        return await self.http("repair").post(path, headers=headers)

    async def publish(self, *events: PublicEvent, source: str = "", sequence: int | None = None) -> list[str]:
        """Put events on their topics, as the relay of a service outside this world would. Returns their event ids."""
        return [await self._publish(event, source or self.source, sequence) for event in events]

    async def _publish(self, event: PublicEvent, source: str, sequence: int | None) -> str:
        partition = 0 if event.TOPIC is Topic.LAWBOOK else partition_of(event.partition_key, self.settings.partitions)
        place = (event.TOPIC.value, partition, source)
        self._sequences[place] = self._sequences[place] + 1 if sequence is None else sequence
        envelope = Envelope(
            event_id=new_event_id(),
            source=source,
            sequence=self._sequences[place],
            type=event.TYPE,
            time=datetime.now(UTC).isoformat(),
            subject=event.partition_key,
            correlation="test",
        )
        await self.record(event.TOPIC, partition, event.partition_key, event.model_dump_json().encode(), envelope)
        return envelope.event_id

    async def record(self, topic: str, partition: int, key: str, body: bytes, envelope: Envelope) -> None:
        """Put any record on a topic."""
        await self.producer.send_and_wait(
            self.settings.topics.name(topic), body, key.encode(), partition, headers=envelope.headers()
        )

    async def publish_lawbook(self, *events: LawbookEvent, wait: bool = True) -> int:
        """Publish a law book with the versions in the events, and wait until every service has read it. Returns the last version.

        A service refuses all callers until it has a law book.
        """
        await self.publish(*events, source=f"catalogue/{self.source}")
        version = events[-1].lawbook_version
        for service in self.services.values() if wait else ():
            if copy := service.core.lawbook_copy:
                await eventually(
                    lambda copy=copy: self._has_read(copy, version), what=f"{service.name} reads the law book"
                )
        return version

    async def _has_read(self, copy: LawBookCopy, version: int) -> bool:
        return (await copy.current()).version >= version

    async def topic(self, topic: Topic) -> list[tuple[Envelope, Event]]:
        """All records of a topic, partition by partition, in order."""
        name, count = self.settings.topics.name(topic), self.settings.topics.count(topic)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            partitions = [TopicPartition(name, number) for number in range(count)]
            consumer.assign(partitions)
            ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
            found: list[tuple[Envelope, Event]] = []
            for partition in partitions:
                await consumer.seek_to_beginning(partition)
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                fetched = cast("dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=500))
                for records in fetched.values():
                    for record in records:
                        envelope = read_envelope(record.headers)
                        found.append((envelope, PUBLIC.decode(envelope.type, record.value)))
            return found
        finally:
            await consumer.stop()

    async def seen(self, topic: Topic, kind: type[T]) -> list[T]:
        """The events of one type on a topic."""
        return [event for _, event in await self.topic(topic) if isinstance(event, kind)]

    async def move_clock(self, instant: datetime) -> None:
        """Move the clocks of all services forward to the same instant."""
        for service in self.services.values():
            clock = service.core.clock
            assert isinstance(clock, MovableClock)
            clock.move_to(instant)
            await service.core.save_clock()

    async def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        """Query the database of a service."""
        async with self.services[service].core.engine.connect() as connection:
            return list(await connection.execute(text(query), values))

    async def restart(self, service: str) -> None:
        """Stop a service and start it again on the same database and topics."""
        await self.services[service].stop()
        if client := self._clients.pop(service, None):
            await client.aclose()
        self.services[service] = build(service, self.settings)
        await self.services[service].start()

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


@asynccontextmanager
async def world(addresses: Addresses, *names: str, **settings: Any) -> AsyncGenerator[World]:
    """Start these services on new databases and topics; drop the databases at the end."""
    prefix = f"t{uuid.uuid4().hex[:10]}_"
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        issuer = DevelopmentIssuer(folder)
        identity = folder / "identity.json"
        identity.write_text(make_secrets().to_json())
        given: dict[str, Any] = {
            "database_url": addresses.database_url,
            "database_prefix": prefix,
            "kafka": addresses.kafka,
            "topic_prefix": prefix,
            "partitions": PARTITIONS,
            "pool_size": 10,
            "jwks_file": issuer.jwks_file,
            "identity_file": identity,
            "movable_clock": True,
            # Deadlines of these tests run from today; in a year without holidays no deadline would be certain.
            "holidays": notice_file(folder, *range(2027, 2037)),
        }
        made = Settings(**{**given, **settings})
        await made.topics.ensure(made.kafka)
        for name in names:
            await create_database(made.database(name))
            stack.push_async_callback(drop_database, addresses.database_url, f"{prefix}{name}")
            await migrate(name, made.database(name))
        producer = idempotent_producer(made.kafka, "test")
        await producer.start()
        stack.push_async_callback(producer.stop)
        made_world = World(made, issuer, {name: build(name, made) for name in names}, producer)
        stack.push_async_callback(made_world.close)
        stack.callback(use_notices, ())
        for name in names:
            await made_world.services[name].start()
            stack.push_async_callback(_stop, made_world, name)
        yield made_world


async def _stop(made_world: World, name: str) -> None:
    await made_world.services[name].stop()


async def drop_database(server: str, name: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    finally:
        await engine.dispose()
