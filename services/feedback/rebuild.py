"""Making the ledger anew from what was received and concluded: after a fault in the folding was mended, or a table was lost.

It reads this service's own tables, never Kafka, and concludes nothing: no event is appended, no timer set. Consumers and
the sweep wait; readers see the old ledger until the new one is committed.
"""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.reactions import take
from services.feedback.views import conclusions, ledger, received
from shared.eventstore import Metadata, Session
from shared.eventstore.schema import EVENTS
from shared.messaging.reaction import Batch
from shared.service import Core

_AT_ONCE = 2_000


async def rebuild(core: Core) -> None:
    """One transaction: all of it, or nothing."""
    async with core.engine.begin() as connection:
        await connection.execute(text("LOCK TABLE received IN SHARE MODE"))
        await ledger.clear(connection)
        batch = Batch(connection, Session(core.store, core.clock.now(), Metadata("service:feedback"), connection))
        async for heard in received.all_heard(connection):
            await take(batch, heard)
        await _conclusions_again(core, connection)


async def _conclusions_again(core: Core, connection: AsyncConnection) -> None:
    position = 0
    while True:
        query = select(EVENTS).where(EVENTS.c.position > position).order_by(EVENTS.c.position).limit(_AT_ONCE)
        rows = (await connection.execute(query)).all()
        if not rows:
            return
        position = rows[-1].position
        await conclusions.project(connection, [core.store.recorded(row) for row in rows])
