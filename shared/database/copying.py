"""Inserting many rows by COPY: it costs the driver a third of a statement with arrays, and costs the server less too.

It uses the driver directly, because a benchmark showed the need (docs/decisions/0009). Errors are raised as SQLAlchemy's, so
callers handle COPY and statements alike.
"""

from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

COPY_MIN_ROWS = 8
"""For fewer rows a statement is as cheap."""


async def can_copy(connection: AsyncConnection, rows: int) -> bool:
    """Whether there are enough rows, and the transaction has begun (SQLAlchemy begins it with its first statement)."""
    return rows >= COPY_MIN_ROWS and (await _driver(connection)).is_in_transaction()


async def copy_rows(
    connection: AsyncConnection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows; each row has the values of the columns `names`, in order. Columns that are not named get their default.

    Raises what a statement would: IntegrityError, DBAPIError. The transaction can then only be rolled back.
    """
    driver = await _driver(connection)
    statement = f"COPY {table.name}"
    try:
        await driver.copy_records_to_table(table.name, records=rows, columns=list(names), schema_name=table.schema)
    except TimeoutError:
        await connection.invalidate()  # the server does not answer: do not send a rollback
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        closed = driver.is_closed()
        raise kind(statement, None, _DriverError(error), hide_parameters=True, connection_invalidated=closed) from error


class _DriverError(Exception):
    """An error of the driver in the form that SQLAlchemy uses: with its SQLSTATE, and the original error as the cause."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.sqlstate: str | None = getattr(error, "sqlstate", None)
        self.__cause__ = error


async def _driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    return cast("asyncpg.Connection[Any]", (await connection.get_raw_connection()).driver_connection)
