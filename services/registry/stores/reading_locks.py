"""The lock under which the readings of a department are counted and recorded, so that no two of them pass a limit together."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import DepartmentId


async def lock(connection: AsyncConnection, department: DepartmentId) -> None:
    """Hold the lock until the end of the transaction. It is taken before any subject is locked."""
    name = f"liandong reading {department}"
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
