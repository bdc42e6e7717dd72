"""Decisions that need two officers: who decided what, and who confirmed or returned it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, DateTime, Index, Table, Text, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.repair.domain.content import case_of
from services.repair.domain.events import DecisionConfirmed, DecisionLapsed, DecisionMade, DecisionReturned
from services.repair.domain.visibility import Reader
from services.repair.schema import METADATA
from services.repair.views.entries import ENTRIES, act_id, readable_by
from shared.contracts.event import Event
from shared.contracts.listing import Suspends
from shared.database import RawJson, insert_rows, update_rows
from shared.eventstore import Recorded

AWAITING, CONFIRMED, RETURNED, LAPSED = "awaiting_confirmation", "confirmed", "returned", "lapsed"

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("entry_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Text),
    Column("status", Text, nullable=False),
    Column("content", RawJson, nullable=False),
    Column("suspends", Boolean, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("account", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_account", Text),
    Column("closed_by", Text),
    Column("return_reason", Text),
    Column("act_id", Text),
    Index(None, "status", "decision_id"),
    Index(None, "entry_id"),
    Index(None, "act_id"),
    Index(None, "case_id"),
)
"""`content`: without sealed names and numbers. `closed_*`: who confirmed or returned it. `act_id`: the act that it led to."""

NOT_SHOWN: Any = {"changes": {"responsible": {"__all__": {"subject": {"sealed_name", "sealed_number"}}}}}
"""Ciphertexts in the content of a decision: they leave the service with the published entry only."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Add decisions, close them. Two statements, whatever the number of events."""
    await insert_rows(connection, DECISIONS, [row for recorded in events if (row := _made(recorded))])
    await update_rows(
        connection, DECISIONS, ("decision_id",), [row for recorded in events if (row := _closed(recorded))]
    )


def _made(recorded: Recorded) -> dict[str, Any] | None:
    event = recorded.event
    if not isinstance(event, DecisionMade):
        return None
    return {
        "decision_id": event.decision_id,
        "entry_id": event.entry_id,
        "kind": event.content.kind,
        "case_id": case_of(event.content),
        "status": AWAITING,
        "content": event.content.model_dump_json(exclude=NOT_SHOWN),
        "suspends": Suspends.MEASURES in event.suspends,
        "decided_at": recorded.effective_at,
        "account": event.account,
        "department": event.department,
    }


def _closed(recorded: Recorded) -> dict[str, Any] | None:
    event = recorded.event
    if not isinstance(event, DecisionConfirmed | DecisionReturned | DecisionLapsed):
        return None
    lapsed = isinstance(event, DecisionLapsed)
    return {
        "decision_id": event.decision_id,
        "status": _STATUS[type(event)],
        "closed_at": recorded.effective_at,
        "closed_account": None if lapsed else event.account,
        "closed_by": None if lapsed else event.department,
        "return_reason": event.reason if isinstance(event, DecisionReturned) else None,
        "act_id": _act_id(event, recorded.version) if isinstance(event, DecisionConfirmed) else None,
    }


def _act_id(confirmed: DecisionConfirmed, version: int) -> str | None:
    """The act that follows the confirmation in the stream: the next event, after the one that closes the objection, if any.

    A repair is no act: its case shows it.
    """
    if confirmed.kind == "repair":
        return None
    return act_id(confirmed.entry_id, version + (2 if confirmed.kind == "objection" else 1))


_STATUS: dict[type[Event], str] = {
    DecisionConfirmed: CONFIRMED,
    DecisionReturned: RETURNED,
    DecisionLapsed: LAPSED,
}


async def found(connection: AsyncConnection, decision_id: str) -> Any | None:
    """Entry, kind and case of a decision; None when it does not exist."""
    query = select(DECISIONS.c.entry_id, DECISIONS.c.kind, DECISIONS.c.case_id)
    return (await connection.execute(query.where(DECISIONS.c.decision_id == decision_id))).one_or_none()


async def decisions(
    connection: AsyncConnection, reader: Reader, status: str, entry_id: str | None, after: str, limit: int
) -> list[Any]:
    """The decisions of a status that the reader may read, by id (in the order in which they were made), after the id `after`."""
    query = _readable_by(reader).where(DECISIONS.c.status == status)
    if entry_id is not None:
        query = query.where(DECISIONS.c.entry_id == entry_id)
    if after:
        query = query.where(DECISIONS.c.decision_id > after)
    return list(await connection.execute(query.order_by(DECISIONS.c.decision_id).limit(limit)))


async def decision(connection: AsyncConnection, reader: Reader, decision_id: str) -> Any | None:
    """One decision; None when it does not exist or the reader may not read it."""
    query = _readable_by(reader).where(DECISIONS.c.decision_id == decision_id)
    return (await connection.execute(query)).one_or_none()


def _readable_by(reader: Reader) -> Any:
    """Decisions about entries that the reader may read, and those that its department confirms by the law book."""
    allowed: ColumnElement[bool] = readable_by(reader)
    if reader.confirms_for:
        allowed = or_(allowed, DECISIONS.c.department.in_(reader.confirms_for))
    return select(DECISIONS).join(ENTRIES, ENTRIES.c.entry_id == DECISIONS.c.entry_id).where(allowed)
