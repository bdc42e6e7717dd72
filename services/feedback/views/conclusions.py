"""The conclusions of feedback, as columns of the ledger: when a loop closed, and which obligations were published as overdue."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Text, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.events import LoopReopened
from services.feedback.domain.states import OWES_IN
from services.feedback.views.ledger import ENTRIES, LINES
from shared.contracts.feedback import LoopClosed, ObligationOverdue
from shared.eventstore import Recorded

_STATE = {owes.value: state.value for state, owes in OWES_IN.items()}
"""The state of a line in which each obligation is owed."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Called in the transaction that appends events; by a rebuild with all events, in order."""
    await _project_closings(connection, events)
    await _project_notices(connection, [r.event for r in events if isinstance(r.event, ObligationOverdue)])


async def _project_closings(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    closed_at: dict[str, datetime | None] = {}
    closings: dict[str, int] = {}
    for recorded in events:
        match recorded.event:
            case LoopClosed(entry_id=entry_id):
                closed_at[entry_id] = recorded.effective_at
                closings[entry_id] = closings.get(entry_id, 0) + 1
            case LoopReopened(entry_id=entry_id):
                closed_at[entry_id] = None
            case _:
                pass
    if closed_at:
        ids = list(closed_at)
        values = {"ids": ids, "at": list(closed_at.values()), "more": [closings.get(entry_id, 0) for entry_id in ids]}
        await connection.execute(_CLOSE, values)


async def _project_notices(connection: AsyncConnection, notices: Sequence[ObligationOverdue]) -> None:
    """A notice about something that is no longer owed changes nothing; this happens in a rebuild."""
    if notices:
        values = {
            "entries": [notice.entry_id for notice in notices],
            "ids": [notice.line_id for notice in notices],
            "states": [_STATE[notice.owes] for notice in notices],
            "due": [notice.due_on for notice in notices],
        }
        await connection.execute(_NOTICE, values)


_closed = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Text())),
        bindparam("at", type_=ARRAY(DateTime(timezone=True))),
        bindparam("more", type_=ARRAY(BigInteger())),
    )
    .table_valued("entry_id", "at", "more")
    .render_derived(name="closed")
)
_CLOSE = (
    update(ENTRIES)
    .where(ENTRIES.c.entry_id == _closed.c.entry_id)
    .values(closed_at=_closed.c.at, closings=ENTRIES.c.closings + _closed.c.more)
)

_noticed = (
    func.unnest(
        bindparam("entries", type_=ARRAY(Text())),
        bindparam("ids", type_=ARRAY(Text())),
        bindparam("states", type_=ARRAY(Text())),
        bindparam("due", type_=ARRAY(Date())),
    )
    .table_valued("entry_id", "line_id", "state", "due_on")
    .render_derived(name="noticed")
)
_NOTICE = (
    update(LINES)
    .where(
        LINES.c.entry_id == _noticed.c.entry_id,
        LINES.c.line_id == _noticed.c.line_id,
        LINES.c.state == _noticed.c.state,
        LINES.c.due_on == _noticed.c.due_on,
    )
    .values(noticed=True)
)
