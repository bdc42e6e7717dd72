"""The sweep: finds obligations whose last day has passed and says so, once each (rows 17 and 22).

A deadline is a date, and most are met: hence no timer for each, but a look at an index of the dates. A pass goes through
the overdue lines in chunks, each a transaction of its own; one that breaks off is begun again and finds what is left.
Instances do not harm one another: a line is noticed under the lock of its entry.

Nobody is called late by a ledger that has not heard everything. Before it speaks, a pass asks the broker how far the
partitions reach, and speaks only of lines whose partitions this service has read that far.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.line import LineState, Owes
from services.feedback.domain.loop import NoticeOverdue
from services.feedback.handlers import OBLIGATION
from services.feedback.views import obligations
from services.feedback.views.ledger import LINES
from shared.calendar.working_days import today
from shared.contracts.event import Topic
from shared.database import update_rows
from shared.eventstore import Metadata, Session
from shared.eventstore.partitions import partition_of
from shared.eventstore.schema import OFFSETS
from shared.messaging.broker import connection_arguments
from shared.polling import PollingWorker
from shared.runtime.core import Core

POLL_SECONDS = 1.0
_CHUNK = 500
_TRIES = 20
_PAUSE = 0.1
_TOLD_BY = (Topic.RESPONSE, Topic.EXECUTION)
"""The topics on which a line's events stand, in the partition of its subject."""


class OverdueSweep(PollingWorker):
    """Notices what is overdue by the service's clock, until it is stopped."""

    def __init__(self, core: Core) -> None:
        super().__init__("overdue sweep", idle_seconds=POLL_SECONDS)
        self._core = core

    async def poll(self) -> bool:
        """One pass. It leaves only what it must not speak of yet, which more haste would not bring."""
        await self.sweep()
        return False

    async def sweep(self) -> int:
        """One pass over all that is overdue and unnoticed; how many notices it gave."""
        day = today(self._core.clock.now())
        given = 0
        after: tuple[date, str] | None = None
        heard: set[int] | None = None
        while rows := await self._unnoticed(day, after):
            if heard is None:
                heard = await self._heard_in_full()
            ready = [row for row in rows if partition_of(row.subject, self._core.settings.partitions) in heard]
            given += await self._notice(day, ready) if ready else 0
            after = (rows[-1].due_on, rows[-1].line_id)
        return given

    async def _unnoticed(self, day: date, after: tuple[date, str] | None) -> list[Any]:
        async with self._core.engine.connect() as connection:
            return await obligations.unnoticed(connection, day, after, _CHUNK)

    async def _notice(self, day: date, rows: Sequence[Any]) -> int:
        core = self._core
        async with core.engine.begin() as connection:
            overdue = await obligations.lock_unnoticed(connection, day, rows)
            session = Session(core.store, core.clock.now(), Metadata("service:feedback"), connection)
            await session.load(OBLIGATION, [row.line_id for row in overdue])
            for row in overdue:
                session.do_loaded(OBLIGATION, row.line_id, _notice(row))
            told = [{"entry_id": r.entry_id, "line_id": r.line_id, "noticed": True} for r in overdue]
            await update_rows(connection, LINES, ("entry_id", "line_id"), told)
            recorded = await core.store.write(connection, [session.change()])
        core.store.committed()
        return len(recorded)

    async def _heard_in_full(self) -> set[int]:
        """The partitions that this service has read, on both topics, as far as they reach now."""
        partitions = range(self._core.settings.partitions)
        ends = await self._ends()
        heard: set[int] = set()
        for _ in range(_TRIES):
            async with self._core.engine.connect() as connection:
                places = await _places(connection)
            heard = {n for n in partitions if all(places.get((t, n), 0) >= ends[t, n] for t in _TOLD_BY)}
            if len(heard) == len(partitions):
                break
            await asyncio.sleep(_PAUSE)
        return heard

    async def _ends(self) -> dict[tuple[str, int], int]:
        topics = self._core.settings.topics
        asked = {
            TopicPartition(topics.name(topic), number): (topic.value, number)
            for topic in _TOLD_BY
            for number in range(topics.partitions)
        }
        consumer = AIOKafkaConsumer(**connection_arguments(self._core.settings.broker))
        try:
            await consumer.start()
            ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(list(asked)))
            return {asked[tp]: end for tp, end in ends.items()}
        finally:
            await consumer.stop()


async def _places(connection: AsyncConnection) -> dict[tuple[str, int], int]:
    rows = await connection.execute(select(OFFSETS.c.topic, OFFSETS.c.partition, OFFSETS.c.next_offset))
    return {(row.topic, row.partition): row.next_offset for row in rows}


def _notice(row: Any) -> NoticeOverdue:
    return NoticeOverdue(
        entry_id=row.entry_id,
        line_id=row.line_id,
        department=row.department,
        subject=row.subject,
        owes=Owes.ANSWER if row.state == LineState.WAITING else Owes.UNDO,
        due_on=row.due_on,
    )
