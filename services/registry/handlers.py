"""The commands of the registry over HTTP: a rehearsal is started (N6)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.draft import draft_faults, in_order
from services.registry.stores import rehearsals
from shared.calendar.working_days import today
from shared.eventstore import Session
from shared.lawbook.items import Item
from shared.rejection import reject_all
from shared.runtime.core import Core


async def start_rehearsal(core: Core, session: Session, by: str, mode: str, items: Sequence[Item]) -> dict[str, Any]:
    """Store a rehearsal of a draft; a job runs it. Returns its row. Raises Rejected with every fault of the draft.

    `by`: the account of the officer. Nothing of the draft is published.
    """
    book = await core.lawbook.current()
    ordered = in_order(items)
    reject_all(draft_faults(book, ordered))
    row = rehearsals.new(by, session.now, mode, ordered, book.version, today(session.now))

    async def insert(connection: AsyncConnection) -> None:
        await rehearsals.insert_new(connection, row)

    session.also(insert)
    return row
