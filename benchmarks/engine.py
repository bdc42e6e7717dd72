"""An event store on its own database, with the tables of a real service but without the service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.bare import BareTable, Connection, Row, bare_table
from benchmarks.sandbox import Sandbox, connection
from benchmarks.workload import ENTRIES, Invented, Order
from shared.calendar.clock import SystemClock
from shared.contracts.vocabulary import PUBLIC
from shared.database import connect
from shared.eventstore import EventStore, Metadata, Session
from shared.eventstore.partitions import partition_of
from shared.ids import new_event_id

SERVICE = "registry"
"""The service whose migrations create the tables. None of its code runs."""

CAUSE = Metadata(
    actor="officer-of-luoyang-court",
    department="luoyang-court",
    correlation="0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


@dataclass
class Engine:
    """The store, and bare tables of the same shape as its own."""

    store: EventStore
    bare: Connection
    events: BareTable
    outbox: BareTable
    invented: Invented
    _position: int = 0

    def session(self, connection: Any = None) -> Session:
        return Session(self.store, SystemClock().now(), CAUSE, connection)

    def rows(self, orders: list[Order], seen: dict[str, Any]) -> tuple[list[Row], list[Row]]:
        """The rows of events and outbox that result from these commands, ready to insert. `seen`: versions and states so far."""
        events: list[Row] = []
        outbox: list[Row] = []
        now, metadata = SystemClock().now(), CAUSE.to_json()
        for aggregate_id, command in orders:
            state, version = seen.get(aggregate_id, (None, 0))
            for event in ENTRIES.decide(state, command, now):
                state, version = ENTRIES.evolve(state, event), version + 1
                self._position += 1
                body = event.model_dump_json()
                stream = ENTRIES.stream(aggregate_id)
                events.append((stream, version, new_event_id(), event.TYPE, body, metadata, now))
                key = str(orjson.loads(body)["subject"])
                outbox.append((self._position, "liandong.list", partition_of(key, self.store.partitions), key))
            seen[aggregate_id] = (state, version)
        return events, outbox


@asynccontextmanager
async def engine(sandbox: Sandbox) -> AsyncGenerator[Engine]:
    """Created for this bench, and dropped with it."""
    url = await sandbox.database(SERVICE)
    database = connect(url, pool_size=sandbox.settings.pool_size)
    bare = await connection(sandbox.dsn(SERVICE))
    identity = sandbox.settings.identity_file
    assert identity is not None
    try:
        yield Engine(
            store=EventStore(database, PUBLIC, sandbox.settings.partitions),
            bare=bare,
            events=await bare_table(bare, "events", leave_out=("recorded_at",)),
            outbox=await bare_table(bare, "outbox"),
            invented=Invented(identity.read_text(encoding="utf-8")),
        )
    finally:
        await bare.close()
        await database.dispose()
