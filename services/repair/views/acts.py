"""Corrections, revocations and endings: the acts that changed an entry or removed it from its list, with their documents."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.repair.domain.visibility import Reader
from services.repair.schema import METADATA
from services.repair.views.entries import ENTRIES, readable_by
from shared.contracts.listing import EntryCorrected, EntryEnded, EntryRevoked
from shared.database import insert_rows
from shared.eventstore import Recorded

ActKind = Literal["correction", "revocation", "ending"]

ACTS = Table(
    "acts",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("act_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document_number", Text),
    Column("ended_on", Date),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("department", Text),
    Index(None, "act_id", unique=True),
    Index(None, "kind", "position"),
)
"""`act_id`: see `act_id()`. `department` is null when a term passed, because no department acted."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Add the acts. One statement, whatever the number of events."""
    await insert_rows(connection, ACTS, [row for recorded in events if (row := _row(recorded))])


def _row(recorded: Recorded) -> dict[str, Any] | None:
    event = recorded.event
    match event:
        case EntryCorrected():
            kind = "correction"
        case EntryRevoked():
            kind = "revocation"
        case EntryEnded():
            kind = "ending"
        case _:
            return None
    return {
        "position": recorded.position,
        "act_id": act_id(event.entry_id, recorded.version),
        "entry_id": event.entry_id,
        "kind": kind,
        "cause": event.cause.value,
        "reason": event.reason,
        "document_number": None if isinstance(event, EntryEnded) else event.document_number,
        "ended_on": event.ended_on if isinstance(event, EntryEnded) else None,
        "at": recorded.effective_at,
        "department": recorded.metadata.department,
    }


def act_id(entry_id: str, version: int) -> str:
    """The id of a correction, revocation or ending: its entry, and the version of its event in the stream of the entry."""
    return f"{entry_id}-{version}"


async def acts(connection: AsyncConnection, reader: Reader, kind: ActKind, after: int, limit: int) -> list[Any]:
    """The acts of a kind that the reader may read, in order of `position`, after the position `after`."""
    query = _readable_by(reader, kind).where(ACTS.c.position > after)
    return list(await connection.execute(query.order_by(ACTS.c.position).limit(limit)))


async def act(connection: AsyncConnection, reader: Reader, kind: ActKind, act_id: str) -> Any | None:
    """One act; None when it does not exist or the reader may not read it."""
    return (await connection.execute(_readable_by(reader, kind).where(ACTS.c.act_id == act_id))).one_or_none()


def _readable_by(reader: Reader, kind: ActKind) -> Any:
    joined = select(ACTS).join(ENTRIES, ENTRIES.c.entry_id == ACTS.c.entry_id)
    return joined.where(readable_by(reader), ACTS.c.kind == kind)
