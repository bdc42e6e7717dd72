"""The overdue sweep: publishes obligations whose last day has passed, each once (rows 17 and 22).

A deadline is a date, and most deadlines are met. So there is no timer for each one, but a query on an index of the dates. A
pass goes through the overdue lines in chunks, each in a transaction of its own. An interrupted pass is started again and finds
what is left. Several instances do no harm: a line is published under the lock of its entry.

An obligation is published as overdue only when the partitions of its line are read to their end: the answer may be among the
events that are not read yet. A pass therefore asks the broker for the end of each partition before it publishes.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.obligation import OBLIGATION, NoticeOverdue
from services.feedback.domain.states import OWES_IN, LineState
from services.feedback.jobs.recount import recount
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
_READ_TRIES = 20
_READ_PAUSE_SECONDS = 0.1
_LINE_TOPICS = (Topic.RESPONSE, Topic.EXECUTION)
"""The topics with the events of a line, in the partition of its subject."""


class OverdueSweep(PollingWorker):
    """Publishes overdue obligations by the service's clock, until it is stopped."""

    def __init__(self, core: Core) -> None:
        super().__init__("overdue sweep", idle_seconds=POLL_SECONDS)
        self._core = core

    async def poll(self) -> bool:
        """One pass. Always False: what it leaves waits for partitions to be read, and polling at once would not help."""
        await self.sweep()
        return False

    async def sweep(self) -> int:
        """One pass over all overdue lines that are not published. Returns how many it published.

        First the deadlines are counted anew that were not certain and are now: nobody is called late by an uncertain day.
        """
        await recount(self._core)
        day = today(self._core.clock.now())
        published = 0
        after: tuple[date, str] | None = None
        fully_read: set[int] | None = None
        while rows := await self._unnoticed(day, after):
            if fully_read is None:
                fully_read = await self._fully_read_partitions()
            ready = [row for row in rows if partition_of(row.subject, self._core.settings.partitions) in fully_read]
            published += await self._publish(day, ready) if ready else 0
            after = (rows[-1].due_on, rows[-1].line_id)
        return published

    async def _unnoticed(self, day: date, after: tuple[date, str] | None) -> list[Any]:
        async with self._core.engine.connect() as connection:
            return await obligations.unpublished_overdue(connection, day, after, _CHUNK)

    async def _publish(self, day: date, rows: Sequence[Any]) -> int:
        core = self._core
        async with core.engine.begin() as connection:
            overdue = await obligations.lock_unpublished(connection, day, rows)
            session = Session(core.store, core.clock.now(), Metadata("service:feedback"), connection)
            await session.load(OBLIGATION, [row.line_id for row in overdue])
            for row in overdue:
                session.do_loaded(OBLIGATION, row.line_id, _command(row))
            noticed = [{"entry_id": r.entry_id, "line_id": r.line_id, "noticed": True} for r in overdue]
            await update_rows(connection, LINES, ("entry_id", "line_id"), noticed)
            recorded = await core.store.write(connection, [session.change()])
        core.store.committed()
        return len(recorded)

    async def _fully_read_partitions(self) -> set[int]:
        """The partitions that this service has read, on both topics, up to their current end."""
        partitions = range(self._core.settings.partitions)
        ends = await self._ends()
        fully_read: set[int] = set()
        for _ in range(_READ_TRIES):
            async with self._core.engine.connect() as connection:
                offsets = await _next_offsets(connection)
            fully_read = {n for n in partitions if all(offsets.get((t, n), 0) >= ends[t, n] for t in _LINE_TOPICS)}
            if len(fully_read) == len(partitions):
                break
            await asyncio.sleep(_READ_PAUSE_SECONDS)
        return fully_read

    async def _ends(self) -> dict[tuple[str, int], int]:
        """The end offset of each topic and partition, from the broker."""
        topics = self._core.settings.topics
        wanted = {
            TopicPartition(topics.name(topic), number): (topic.value, number)
            for topic in _LINE_TOPICS
            for number in range(topics.partitions)
        }
        consumer = AIOKafkaConsumer(**connection_arguments(self._core.settings.broker))
        try:
            await consumer.start()
            ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(list(wanted)))
            return {wanted[partition]: end for partition, end in ends.items()}
        finally:
            await consumer.stop()


async def _next_offsets(connection: AsyncConnection) -> dict[tuple[str, int], int]:
    """The next offset to read of each topic and partition."""
    rows = await connection.execute(select(OFFSETS.c.topic, OFFSETS.c.partition, OFFSETS.c.next_offset))
    return {(row.topic, row.partition): row.next_offset for row in rows}


def _command(row: Any) -> NoticeOverdue:
    return NoticeOverdue(
        entry_id=row.entry_id,
        line_id=row.line_id,
        department=row.department,
        subject=row.subject,
        owes=OWES_IN[LineState(row.state)],
        due_on=row.due_on,
    )
