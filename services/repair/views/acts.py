"""Corrections, revocations and endings: the acts that changed an entry or removed it from its list, with their documents."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Table, Text, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.repair.domain.visibility import Reader
from services.repair.schema import METADATA
from services.repair.views.decisions import CONFIRMED, DECISIONS
from services.repair.views.entries import ENTRIES, act_id, readable_by
from shared.contracts.event import Event
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
"""`act_id`: see `entries.act_id`. `department` is null when a term passed, because no department acted."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Add the acts. One statement, whatever the number of events."""
    await insert_rows(connection, ACTS, [row for recorded in events if (row := _row(recorded))])


def act_kind(event: Event) -> ActKind | None:
    """The kind of act that an event is; None for any other event."""
    match event:
        case EntryCorrected():
            return "correction"
        case EntryRevoked():
            return "revocation"
        case EntryEnded():
            return "ending"
        case _:
            return None


def _row(recorded: Recorded) -> dict[str, Any] | None:
    event, kind = recorded.event, act_kind(recorded.event)
    if kind is None or not isinstance(event, EntryCorrected | EntryRevoked | EntryEnded):
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


async def acts(connection: AsyncConnection, reader: Reader, kind: ActKind, after: int, limit: int) -> list[Any]:
    """The acts of a kind that the reader may read, in order of `position`, after the position `after`."""
    query = _readable_by(reader, kind).where(ACTS.c.position > after)
    return list(await connection.execute(query.order_by(ACTS.c.position).limit(limit)))


async def act(connection: AsyncConnection, reader: Reader, kind: ActKind, act_id: str) -> Any | None:
    """One act; None when it does not exist or the reader may not read it."""
    return (await connection.execute(_readable_by(reader, kind).where(ACTS.c.act_id == act_id))).one_or_none()


def _readable_by(reader: Reader, kind: ActKind) -> Any:
    """The department that acted is the one that decided; the act itself is recorded with the one that confirmed."""
    own = [column for column in ACTS.c if column.name != "department"]
    acted = func.coalesce(DECISIONS.c.department, ACTS.c.department).label("department")
    joined = (
        select(*own, acted, DECISIONS.c.decision_id, DECISIONS.c.closed_by.label("confirmed_by"))
        .join(ENTRIES, ENTRIES.c.entry_id == ACTS.c.entry_id)
        .outerjoin(DECISIONS, and_(DECISIONS.c.act_id == ACTS.c.act_id, DECISIONS.c.status == CONFIRMED))
    )
    return joined.where(readable_by(reader), ACTS.c.kind == kind)
