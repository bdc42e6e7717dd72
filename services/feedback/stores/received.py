"""What was consumed, as it came: the truth of a service that only follows. The ledger is rebuilt from here, never from Kafka.

An event is kept once, by its id. One that is kept already is not taken in again, so that a topic may be read anew from its
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

from services.feedback.domain.ledger import Followed, Heard, is_followed
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
"""`position` is the order of arrival; within a partition it is the order of the log. `time` is that of the event."""

_AT_ONCE = 2_000


async def keep(connection: AsyncConnection, messages: Sequence[Message]) -> list[Message]:
    """Keep what was not kept before; those messages, in order.

    A topic is read by one consumer at a time, so that nobody else keeps the same in the meantime; were it so, the unique key
    would refuse this batch.
    """
    by_id = {_canonical(message.envelope.event_id): message for message in reversed(messages)}
    for kept in await connection.scalars(_KEPT, {"ids": list(by_id)}):
        del by_id[str(kept)]
    new = list(reversed(by_id.values()))
    await insert_rows(connection, RECEIVED, [_row(message) for message in new])
    return new


_CANONICAL = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _canonical(event_id: str) -> str:
    """As the database would write it. Ours are written so: to look costs a fifth of reading one as a UUID."""
    return event_id if _CANONICAL.fullmatch(event_id) else str(UUID(event_id))


_KEPT = select(RECEIVED.c.event_id).where(
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


def heard(messages: Sequence[Message]) -> list[Heard]:
    """Those messages that change the ledger."""
    return [
        Heard(EventId(m.envelope.event_id), cast("Followed", m.event), datetime.fromisoformat(m.envelope.time))
        for m in messages
        if is_followed(m.event)
    ]


async def some_heard(connection: AsyncConnection, after: int, upto: int) -> tuple[list[Heard], int]:
    """The next that were kept and change the ledger, in order of arrival; and the last position that was looked at."""
    query = (
        select(RECEIVED)
        .where(RECEIVED.c.position > after, RECEIVED.c.position <= upto)
        .order_by(RECEIVED.c.position)
        .limit(_AT_ONCE)
    )
    rows = (await connection.execute(query)).all()
    events = [(row, PUBLIC.decode(row.type, row.body)) for row in rows]
    heard = [
        Heard(EventId(str(row.event_id)), cast("Followed", event), row.time)
        for row, event in events
        if is_followed(event)
    ]
    return heard, rows[-1].position if len(rows) == _AT_ONCE else upto
