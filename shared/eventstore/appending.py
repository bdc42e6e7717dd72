"""Inserting events and their outbox rows: few events in one statement, many in three, whatever their number."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import ARRAY, DateTime, Integer, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event, PublicEvent, Topic
from shared.database.copying import COPY_MIN_ROWS, copy_rows
from shared.eventstore.changes import Append, Metadata, Recorded
from shared.eventstore.partitions import partition_of
from shared.eventstore.schema import EVENTS, OUTBOX
from shared.rejection import reject

MAX_EVENT_BYTES = 512 * 1024
"""Largest body of an event. Kafka accepts batches of 1 MiB; a larger event would stop the relay for good."""

Draft = tuple[str, int, str, Event, Metadata, datetime, str]
"""An event to insert: the fields of a Recorded after its position."""

Pointer = tuple[str | None, int | None, str | None]
"""Topic, partition and key of a public event; None for a private one."""


async def append_events(connection: AsyncConnection, appends: Sequence[Append], partitions: int) -> list[Recorded]:
    """Insert events and their outbox rows; the events as stored, in the order given."""
    rows = _Rows(partitions)
    for append in appends:
        rows.add(append)
    if not rows.drafts:
        return []
    positions = await (_insert if len(rows.drafts) < COPY_MIN_ROWS else _copy)(connection, rows)
    return [Recorded(position, *draft) for position, draft in zip(positions, rows.drafts, strict=True)]


class _Rows:
    """The rows of an append, as they are sent: for each event the values for `events`, and those for `outbox`."""

    EVENT = ("stream", "version", "event_id", "type", "data", "metadata", "effective_at")
    POINTER = ("topic", "partition", "key")

    def __init__(self, partitions: int) -> None:
        self.drafts: list[Draft] = []
        self.events: list[tuple[Any, ...]] = []
        self.pointers: list[Pointer] = []
        self._partitions = partitions
        self._metadata: Metadata | None = None
        self._metadata_json = ""

    def add(self, append: Append) -> None:
        stream, version, new_events, effective_at = append
        for event, event_id, metadata in new_events:
            version += 1
            if metadata is not self._metadata:  # many events have the same cause: serialise it once
                self._metadata, self._metadata_json = metadata, metadata.to_json()
            body = _body(event)
            self.drafts.append((stream, version, event_id, event, metadata, effective_at, body))
            self.events.append((stream, version, event_id, event.TYPE, body, self._metadata_json, effective_at))
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
    """Cached by type, because `isinstance` on an event is slow."""
    return kind.TOPIC.value if issubclass(kind, PublicEvent) else None


def _body(event: Event) -> str:
    body = event.model_dump_json()
    # A Chinese character takes three bytes: the exact size is counted only for bodies that might be too large.
    if len(body) * 4 > MAX_EVENT_BYTES and (size := len(body.encode())) > MAX_EVENT_BYTES:
        raise reject("event_too_large", bytes=size, limit=MAX_EVENT_BYTES)
    return body


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
    """Reserve positions, then copy events and pointers. The positions, in the order of the rows.

    Positions are reserved after the streams were read, so a later event of a stream has a higher position than an earlier one.
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
"""Inserts events in the order given, and an outbox row for each public one."""
