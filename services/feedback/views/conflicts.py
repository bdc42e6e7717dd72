"""The query of the conflict radar (row N8): lines whose effect has no basis, until it is undone. It decides nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.views.ledger import ENTRIES, LINES
from services.feedback.views.measures import MEASURES
from services.feedback.views.obligations import WITH_TEXT
from shared.contracts.event import DepartmentId


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Whose lines to read: those of `own`, and those of entries in the regions. `department`: only its lines."""

    own: DepartmentId
    regions: Collection[str]
    department: DepartmentId | None = None


async def without_basis(connection: AsyncConnection, query: ConflictQuery, after: str, limit: int) -> list[Any]:
    """Lines that were applied without a basis and are not undone, ordered by line id. `after`: a line id."""
    c, entry = LINES.c, ENTRIES.c
    statement = (
        select(LINES, MEASURES.c.text_zh, entry.subject_name, entry.list_kind, entry.jurisdiction)
        .select_from(WITH_TEXT.join(ENTRIES, entry.entry_id == c.entry_id))
        .where(c.without_basis.is_not(None), c.undone.is_(None), c.line_id > after)
        .where(or_(c.department == query.own, entry.jurisdiction.in_(sorted(query.regions))))
        .order_by(c.line_id)
        .limit(limit)
    )
    if query.department is not None:
        statement = statement.where(c.department == query.department)
    return list(await connection.execute(statement))
