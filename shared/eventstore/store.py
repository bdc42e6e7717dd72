"""Appending and loading streams.

Invariants: `(stream, version)` is unique, so of two writers that read the same version one is refused. Events, their outbox rows,
this service's read models, timers and the stored response are written in one transaction or not at all. Events are never inserted
with ON CONFLICT.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ARRAY, Integer, Text, bindparam, delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.vocabulary import Vocabulary
from shared.database import among, insert_rows, violated_constraint
from shared.eventstore.appending import append_events
from shared.eventstore.changes import (
    AlreadyAnswered,
    Change,
    Metadata,
    Projection,
    Recorded,
    StoredResponse,
    UniqueFault,
    VersionConflict,
)
from shared.eventstore.loader import Loader
from shared.eventstore.schema import EVENTS, IDEMPOTENCY, TIMERS
from shared.eventstore.states import History, PastEvent, StateCache
from shared.rejection import Fault, Rejected


@dataclass
class EventStore:
    """The events of one service."""

    engine: AsyncEngine
    vocabulary: Vocabulary
    partitions: int
    projections: Sequence[Projection] = ()
    unique_faults: Mapping[str, UniqueFault] = field(default_factory=dict[str, UniqueFault])
    """Constraint of a read model → the fault that its violation means."""
    on_commit: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """Called after a commit that may have added outbox rows: wakes the relay."""

    def __post_init__(self) -> None:
        self.reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        """For single queries: without BEGIN and ROLLBACK around them."""
        self.loader = Loader(self._read)
        self.states = StateCache()

    async def _read(self, streams: Mapping[str, int]) -> History:
        async with self.reading.connect() as connection:
            return await self.history(connection, streams)

    async def load(self, connection: AsyncConnection, streams: Iterable[str]) -> dict[str, list[Recorded]]:
        """The events of these streams in order of version; streams that do not exist are absent from the result."""
        rows = await connection.execute(_LOAD, {"streams": list(streams)})
        loaded: dict[str, list[Recorded]] = {}
        for row in rows:
            loaded.setdefault(row.stream, []).append(self.recorded(row))
        return loaded

    async def history(self, connection: AsyncConnection, streams: Mapping[str, int]) -> History:
        """The events of these streams from the given versions on: of that version only the id, then ids and events.

        This is what folding a state needs, at half the cost of `load`.
        """
        parameters = {"streams": list(streams), "versions": list(streams.values())}
        history: History = {}
        decode = self.vocabulary.decode
        for stream, version, event_id, type_name, data in await connection.execute(_HISTORY, parameters):
            event = decode(type_name, data) if data is not None else None
            history.setdefault(stream, []).append(PastEvent(version, str(event_id), event))
        return history

    def recorded(self, row: Any) -> Recorded:
        """An event from a row of the table `events`."""
        return Recorded(
            position=row.position,
            stream=row.stream,
            version=row.version,
            event_id=str(row.event_id),
            event=self.vocabulary.decode(row.type, row.data),
            metadata=Metadata.read(row.metadata),
            effective_at=row.effective_at,
            body=row.data,
        )

    async def write(self, connection: AsyncConnection, changes: Sequence[Change]) -> list[Recorded]:
        """Write changes within the caller's transaction; the events as stored.

        Raises VersionConflict, AlreadyAnswered, or Rejected (a duplicate that a read model forbids; an event that is too large).
        After an error the transaction can only be rolled back.
        """
        try:
            return await self._write(connection, changes)
        except IntegrityError as error:
            if translated := await self._translate(error, changes):
                raise translated from error
            raise

    async def _write(self, connection: AsyncConnection, changes: Sequence[Change]) -> list[Recorded]:
        appends = [append for change in changes for append in change.appends]
        recorded = await append_events(connection, appends, self.partitions)
        for project in self.projections:
            if recorded:
                await project(connection, recorded)
        for change in changes:
            for write in change.writes:
                await write(connection)
        await self._store_responses(connection, [c.response for c in changes if c.response])
        await self._schedule(connection, changes)
        return recorded

    async def _store_responses(self, connection: AsyncConnection, responses: Sequence[StoredResponse]) -> None:
        rows = [
            {"caller": r.caller, "key": r.key, "request_hash": r.request_hash, "status": r.status, "body": r.body}
            for r in responses
        ]
        await insert_rows(connection, IDEMPOTENCY, rows)

    async def _schedule(self, connection: AsyncConnection, changes: Sequence[Change]) -> None:
        cancelled = [timer_id for change in changes for timer_id in change.cancelled_timers]
        if cancelled:
            await connection.execute(_CANCEL, {"timers": cancelled})
        timers = {timer.timer_id: timer for change in changes for timer in change.timers}
        rows = [
            {
                "timer_id": t.timer_id,
                "due_at": t.due_at,
                "payload": orjson.dumps(t.payload).decode(),
                "failed_because": None,  # a failed timer that is scheduled again may fire again
            }
            for t in timers.values()
        ]
        await insert_rows(connection, TIMERS, rows, conflict=("timer_id",))

    async def _translate(self, error: IntegrityError, changes: Sequence[Change]) -> Exception | None:
        """What a violated constraint means to the caller, or None."""
        constraint = violated_constraint(error) or ""
        if constraint == "events_stream_version_key":
            return VersionConflict(str(error.orig))
        if constraint == "idempotency_pkey":
            return AlreadyAnswered()
        if fault := self.unique_faults.get(constraint):
            return Rejected(Fault(fault.code, None, dict(await _facts(fault, changes))))
        return None

    def committed(self, changes: Iterable[Change] = ()) -> None:
        """To be called after a transaction of `write` was committed: caches the states of `changes` and wakes the relay."""
        for change in changes:
            self.states.put(change.states)
        for wake in self.on_commit:
            wake()


async def _facts(fault: UniqueFault, changes: Sequence[Change]) -> Mapping[str, object]:
    """Facts are looked up for a single change only: of several, each is written again alone, and one of them gets the fault."""
    if fault.find_facts is None or len(changes) != 1:
        return {}
    return await fault.find_facts(changes[0])


_OF_STREAMS = among(EVENTS.c.stream, "streams")
_LOAD = select(EVENTS).where(_OF_STREAMS).order_by(EVENTS.c.stream, EVENTS.c.version)
_HISTORY = text("""
    SELECT known.stream, e.version, e.event_id, e.type, CASE WHEN e.version > known.version THEN e.data END AS data
    FROM unnest(:streams, :versions) AS known (stream, version)
    CROSS JOIN LATERAL (
        SELECT version, event_id, type, data FROM events
        WHERE events.stream = known.stream AND events.version >= known.version ORDER BY version
    ) AS e
""").bindparams(bindparam("streams", type_=ARRAY(Text())), bindparam("versions", type_=ARRAY(Integer())))
"""Written so that the planner must use the index for each stream. Otherwise it sorts the whole table of events, because it does
not expect that so few rows match."""
_CANCEL = delete(TIMERS).where(among(TIMERS.c.timer_id, "timers"))
