"""The end of a term: what the timers `expire:<entry_id>` do (row 14)."""

from collections.abc import Sequence

from services.repair.domain.commands import Expire
from services.repair.domain.entry import ENTRY
from services.repair.handlers.entry import schedule_expiry
from shared.contracts.event import EntryId
from shared.eventstore import Session, Timer
from shared.runtime.core import Core
from shared.timers.worker import Fire


def expiry(core: Core) -> Fire:
    """The function that ends the entries of timers that are due. An entry with a longer term gets its timer set again."""

    async def expire(session: Session, timers: Sequence[Timer]) -> None:
        entry_ids = [EntryId(timer.payload["entry_id"]) for timer in timers]
        await session.load(ENTRY, entry_ids)
        book = await core.lawbook.current()
        for entry_id in entry_ids:
            session.do_loaded(ENTRY, entry_id, Expire(book))
            schedule_expiry(session, entry_id, await session.state(ENTRY, entry_id))

    return expire
