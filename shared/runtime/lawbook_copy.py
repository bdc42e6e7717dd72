"""A service's own copy of the law book: its changes in a table, and the newest book in memory.

The topic is read in order and never parked, so the copy has no gap. Another instance of the service may consume the topic, so
the book in memory is refreshed from the table.
"""

import time
from collections.abc import Sequence
from typing import cast

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.contracts.lawbook_events import LawbookChange, LawbookEvent
from shared.contracts.vocabulary import PUBLIC
from shared.database import RawJson, insert_rows
from shared.lawbook.book import LawBook
from shared.messaging.message import Message
from shared.messaging.reaction import NotYet

FRESH_SECONDS = 0.5
"""The maximum age of the book in memory before it is refreshed from the table."""


def lawbook_table(metadata: MetaData) -> Table:
    """The table `lawbook_changes`, for the metadata of a service."""
    return Table(
        "lawbook_changes",
        metadata,
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("type", Text, nullable=False),
        Column("body", RawJson, nullable=False),
    )


class LawBookCopy:
    """Gives a service the law book."""

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._table = table
        self._book = LawBook.empty()
        self._refreshed_at = 0.0

    async def current(self) -> LawBook:
        """The newest book, at most half a second old."""
        if time.monotonic() - self._refreshed_at > FRESH_SECONDS:
            async with self._reading.connect() as connection:
                await self._refresh(connection)
        return self._book

    async def at_least(self, connection: AsyncConnection, version: int) -> LawBook:
        """A book of this version or newer. Raises NotYet if the service has not consumed this version yet."""
        if self._book.version < version:
            await self._refresh(connection)
        if self._book.version < version:
            raise NotYet(f"law book version {version} is not consumed yet (newest: {self._book.version})")
        return self._book

    async def _refresh(self, connection: AsyncConnection) -> None:
        known = self._book
        query = select(self._table).where(self._table.c.version > known.version).order_by(self._table.c.version)
        changes = [cast("LawbookChange", PUBLIC.decode(row.type, row.body)) for row in await connection.execute(query)]
        book = known.with_changes(changes)
        if book.version > self._book.version:
            self._book = book
        self._refreshed_at = time.monotonic()

    async def keep(self, connection: AsyncConnection, messages: Sequence[Message]) -> None:
        """The reaction to `liandong.lawbook`: store the changes. Raises GapInLawBook; then the partition stops.

        The book in memory is not changed, because these rows may still be rolled back.
        """
        newest = await connection.scalar(select(func.max(self._table.c.version))) or 0
        book = LawBook(version=newest)
        rows = [message for message in messages if _version(message) > newest]
        book.with_changes(cast("LawbookChange", message.event) for message in rows)
        await insert_rows(
            connection,
            self._table,
            [{"version": _version(m), "type": m.envelope.type, "body": m.body.decode()} for m in rows],
        )


def _version(message: Message) -> int:
    return cast("LawbookEvent", message.event).lawbook_version
