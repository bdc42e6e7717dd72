"""What the ledger is rebuilt from: all received events, in the order of arrival, then the conclusions of this service.

A rebuild reads tables of this service only, never Kafka. It decides nothing: it appends no event and sets no timer.
"""

from collections.abc import Sequence

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.stores import received
from services.feedback.stores.received import RECEIVED
from services.feedback.views import conclusions, ledger
from shared.eventstore.rebuild import OwnEvents, Source
from shared.runtime.core import Core


class ReceivedEvents:
    """The table `received`, in the order of arrival."""

    @property
    def table(self) -> Table:
        return RECEIVED

    async def end(self, connection: AsyncConnection) -> int:
        return await connection.scalar(select(func.max(RECEIVED.c.position))) or 0

    async def fold(self, connection: AsyncConnection, after: int, upto: int) -> int:
        events, last = await received.read(connection, after, upto)
        if events:
            await ledger.project(connection, events)
        return last


def sources(core: Core) -> Sequence[Source]:
    """Received events come first, because conclusions mark rows of the ledger."""
    return [ReceivedEvents(), OwnEvents(core.store, (conclusions.project,))]
