"""An upload: the file streams from the multipart body into `import_chunks`, is hashed on the way, and is never held as a whole.

Each piece is committed as it arrives. The pieces belong to no import until `ImportReceived` is committed. The pieces of an
upload that broke off are deleted later by the import workers.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from services.initiator.stores.import_chunks import add_chunk, drop_chunks
from shared.files.multipart import PART, FilePart, boundary_of
from shared.identity.personal_numbers import mask_personal_numbers
from shared.rejection import reject

CHUNK_BYTES = 1024 * 1024


@dataclass
class Upload:
    """One file on its way into the database. `max_bytes`: the largest file that is accepted."""

    engine: AsyncEngine
    import_id: str
    max_bytes: int
    size: int = 0
    file_name: str = ""

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._next_number = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return self._hash.hexdigest()

    async def store(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Store the file of this multipart body.

        Raises Rejected: `unsupported_media_type`, `body_unreadable`, `body_incomplete`, `field_missing`, `several_files`,
        `file_too_large`.
        """
        part = FilePart(boundary_of(content_type))
        async for data in body:
            for piece in part.feed(data):
                await self._add(piece)
        part.end()
        self.file_name = mask_personal_numbers(part.file_name)
        await self._write(bytes(self._buffer))

    async def _add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.max_bytes:
            raise reject("file_too_large", PART, limit=self.max_bytes)
        self._hash.update(piece)
        self._buffer += piece
        while len(self._buffer) >= CHUNK_BYTES:
            await self._write(bytes(self._buffer[:CHUNK_BYTES]))
            del self._buffer[:CHUNK_BYTES]

    async def _write(self, content: bytes) -> None:
        async with self.engine.begin() as connection:
            await add_chunk(connection, self.import_id, self._next_number, content)
        self._next_number += 1

    async def drop(self) -> None:
        """Delete the stored pieces."""
        async with self.engine.begin() as connection:
            await drop_chunks(connection, self.import_id)
