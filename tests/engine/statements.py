"""Counts the SQL statements, including COPY, that are sent to a database: costs without a clock."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def counted(engine: AsyncEngine) -> Generator[list[str]]:
    """The statements of the block, in order, without BEGIN and COMMIT."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(" ".join(statement.split()))

    copy = asyncpg.Connection.copy_records_to_table

    async def note_copy(driver: Any, table: str, **given: Any) -> str:
        seen.append(f"COPY {table}")
        return await copy(driver, table, **given)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        with patch.object(asyncpg.Connection, "copy_records_to_table", note_copy):
            yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
