"""One row for each reading of a natural person (row 25), and one for each entry that it showed. Refused readings have a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Index,
    Table,
    Text,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.reading import WINDOW, PersonRead, ReadingRefused, Recent
from services.registry.schema import METADATA
from shared.calendar.working_days import day_start
from shared.contracts.event import DepartmentId, SubjectKey
from shared.database import insert_rows, one_of
from shared.eventstore.body_projection import StoredBody, project_bodies

READINGS = Table(
    "readings",
    METADATA,
    Column("reading_id", Text, primary_key=True),
    Column("read_at", DateTime(timezone=True), nullable=False),
    Column("account", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("business_number", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("effective_at", Date),
    Column("known_at", DateTime(timezone=True)),
    Column("history", Boolean, nullable=False),
    Column("refused_by", Text),
    Index(None, "department", "read_at"),
)
"""`roles`: separated by spaces. `region`: of the department.

`refused_by`: the limit that was reached; null: the reading was answered."""

ENTRIES_READ = Table(
    "entries_read",
    METADATA,
    Column("reading_id", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("jurisdiction", Text, nullable=False),
    Index(None, "entry_id"),
)


@project_bodies(PersonRead, ReadingRefused)
async def project(connection: AsyncConnection, stored: Sequence[StoredBody], /) -> None:
    events = [orjson.loads(one.body) for one in stored]
    await insert_rows(connection, READINGS, [_row(event) for event in events])
    entries = [{"reading_id": e["reading_id"], **entry} for e in events for entry in e.get("entries", ())]
    await insert_rows(connection, ENTRIES_READ, entries)


def _row(event: dict[str, Any]) -> dict[str, Any]:
    known_at, effective_at = event.get("known_at"), event.get("effective_at")
    return {
        "reading_id": event["reading_id"],
        "read_at": datetime.fromisoformat(event["read_at"]),
        "account": event["account"],
        "department": event["department"],
        "region": event["region"],
        "roles": " ".join(sorted(event["roles"])),
        "purpose": event["purpose"],
        "business_number": event["business_number"],
        "subject_key": event["subject"],
        "asked": event["asked"],
        "effective_at": effective_at and date.fromisoformat(effective_at),
        "known_at": known_at and datetime.fromisoformat(known_at),
        "history": event.get("history", False),
        "refused_by": event.get("limit"),
    }


async def recent(
    connection: AsyncConnection, department: DepartmentId, account: str, besides: SubjectKey, now: datetime
) -> tuple[Recent, Recent, bool]:
    """What the account, and the department, has read within the hour besides one person; and whether a refusal of the account is
    recorded within the hour."""
    c = READINGS.c
    within = (c.department == department) & (c.read_at > now - WINDOW)
    by_account = await _persons(connection, within & (c.account == account), besides)
    refused = select(c.reading_id).where(within, c.account == account, c.refused_by.is_not(None)).limit(1)
    return (
        by_account,
        await _persons(connection, within, besides),
        await connection.scalar(refused) is not None,
    )


async def _persons(connection: AsyncConnection, within: ColumnElement[bool], besides: SubjectKey) -> Recent:
    c = READINGS.c
    read = (
        select(func.max(c.read_at).label("last"))
        .where(within, c.refused_by.is_(None), c.subject_key != besides)
        .group_by(c.subject_key)
        .subquery()
    )
    row = (await connection.execute(select(func.count(), func.min(read.c.last)).select_from(read))).one()
    persons, first = row
    return Recent(persons, first + WINDOW if first else None)


@dataclass(frozen=True, slots=True)
class ReadingQuery:
    """Which readings to list. Days are those of Asia/Shanghai; a field that is None is no condition."""

    regions: frozenset[str]
    """Readings by departments of these regions, and readings of entries of these regions."""
    department: str | None = None
    account: str | None = None
    entry_id: str | None = None
    since: date | None = None
    until: date | None = None


async def page(connection: AsyncConnection, query: ReadingQuery, after: str, limit: int) -> list[Any]:
    """At most `limit` readings, newest first, with `entries`: those that the regions include. `after`: a reading id."""
    c, e = READINGS.c, ENTRIES_READ.c
    by_region, of_region = one_of(c.region, query.regions), one_of(e.jurisdiction, query.regions)
    mine = by_region | of_region
    entries = (
        select(func.array_agg(e.entry_id))
        .where(e.reading_id == c.reading_id, mine)
        .correlate(READINGS)
        .scalar_subquery()
        .label("entries")
    )
    seen = by_region | select(e.entry_id).where(e.reading_id == c.reading_id, of_region).exists()
    statement = select(READINGS, entries).where(seen)
    for condition in _conditions(query, after):
        statement = statement.where(condition)
    return list(await connection.execute(statement.order_by(c.reading_id.desc()).limit(limit)))


def _conditions(query: ReadingQuery, after: str) -> list[ColumnElement[bool]]:
    c, e = READINGS.c, ENTRIES_READ.c
    found: list[ColumnElement[bool]] = []
    if after:
        found.append(c.reading_id < after)
    if query.department is not None:
        found.append(c.department == query.department)
    if query.account is not None:
        found.append(c.account == query.account)
    if query.entry_id is not None:
        of_entry = one_of(e.jurisdiction, query.regions) | one_of(c.region, query.regions)
        shows = select(e.entry_id).where(e.reading_id == c.reading_id, e.entry_id == query.entry_id, of_entry)
        found.append(shows.exists())
    if query.since is not None:
        found.append(c.read_at >= day_start(query.since))
    if query.until is not None:
        found.append(c.read_at < day_start(query.until + timedelta(days=1)))
    return found
