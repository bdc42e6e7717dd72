"""The dependencies that the modules of one service share: store, clock, committer, identity secrets, law book."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.calendar.clock import Clock, MovableClock
from shared.eventstore import EventStore
from shared.eventstore.committer import Committer
from shared.eventstore.schema import CLOCK
from shared.identity import Seal, SubjectKeys
from shared.runtime.lawbook_copy import LawBookCopy
from shared.runtime.settings import Settings


@dataclass
class Core:
    """The dependencies of one service instance."""

    name: str
    settings: Settings
    engine: AsyncEngine
    store: EventStore
    clock: Clock
    committer: Committer
    keys: SubjectKeys
    seal: Seal
    lawbook_copy: LawBookCopy | None

    @property
    def lawbook(self) -> LawBookCopy:
        """The service's copy of the law book. Raises LookupError if the definition of the service has no `lawbook_table`."""
        if self.lawbook_copy is None:
            raise LookupError(f"{self.name} has no copy of the law book")
        return self.lawbook_copy

    async def restore_clock(self) -> None:
        """Apply the stored offset of a movable clock, so that a restart does not move it back."""
        if isinstance(self.clock, MovableClock):
            async with self.engine.connect() as connection:
                seconds = await connection.scalar(select(CLOCK.c.offset_seconds))
            self.clock.offset = max(self.clock.offset, timedelta(seconds=seconds or 0))

    async def save_clock(self) -> None:
        """Store the offset of a movable clock."""
        if isinstance(self.clock, MovableClock):
            seconds = int(self.clock.offset.total_seconds())
            moved = insert(CLOCK).values(single=1, offset_seconds=seconds)
            async with self.engine.begin() as connection:
                await connection.execute(
                    moved.on_conflict_do_update(index_elements=["single"], set_={"offset_seconds": seconds})
                )
