"""What the rooms of a service share: where it stores, who its subjects are, by which book it judges, what time it is."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import Clock, MovableClock
from shared.eventstore import EventStore
from shared.eventstore.committer import Committer
from shared.eventstore.schema import CLOCK
from shared.identity import Seal, SubjectKeys
from shared.lawbook.shelf import Shelf
from shared.settings import Settings


@dataclass
class Core:
    """One service's share of the world."""

    name: str
    settings: Settings
    engine: AsyncEngine
    store: EventStore
    clock: Clock
    committer: Committer
    keys: SubjectKeys
    seal: Seal
    shelf: Shelf | None

    @property
    def lawbook(self) -> Shelf:
        """The service's copy of the law book; only of a service that was made with one."""
        if self.shelf is None:
            raise LookupError(f"{self.name} keeps no law book")
        return self.shelf

    async def restore_clock(self) -> None:
        """Put a movable clock where it was moved to: a restart does not move it back."""
        if isinstance(self.clock, MovableClock):
            async with self.engine.connect() as connection:
                seconds = await connection.scalar(select(CLOCK.c.offset_seconds))
            self.clock.offset = max(self.clock.offset, timedelta(seconds=seconds or 0))

    async def keep_clock(self) -> None:
        """Remember how far a movable clock was moved."""
        if isinstance(self.clock, MovableClock):
            seconds = int(self.clock.offset.total_seconds())
            moved = insert(CLOCK).values(single=1, offset_seconds=seconds)
            async with self.engine.begin() as connection:
                await connection.execute(
                    moved.on_conflict_do_update(index_elements=["single"], set_={"offset_seconds": seconds})
                )
