"""Many rows into a table by COPY: it costs the driver a third of what a statement with arrays does, and the server less too.

It goes past SQLAlchemy to the driver, because a bench showed the need (docs/decisions/0009). Errors come back as
SQLAlchemy's, so that whoever catches them need not know which way the rows took.
"""

from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

FEWEST = 8
"""Fewer rows are as cheap by a statement."""


async def can_copy(connection: AsyncConnection, rows: int) -> bool:
    """Whether so many rows are worth it, and the transaction has begun: SQLAlchemy begins it with its first statement."""
    return rows >= FEWEST and (await _driver(connection)).is_in_transaction()


async def copy_rows(
    connection: AsyncConnection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Add rows, each with the values of the columns `names` in their order. A column that is not named gets its default.

    Raises what a statement would: IntegrityError, DBAPIError. The transaction is then of no more use.
    """
    driver = await _driver(connection)
    told = f"COPY {table.name}"
    try:
        await driver.copy_records_to_table(table.name, records=rows, columns=list(names), schema_name=table.schema)
    except TimeoutError:
        await connection.invalidate()  # where an answer never came, none is asked for
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
        closed = driver.is_closed()
        raise kind(told, None, _Refused(error), hide_parameters=True, connection_invalidated=closed) from error


class _Refused(Exception):
    """What the driver raised, as SQLAlchemy hands it on: with its SQLSTATE, and itself as the cause."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.sqlstate: str | None = getattr(error, "sqlstate", None)
        self.__cause__ = error


async def _driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    return cast("asyncpg.Connection[Any]", (await connection.get_raw_connection()).driver_connection)
