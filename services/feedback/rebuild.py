"""From what the ledger is made anew: everything received, as it came, and what this service concluded.

It reads this service's own tables, never Kafka, and concludes nothing: no event is appended, no timer set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.reactions import take
from services.feedback.views import conclusions, received
from services.feedback.views.received import RECEIVED
from shared.eventstore import EventStore, Metadata, Session
from shared.eventstore.rebuild_sources import OwnEvents, Source
from shared.messaging.reaction import Batch
from shared.runtime.core import Core


@dataclass(frozen=True)
class Received:
    """The table `received`, in the order of arrival."""

    store: EventStore

    @property
    def table(self) -> Table:
        return RECEIVED

    async def end(self, connection: AsyncConnection) -> int:
        return await connection.scalar(select(func.max(RECEIVED.c.position))) or 0

    async def fold(self, connection: AsyncConnection, after: int, upto: int) -> int:
        # The ledger asks its session for nothing here: time and cause are those of the events.
        session = Session(self.store, datetime.now(UTC), Metadata("service:feedback"), connection)
        heard, last = await received.some_heard(connection, after, upto)
        if heard:
            await take(Batch(connection, session), heard)
        return last


def sources(core: Core) -> Sequence[Source]:
    """Received events first: conclusions mark lines that are in the ledger."""
    return [Received(core.store), OwnEvents(core.store, (conclusions.project,))]
