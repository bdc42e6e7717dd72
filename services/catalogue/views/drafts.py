"""Drafts: who filed them, the decision about them, and their content in pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, PrimaryKeyConstraint, Select, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue.domain.content import Content
from services.catalogue.domain.events import (
    DraftFiled,
    DraftGrew,
    DraftPublished,
    DraftReturned,
    DraftWithdrawn,
)
from services.catalogue.schema import METADATA
from shared.database import RawJson, insert_rows, update_rows
from shared.eventstore import Recorded

DRAFTS = Table(
    "drafts",
    METADATA,
    Column("draft_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("filed_by", Text, nullable=False),
    Column("department", Text),
    Column("filed_at", DateTime(timezone=True), nullable=False),
    Column("closed_by", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("lawbook_version", BigInteger),
    Index(None, "status", "position"),
)

DRAFT_PIECES = Table(
    "draft_pieces",
    METADATA,
    Column("draft_id", Text, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("body", RawJson, nullable=False),
    PrimaryKeyConstraint("draft_id", "nth"),
)
"""`nth`: the version of the event with the piece, in the stream of the draft."""


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft, without its content."""

    draft_id: str
    position: int
    title: str
    status: str
    filed_by: str
    department: str | None
    filed_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    lawbook_version: int | None


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Three statements at most, whatever the number of events."""
    await insert_rows(connection, DRAFTS, [_filed(r, r.event) for r in events if isinstance(r.event, DraftFiled)])
    await insert_rows(connection, DRAFT_PIECES, [_piece(r, r.event) for r in events if isinstance(r.event, DraftGrew)])
    await update_rows(connection, DRAFTS, ("draft_id",), [row for r in events if (row := _closed(r)) is not None])


def _draft_id(recorded: Recorded) -> str:
    return recorded.stream.partition("-")[2]


def _filed(recorded: Recorded, event: DraftFiled) -> dict[str, Any]:
    return {
        "draft_id": _draft_id(recorded),
        "position": recorded.position,
        "title": event.title,
        "status": "open",
        "filed_by": event.officer.subject,
        "department": event.officer.department,
        "filed_at": recorded.effective_at,
    }


def _piece(recorded: Recorded, event: DraftGrew) -> dict[str, Any]:
    return {
        "draft_id": _draft_id(recorded),
        "nth": recorded.version,
        "items": len(event.content),
        "body": event.content.model_dump_json(exclude_defaults=True),
    }


def _closed(recorded: Recorded) -> dict[str, Any] | None:
    event = recorded.event
    closing = {"draft_id": _draft_id(recorded), "closed_at": recorded.effective_at, "closed_by": "", "reason": None}
    match event:
        case DraftPublished():
            change = {"status": "published", "lawbook_version": event.lawbook_version}
        case DraftReturned():
            change = {"status": "returned", "lawbook_version": None, "reason": event.reason}
        case DraftWithdrawn():
            change = {"status": "withdrawn", "lawbook_version": None, "reason": event.reason}
        case _:
            return None
    return {**closing, **change, "closed_by": event.officer.subject}


async def drafts(connection: AsyncConnection, status: str | None, before: int | None, limit: int) -> list[DraftRow]:
    """Drafts, newest first; only those filed before the position `before`, if given."""
    query = select(DRAFTS).order_by(DRAFTS.c.position.desc()).limit(limit)
    if status is not None:
        query = query.where(DRAFTS.c.status == status)
    if before is not None:
        query = query.where(DRAFTS.c.position < before)
    return await _rows(connection, query)


async def draft(connection: AsyncConnection, draft_id: str) -> DraftRow | None:
    """One draft; None when it does not exist."""
    found = await _rows(connection, select(DRAFTS).where(DRAFTS.c.draft_id == draft_id))
    return found[0] if found else None


async def _rows(connection: AsyncConnection, query: Select[Any]) -> list[DraftRow]:
    return [DraftRow(**row._mapping) for row in await connection.execute(query)]


async def content(connection: AsyncConnection, draft_id: str) -> Content:
    """The whole content of a draft."""
    query = select(DRAFT_PIECES.c.body).where(DRAFT_PIECES.c.draft_id == draft_id).order_by(DRAFT_PIECES.c.nth)
    held = Content()
    for (body,) in await connection.execute(query):
        held += Content.model_validate_json(body)
    return held
