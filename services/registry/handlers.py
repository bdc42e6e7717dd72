"""The command that arrives over HTTP: an officer starts a rehearsal."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.draft import draft_faults, in_order
from services.registry.domain.rehearsal import Mode
from services.registry.stores import rehearsals
from shared.calendar.working_days import today
from shared.eventstore import Session
from shared.lawbook.items import Item
from shared.rejection import reject_all
from shared.runtime.core import Core


async def start_rehearsal(
    core: Core, session: Session, account: str, mode: Mode, items: Sequence[Item]
) -> Mapping[str, Any]:
    """The row of a new rehearsal of these items, asked for by this account. The worker of `jobs/rehearsals.py` begins it.

    Raises Rejected with every fault of the draft.
    """
    book = await core.lawbook.current()
    ordered = in_order(items)
    reject_all(draft_faults(book, ordered))
    row = rehearsals.new(account, session.now, mode.value, ordered, book.version, today(session.now))

    async def insert(connection: AsyncConnection) -> None:
        await rehearsals.insert_new(connection, row)

    session.also(insert)
    return row
