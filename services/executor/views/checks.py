"""One row for each check: who asked what, the findings, and the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Index, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor.domain.events import CheckMade, OutcomeRecorded
from services.executor.schema import METADATA
from shared.contracts.event import DepartmentId
from shared.database import RawJson, insert_rows, update_rows
from shared.eventstore import Recorded

CHECKS = Table(
    "checks",
    METADATA,
    Column("check_id", Text, primary_key=True),
    Column("department", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("awaiting", Boolean, nullable=False),
    Column("made", RawJson, nullable=False),
    Column("outcome", RawJson),
    Index(None, "department", "awaiting", "check_id"),
)
"""`made` and `outcome` are the events as JSON. `awaiting`: the check has hits and no outcome."""


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A check and its outcome. `asked_by`: the account that asked."""

    made: CheckMade
    asked_by: str
    outcome: OutcomeRecorded | None


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    made = [_row(r, e) for r in events if isinstance(e := r.event, CheckMade)]
    await insert_rows(connection, CHECKS, made)
    outcomes = [
        {"check_id": e.check_id, "awaiting": False, "outcome": e.model_dump_json()}
        for r in events
        if isinstance(e := r.event, OutcomeRecorded)
    ]
    await update_rows(connection, CHECKS, ("check_id",), outcomes)


def _row(recorded: Recorded, event: CheckMade) -> dict[str, object]:
    return {
        "check_id": event.check_id,
        "department": event.department,
        "asked_by": recorded.metadata.actor,
        "awaiting": bool(event.hits),
        "made": event.model_dump_json(),
    }


async def find(connection: AsyncConnection, check_id: str) -> StoredCheck | None:
    row = (await connection.execute(select(CHECKS).where(CHECKS.c.check_id == check_id))).one_or_none()
    return None if row is None else _stored(row)


async def awaiting_outcome(
    connection: AsyncConnection, department: DepartmentId, after: str, limit: int
) -> list[StoredCheck]:
    """Checks with hits and without an outcome, oldest first (ids rise with time). `after`: a check id."""
    c = CHECKS.c
    query = (
        select(CHECKS)
        .where(c.department == department, c.awaiting, c.check_id > after)
        .order_by(c.check_id)
        .limit(limit)
    )
    return [_stored(row) for row in await connection.execute(query)]


def _stored(row: Any) -> StoredCheck:
    outcome = OutcomeRecorded.model_validate_json(row.outcome) if row.outcome else None
    return StoredCheck(CheckMade.model_validate_json(row.made), row.asked_by, outcome)
