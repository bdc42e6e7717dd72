"""Objections and requests for repair: reason, filing day and department, day until which to verify, decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Table, Text, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.repair.domain.events import (
    CaseLapsed,
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    RepairRefused,
    RepairRequested,
    VerificationBegun,
)
from services.repair.domain.state import CaseKind
from services.repair.domain.visibility import Reader
from services.repair.schema import METADATA
from services.repair.views.decisions import CONFIRMED, DECISIONS
from services.repair.views.entries import ENTRIES, readable_by
from shared.contracts.event import EntryId, Event
from shared.contracts.listing import EntryRepaired, Suspends
from shared.database import insert_rows, update_rows
from shared.eventstore import Recorded

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", Text, primary_key=True),
    Column("entry_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("suspends", Boolean, nullable=False),
    Column("verify_by", Date),
    Column("filed_at", DateTime(timezone=True), nullable=False),
    Column("filed_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("decision_reason", Text),
    Column("document_number", Text),
    Column("ground", Text),
    Column("new_evidence", Text, nullable=False, server_default=""),
    Column("suspends_publicity", Boolean, nullable=False, server_default=false()),
    Column("suspends_sharing", Boolean, nullable=False, server_default=false()),
    Column("suspension_begins", Text),
    Column("verified_from", DateTime(timezone=True)),
    Column("earliest_on", Date),
    Index(None, "entry_id"),
    Index(None, "kind", "status", "case_id"),
)
"""`status`: open, then upheld or rejected, granted or refused, or lapsed. `filed_by`, `decided_by`: departments."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """The filters of a list of cases; None means every case."""

    entry_id: str | None = None
    status: str | None = None
    due_before: date | None = None
    """Open cases whose last day to verify is before this day."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Add opened cases, mark verified ones, close decided ones. Three statements, whatever the number of events."""
    await insert_rows(connection, CASES, [row for recorded in events if (row := _opened(recorded))])
    begun = [
        {"case_id": recorded.event.case_id, "verified_from": recorded.effective_at}
        for recorded in events
        if isinstance(recorded.event, VerificationBegun)
    ]
    await update_rows(connection, CASES, ("case_id",), begun)
    await update_rows(connection, CASES, ("case_id",), [row for recorded in events if (row := _decided(recorded))])


def _opened(recorded: Recorded) -> dict[str, Any] | None:
    event = recorded.event
    if not isinstance(event, ObjectionFiled | RepairRequested):
        return None
    objection = event if isinstance(event, ObjectionFiled) else None
    return {
        "case_id": event.case_id,
        "entry_id": event.entry_id,
        "kind": "objection" if objection else "repair",
        "status": "open",
        "reason": event.reason,
        "evidence": "" if isinstance(event, ObjectionFiled) else event.evidence,
        "suspends": objection.suspends if objection else False,
        "verify_by": objection.verify_by if objection else None,
        "filed_at": recorded.effective_at,
        "filed_by": recorded.metadata.department,
        "ground": objection.ground.value if objection else None,
        "new_evidence": objection.new_evidence if objection else "",
        "suspends_publicity": objection is not None and Suspends.PUBLICITY in objection.suspends_also,
        "suspends_sharing": objection is not None and Suspends.SHARING in objection.suspends_also,
        "suspension_begins": objection.suspension_begins.value if objection else None,
        "earliest_on": event.earliest_on if isinstance(event, RepairRequested) else None,
    }


def _decided(recorded: Recorded) -> dict[str, Any] | None:
    decided = _decision(recorded.event)
    if decided is None:
        return None
    case_id, status, reason, document_number = decided
    return {
        "case_id": case_id,
        "status": status,
        "decided_at": recorded.effective_at,
        "decided_by": recorded.metadata.department,
        "decision_reason": reason,
        "document_number": document_number,
    }


def _decision(event: Event) -> tuple[str, str, str | None, str | None] | None:
    match event:
        case ObjectionUpheld():
            return event.case_id, "upheld", event.reason, event.document_number
        case ObjectionRejected():
            return event.case_id, "rejected", event.reason, None
        case EntryRepaired():
            return event.case_id, "granted", event.reason, event.document_number
        case RepairRefused():
            return event.case_id, "refused", event.reason, None
        case CaseLapsed():
            return event.case_id, "lapsed", None, None
        case _:
            return None


async def entry_of(connection: AsyncConnection, kind: CaseKind, case_id: str) -> EntryId | None:
    """The entry of a case; None when no case of this kind has the id."""
    return await connection.scalar(select(CASES.c.entry_id).where(CASES.c.case_id == case_id, CASES.c.kind == kind))


async def cases(
    connection: AsyncConnection, reader: Reader, kind: CaseKind, wanted: CaseFilter, after: str, limit: int
) -> list[Any]:
    """The cases that the reader may read, by id (in order of filing), after the id `after`."""
    query = _readable_by(reader).where(CASES.c.kind == kind).order_by(CASES.c.case_id).limit(limit)
    if wanted.entry_id is not None:
        query = query.where(CASES.c.entry_id == wanted.entry_id)
    if wanted.status is not None:
        query = query.where(CASES.c.status == wanted.status)
    if wanted.due_before is not None:
        query = query.where(CASES.c.status == "open", CASES.c.verify_by < wanted.due_before)
    if after:
        query = query.where(CASES.c.case_id > after)
    return list(await connection.execute(query))


async def case(connection: AsyncConnection, reader: Reader, kind: CaseKind, case_id: str) -> Any | None:
    """One case; None when it does not exist or the reader may not read it."""
    query = _readable_by(reader).where(CASES.c.kind == kind, CASES.c.case_id == case_id)
    return (await connection.execute(query)).one_or_none()


def _readable_by(reader: Reader) -> Any:
    """Cases of entries that the reader may read, and cases that its department filed.

    `decided_by` is the department that decided, not the one that confirmed.
    """
    own = [column for column in CASES.c if column.name != "decided_by"]
    decided_by = func.coalesce(DECISIONS.c.department, CASES.c.decided_by).label("decided_by")
    joined = (
        select(*own, decided_by, DECISIONS.c.decision_id, DECISIONS.c.closed_by.label("confirmed_by"))
        .join(ENTRIES, ENTRIES.c.entry_id == CASES.c.entry_id)
        .outerjoin(DECISIONS, and_(DECISIONS.c.case_id == CASES.c.case_id, DECISIONS.c.status == CONFIRMED))
    )
    return joined.where(or_(readable_by(reader), CASES.c.filed_by == reader.department))
