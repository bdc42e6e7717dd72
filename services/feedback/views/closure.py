"""Queries for the closure of entries: the whole ledger of one entry, and the entries with effects that are not proved undone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.entry import EntryState, LedgerEntry
from services.feedback.domain.line import LedgerLine
from services.feedback.views.ledger import ENTRIES, LINES, entry_of, line_of
from services.feedback.views.measures import MEASURES
from services.feedback.views.scope import Scope
from shared.database import among


@dataclass(frozen=True, slots=True)
class LineWithText:
    """A line with the text and kind of its measure; None before the direction is read."""

    line: LedgerLine
    text_zh: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class EntryLedger:
    """An entry with all its lines, ordered by department and id."""

    entry: LedgerEntry
    closings: int
    closed_at: datetime | None
    lines: tuple[LineWithText, ...]

    def part_of(self, department: str) -> "EntryLedger | None":
        """What concerns a department: the whole, when it initiated or published the entry; else its own lines, or None."""
        if department in (self.entry.initiated_by, self.entry.published_by):
            return self
        own = tuple(one for one in self.lines if one.line.department == department)
        return replace(self, lines=own) if own else None


async def ledger_of(connection: AsyncConnection, entry_id: str) -> EntryLedger | None:
    """The ledger of one entry; None when no event of it was read."""
    rows = (await connection.execute(select(ENTRIES).where(ENTRIES.c.entry_id == entry_id))).all()
    return next(iter(await _with_lines(connection, rows)), None)


async def still_in_force(connection: AsyncConnection, scope: Scope, after: str, limit: int) -> list[EntryLedger]:
    """Entries that are no longer in force and not closed: something is not proved undone (row N1). Ordered by entry id."""
    c = ENTRIES.c
    undoing = literal(EntryState.UNDOING.value, literal_execute=True)
    conditions = (c.state == undoing, c.entry_id > after, scope.entries)
    query = select(ENTRIES).where(*conditions).order_by(c.entry_id).limit(limit)
    return await _with_lines(connection, (await connection.execute(query)).all())


async def _with_lines(connection: AsyncConnection, entries: Sequence[Any]) -> list[EntryLedger]:
    lines: dict[str, list[LineWithText]] = {row.entry_id: [] for row in entries}
    for row in await connection.execute(_LINES, {"ids": list(lines)}):
        lines[row.entry_id].append(LineWithText(line_of(row), row.text_zh, row.kind))
    return [EntryLedger(entry_of(row), row.closings, row.closed_at, tuple(lines[row.entry_id])) for row in entries]


_LINES = (
    select(LINES, MEASURES.c.text_zh, MEASURES.c.kind)
    .select_from(
        LINES.outerjoin(
            MEASURES,
            (MEASURES.c.measure_id == LINES.c.measure_id) & (MEASURES.c.measure_version == LINES.c.measure_version),
        )
    )
    .where(among(LINES.c.entry_id, "ids"))
    .order_by(LINES.c.department, LINES.c.line_id)
)
