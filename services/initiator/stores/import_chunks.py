"""The uploaded file, in pieces. It holds numbers of persons in clear, and is deleted when the import is done or refused."""

from sqlalchemy import Column, DateTime, Integer, LargeBinary, PrimaryKeyConstraint, Table, Uuid, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.schema import METADATA

CHUNKS = Table(
    "import_chunks",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("number", Integer, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("import_id", "number"),
)


async def add_chunk(connection: AsyncConnection, import_id: str, number: int, content: bytes) -> None:
    await connection.execute(CHUNKS.insert().values(import_id=import_id, number=number, bytes=content))


async def read_chunk(connection: AsyncConnection, import_id: str, number: int) -> bytes | None:
    """One piece of the file. The first has number 0; None after the last."""
    query = select(CHUNKS.c.bytes).where(CHUNKS.c.import_id == import_id, CHUNKS.c.number == number)
    return await connection.scalar(query)


async def file_size(connection: AsyncConnection, import_id: str) -> int:
    """The bytes of the file."""
    query = select(func.coalesce(func.sum(func.octet_length(CHUNKS.c.bytes)), 0)).where(CHUNKS.c.import_id == import_id)
    return int(await connection.scalar(query) or 0)


async def drop_chunks(connection: AsyncConnection, import_id: str) -> None:
    await connection.execute(delete(CHUNKS).where(CHUNKS.c.import_id == import_id))
