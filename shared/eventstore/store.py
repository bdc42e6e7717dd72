"""Appending and loading streams.

Invariants: `(stream, version)` is unique, so of two writers that read the same version one is refused; events, their outbox
rows, the read models of this service, timers and the remembered answer are written in one transaction or not at all;
events are never inserted with ON CONFLICT.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol, cast

import orjson
import uuid_utils
from aiokafka import partitioner
from sqlalchemy import ARRAY, DateTime, Integer, Text, bindparam, delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.event import Event, PublicEvent, Topic
from shared.contracts.vocabulary import Vocabulary
from shared.database import among, insert_rows, violated_constraint
from shared.database.copying import FEWEST, copy_rows
from shared.eventstore.loader import Loader
from shared.eventstore.schema import EVENTS, IDEMPOTENCY, OUTBOX, TIMERS
from shared.eventstore.states import History, Known, Past, States
from shared.rejection import Fault, Rejected, reject

LARGEST_EVENT = 512 * 1024
"""Bytes of an event's body. Kafka takes 1 MiB a batch; what is refused here would stop a relay for good."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who caused an event, and by what."""

    actor: str
    department: str | None = None
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""

    def to_json(self) -> str:
        return orjson.dumps(self).decode()

    @classmethod
    def read(cls, stored: str) -> "Metadata":
        """As it was stored. What a newer version has added beside is passed over."""
        return cls(**{name: value for name, value in orjson.loads(stored).items() if name in _METADATA_NAMES})


_METADATA_NAMES = frozenset(one.name for one in fields(Metadata))


class Recorded(NamedTuple):
    """An event as it stands in the store."""

    position: int
    stream: str
    version: int
    event_id: str
    event: Event
    metadata: Metadata
    effective_at: datetime
    body: str
    """The event as it is stored, in JSON: for read models that keep it whole."""


class NewEvent(NamedTuple):
    """An event that was decided and is not yet written. A named tuple, like all that a batch makes thousands of."""

    event: Event
    event_id: str
    metadata: Metadata


class Append(NamedTuple):
    """Events to add to a stream that stands at `expected_version` (0: it is new)."""

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer to a request, kept under its Idempotency-Key."""

    caller: str
    key: str
    request_hash: str
    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to do at `due_at`. Scheduling the same `timer_id` again moves it."""

    timer_id: str
    due_at: datetime
    payload: dict[str, Any]


Write = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """What one command wants written, all or nothing."""

    appends: tuple[Append, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[str, ...] = ()
    writes: tuple[Write, ...] = ()
    remembered: Remembered | None = None
    states: tuple[tuple[str, Known], ...] = ()
    """The streams that it looked at, as they stand when it is committed."""


@dataclass(frozen=True, slots=True)
class UniqueFault:
    """What the violation of a unique constraint of a read model means to the caller: `Rejected` with this code.

    `find_facts` returns the facts of the fault. It runs after the violation, so it must use a connection of its own: the
    transaction of the violation is aborted. It must leave out what the caller of the change may not read.
    """

    code: str
    find_facts: Callable[[Change], Awaitable[Mapping[str, object]]] | None = None


class VersionConflict(Exception):
    """Another writer was first. The command may be tried again on the state as it is now."""


class AlreadyAnswered(Exception):
    """Another request with this Idempotency-Key was committed first."""


class Projection(Protocol):
    """Keeps a read model: called in the transaction that appends, with events in order of position."""

    async def __call__(self, connection: AsyncConnection, events: Sequence[Recorded], /) -> None: ...


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
    """Called after a commit that may have filled the outbox: wakes the relay."""

    def __post_init__(self) -> None:
        self.reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        """For single queries: without BEGIN and ROLLBACK around them."""
        self.loader = Loader(self._read)
        self.states = States()

    async def _read(self, streams: Mapping[str, int]) -> History:
        async with self.reading.connect() as connection:
            return await self.history(connection, streams)

    async def load(self, connection: AsyncConnection, streams: Iterable[str]) -> dict[str, list[Recorded]]:
        """The events of these streams in order of version; a stream that does not exist is not in the answer."""
        rows = await connection.execute(_LOAD, {"streams": list(streams)})
        loaded: dict[str, list[Recorded]] = {}
        for row in rows:
            loaded.setdefault(row.stream, []).append(self.recorded(row))
        return loaded

    async def history(self, connection: AsyncConnection, streams: Mapping[str, int]) -> History:
        """What these streams hold from a version on: of that version the event's id alone, then ids and events.

        What folding a state takes, at half the cost of `load`.
        """
        asked = {"streams": list(streams), "versions": list(streams.values())}
        found: History = {}
        decode = self.vocabulary.decode
        for stream, version, event_id, type_name, data in await connection.execute(_HISTORY, asked):
            event = decode(type_name, data) if data is not None else None
            found.setdefault(stream, []).append(Past(version, str(event_id), event))
        return found

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
        """Write changes within the caller's transaction.

        Raises VersionConflict, AlreadyAnswered, or Rejected (a duplicate that a read model forbids; an oversize event).
        The transaction is then of no more use.
        """
        try:
            return await self._write(connection, changes)
        except IntegrityError as error:
            if meaning := await self._meaning(error, changes):
                raise meaning from error
            raise

    async def _write(self, connection: AsyncConnection, changes: Sequence[Change]) -> list[Recorded]:
        recorded = await self._append(connection, [append for change in changes for append in change.appends])
        for project in self.projections:
            if recorded:
                await project(connection, recorded)
        for change in changes:
            for write in change.writes:
                await write(connection)
        await self._remember(connection, [c.remembered for c in changes if c.remembered])
        await self._schedule(connection, changes)
        return recorded

    async def _append(self, connection: AsyncConnection, appends: Sequence[Append]) -> list[Recorded]:
        """Insert events and their outbox rows: few in one statement, many in three, whatever their number."""
        rows = _Rows(self.partitions)
        for append in appends:
            rows.add(append)
        if not rows.drafts:
            return []
        positions = await (_insert if len(rows.drafts) < FEWEST else _copy)(connection, rows)
        return [Recorded(position, *draft) for position, draft in zip(positions, rows.drafts, strict=True)]

    async def _remember(self, connection: AsyncConnection, answers: Sequence[Remembered]) -> None:
        rows = [
            {"caller": a.caller, "key": a.key, "request_hash": a.request_hash, "status": a.status, "body": a.body}
            for a in answers
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
                "failed_because": None,  # one that failed and is scheduled anew has another chance
            }
            for t in timers.values()
        ]
        await insert_rows(connection, TIMERS, rows, conflict=("timer_id",))

    async def _meaning(self, error: IntegrityError, changes: Sequence[Change]) -> Exception | None:
        constraint = violated_constraint(error) or ""
        if constraint == "events_stream_version_key":
            return VersionConflict(str(error.orig))
        if constraint == "idempotency_pkey":
            return AlreadyAnswered()
        if fault := self.unique_faults.get(constraint):
            return Rejected(Fault(fault.code, None, dict(await _facts(fault, changes))))
        return None

    def committed(self, changes: Iterable[Change] = ()) -> None:
        """Say that a transaction of `write` was committed, and with which changes, so that their states are remembered."""
        for change in changes:
            self.states.keep(change.states)
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
"""Stream by stream through the index, and so written that the planner has no choice: it would sort a whole table of events
rather than believe that few are wanted."""
_CANCEL = delete(TIMERS).where(among(TIMERS.c.timer_id, "timers"))


_murmur2 = cast("Callable[[bytes], int]", partitioner.murmur2)


@lru_cache(maxsize=100_000)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, as the Java client computes it. Remembered: a subject's events come one after another."""
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def new_event_id() -> str:
    """A UUIDv7: ordered by time of making."""
    return str(uuid_utils.uuid7())


Draft = tuple[str, int, str, Event, Metadata, datetime, str]
"""An event on its way: what a Recorded has behind its position."""

Pointer = tuple[str | None, int | None, str | None]
"""Topic, partition and key of a public event; nothing for a private one."""


class _Rows:
    """The rows of an append: of each event what goes into `events`, then what goes into `outbox`, as they travel."""

    EVENT = ("stream", "version", "event_id", "type", "data", "metadata", "effective_at")
    POINTER = ("topic", "partition", "key")

    def __init__(self, partitions: int) -> None:
        self.drafts: list[Draft] = []
        self.events: list[tuple[Any, ...]] = []
        self.pointers: list[Pointer] = []
        self._partitions = partitions
        self._metadata: Metadata | None = None
        self._said = ""

    def add(self, append: Append) -> None:
        stream, version, news, effective_at = append
        for event, event_id, metadata in news:
            version += 1
            if metadata is not self._metadata:  # one cause, many events
                self._metadata, self._said = metadata, metadata.to_json()
            body = _body(event)
            self.drafts.append((stream, version, event_id, event, metadata, effective_at, body))
            self.events.append((stream, version, event_id, event.TYPE, body, self._said, effective_at))
            self.pointers.append(self._pointer(event))

    def _pointer(self, event: Event) -> Pointer:
        topic = _topic_of(type(event))
        if topic is None:
            return _PRIVATE
        key = cast("PublicEvent", event).partition_key
        return topic, 0 if topic == Topic.LAWBOOK else partition_of(key, self._partitions), key


_PRIVATE: Pointer = (None, None, None)


@cache
def _topic_of(kind: type[Event]) -> str | None:
    """Asked of the type once: of an event `isinstance` is a costly question."""
    return kind.TOPIC.value if issubclass(kind, PublicEvent) else None


async def _insert(connection: AsyncConnection, rows: _Rows) -> list[int]:
    """Insert all in one statement: one round trip. The positions, in the order of the rows."""
    names = _Rows.EVENT + _Rows.POINTER
    given = [event + pointer for event, pointer in zip(rows.events, rows.pointers, strict=True)]
    columns: dict[str, list[Any]] = dict(zip(names, map(list, zip(*given, strict=True)), strict=True))
    positions = {
        (stream, version): position for position, stream, version in await connection.execute(_APPEND, columns)
    }
    return [positions[event[0], event[1]] for event in rows.events]


async def _copy(connection: AsyncConnection, rows: _Rows) -> list[int]:
    """Take positions, then copy events and pointers. The positions, in the order of the rows.

    Positions are taken after the streams were read: a later event of a stream stands after the earlier ones.
    """
    positions = cast("list[int]", await connection.scalar(_POSITIONS, {"count": len(rows.events)}))
    events = [(position, *event) for position, event in zip(positions, rows.events, strict=True)]
    pointers = [(p, *pointer) for p, pointer in zip(positions, rows.pointers, strict=True) if pointer[0] is not None]
    await copy_rows(connection, EVENTS, ("position", *_Rows.EVENT), events)
    if pointers:
        await copy_rows(connection, OUTBOX, ("position", *_Rows.POINTER), pointers)
    return positions


_POSITIONS = text("SELECT array_agg(nextval('events_position_seq')) FROM generate_series(1, :count)").bindparams(
    bindparam("count", type_=Integer())
)
_APPEND = text("""
    WITH given AS (
        SELECT * FROM unnest(:stream, :version, :event_id, :type, :data, :metadata, :effective_at, :topic, :partition, :key)
        WITH ORDINALITY AS given(stream, version, event_id, type, data, metadata, effective_at, topic, partition, key, nth)
    ), added AS (
        INSERT INTO events (stream, version, event_id, type, data, metadata, effective_at)
        SELECT stream, version, event_id::uuid, type, data::json, metadata::json, effective_at FROM given ORDER BY nth
        RETURNING position, stream, version
    ), queued AS (
        INSERT INTO outbox (position, topic, partition, key)
        SELECT added.position, given.topic, given.partition, given.key
        FROM added JOIN given USING (stream, version) WHERE given.topic IS NOT NULL
    )
    SELECT position, stream, version FROM added
""").bindparams(
    *(
        bindparam(name, type_=ARRAY(Text()))
        for name in ("stream", "event_id", "type", "data", "metadata", "topic", "key")
    ),
    *(bindparam(name, type_=ARRAY(Integer())) for name in ("version", "partition")),
    bindparam("effective_at", type_=ARRAY(DateTime(timezone=True))),
)
"""Events in the order given, and a pointer in the outbox for each public one."""


def _body(event: Event) -> str:
    body = event.model_dump_json()
    # A character of Chinese is three bytes: only a body that might be too large is counted exactly.
    if len(body) * 4 > LARGEST_EVENT and (size := len(body.encode())) > LARGEST_EVENT:
        raise reject("event_too_large", bytes=size, limit=LARGEST_EVENT)
    return body
