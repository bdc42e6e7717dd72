"""The status of each entry: what it is, since when, and by which cause. The content is in the stream (history.py)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, DateTime, Index, Table, Text, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.repair.domain.events import EntryAdopted
from services.repair.domain.state import Status
from services.repair.domain.visibility import Reader
from services.repair.schema import METADATA
from shared.contracts.event import Event
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ListEvent,
)
from shared.database import insert_rows, one_of, update_changed
from shared.eventstore import Recorded
from shared.lawbook.terms import last_day

ENTRIES = Table(
    "entries",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("subject_key", Text, nullable=False),
    Column("list_kind", Text, nullable=False),
    Column("domain_id", Text, nullable=False),
    Column("initiated_by", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False, server_default=""),
    Column("term_to", Date),
    Column("status", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("cause", Text),
    Index(None, "subject_key"),
)


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """One statement for adopted entries, and one for each set of columns that changes, whatever the number of events."""
    adopted = [_row(r.event, r.effective_at) for r in events if isinstance(r.event, EntryAdopted)]
    await insert_rows(connection, ENTRIES, adopted)
    changed: dict[str, dict[str, Any]] = {}
    for recorded in events:
        event = recorded.event
        if isinstance(event, ListEvent):
            row = changed.setdefault(event.entry_id, {"entry_id": event.entry_id})
            row |= _changes(event, recorded.effective_at)
    await update_changed(connection, ENTRIES, ("entry_id",), changed.values())


def _changes(event: ListEvent, at: datetime) -> dict[str, Any]:
    """The columns that an event after the adoption changes."""
    if isinstance(event, EntryCorrected):
        return _content(event.entry)
    changed = status_after(event)
    return {"status": changed[0].value, "since": at, "cause": changed[1]} if changed else {}


def status_after(event: Event) -> tuple[Status, Cause | None] | None:
    """The status that an event gives its entry, and the cause; None when the event does not change the status."""
    match event:
        case EntryAdopted() | EntryResumed():
            return Status.LISTED, None
        case EntrySuspended():
            return Status.SUSPENDED, None
        case EntryRevoked():
            return Status.REVOKED, event.cause
        case EntryRepaired():
            return Status.REPAIRED, Cause.REPAIR
        case EntryEnded():
            return Status.ENDED, event.cause
        case _:
            return None


def _row(event: EntryAdopted, at: datetime) -> dict[str, Any]:
    entry = event.entry
    return {
        "entry_id": entry.entry_id,
        "subject_key": entry.subject.key,
        "list_kind": entry.list_kind.value,
        "initiated_by": entry.initiated_by,
        "decided_by": entry.decision.decided_by,
        "published_by": entry.published_by,
        "jurisdiction": entry.jurisdiction,
        "status": Status.LISTED.value,
        "since": at,
        "cause": None,
        **_content(entry),
    }


def _content(entry: Entry) -> dict[str, Any]:
    """The columns that a correction can change."""
    return {"domain_id": entry.domain_id, "term_to": last_day(entry.term_to)}


def act_id(entry_id: str, version: int) -> str:
    """The id of a correction, revocation or ending: its entry, and the version of its event in the stream of the entry."""
    return f"{entry_id}-{version}"


def readable_by(reader: Reader) -> ColumnElement[bool]:
    """The entries that a reader may read: the condition of `Reader.may_read`, in SQL."""
    columns = (ENTRIES.c.initiated_by, ENTRIES.c.decided_by, ENTRIES.c.published_by)
    allowed = [column == reader.department for column in columns]
    if reader.oversees:
        allowed.append(one_of(ENTRIES.c.jurisdiction, reader.oversees))
    return or_(*allowed)


async def entries(
    connection: AsyncConnection, reader: Reader, status: Status | None, after: str, limit: int
) -> list[Any]:
    """The entries that the reader may read, by id (in order of creation), after the id `after`."""
    query = select(ENTRIES).where(readable_by(reader)).order_by(ENTRIES.c.entry_id).limit(limit)
    if status is not None:
        query = query.where(ENTRIES.c.status == status.value)
    if after:
        query = query.where(ENTRIES.c.entry_id > after)
    return list(await connection.execute(query))
