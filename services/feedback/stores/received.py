"""The inbox: every consumed event, unchanged. The ledger is rebuilt from this table, never from Kafka.

An event is stored once, by its id. An event that is stored already is not folded again, so a topic may be read again from its
beginning.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    select,
)
from sqlalchemy import cast as cast_as
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.ledger import LedgerEvent, ReceivedEvent, changes_ledger
from services.feedback.schema import METADATA
from shared.contracts.event import EventId
from shared.contracts.vocabulary import PUBLIC
from shared.database import RawJson, insert_rows
from shared.messaging.message import Message

RECEIVED = Table(
    "received",
    METADATA,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", RawJson, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("event_id"),
)
"""`position`: the order of arrival, which within a partition is the order of the log. `time`: the time of the event."""

_PAGE = 2_000
"""How many events a rebuild reads at once."""


async def store(connection: AsyncConnection, messages: Sequence[Message]) -> list[Message]:
    """Store the messages that are not stored yet. Returns them, in order.

    One consumer reads a partition at a time, so no other transaction stores the same messages between query and insert. If
    one did, the unique key would reject this batch.
    """
    by_id = {_canonical(message.envelope.event_id): message for message in reversed(messages)}
    for stored in await connection.scalars(_STORED, {"ids": list(by_id)}):
        del by_id[str(stored)]
    new = list(reversed(by_id.values()))
    await insert_rows(connection, RECEIVED, [_row(message) for message in new])
    return new


_CANONICAL = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _canonical(event_id: str) -> str:
    """The id as the database writes it. Our own services write it like this: matching costs a fifth of parsing a UUID."""
    return event_id if _CANONICAL.fullmatch(event_id) else str(UUID(event_id))


_STORED = select(RECEIVED.c.event_id).where(
    RECEIVED.c.event_id == cast_as(bindparam("ids", type_=ARRAY(Text())), ARRAY(Uuid())).any_()
)


def _row(message: Message) -> dict[str, Any]:
    envelope = message.envelope
    return {
        "event_id": envelope.event_id,
        "source": envelope.source,
        "topic": message.topic,
        "sequence": envelope.sequence,
        "type": envelope.type,
        "key": message.key,
        "body": message.body.decode(),
        "time": datetime.fromisoformat(envelope.time),
    }


def ledger_events(messages: Sequence[Message]) -> list[ReceivedEvent]:
    """The events of these messages that change the ledger."""
    return [
        ReceivedEvent(
            EventId(m.envelope.event_id), cast("LedgerEvent", m.event), datetime.fromisoformat(m.envelope.time)
        )
        for m in messages
        if changes_ledger(m.event)
    ]


async def read(connection: AsyncConnection, after: int, upto: int) -> tuple[list[ReceivedEvent], int]:
    """The next stored events that change the ledger, in the order of arrival, and the last position that was read.

    `after` (exclusive) and `upto` (inclusive): positions.
    """
    query = (
        select(RECEIVED)
        .where(RECEIVED.c.position > after, RECEIVED.c.position <= upto)
        .order_by(RECEIVED.c.position)
        .limit(_PAGE)
    )
    rows = (await connection.execute(query)).all()
    events = [(row, PUBLIC.decode(row.type, row.body)) for row in rows]
    found = [
        ReceivedEvent(EventId(str(row.event_id)), cast("LedgerEvent", event), row.time)
        for row, event in events
        if changes_ledger(event)
    ]
    return found, rows[-1].position if len(rows) == _PAGE else upto
