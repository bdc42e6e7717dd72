"""An upload: the file streams from the multipart body into `import_chunks`, is hashed on the way, and is never held as a whole.

Each piece is committed as it arrives. The pieces belong to no import until `ImportReceived` is committed. The pieces of an
upload that broke off are deleted later by the import workers.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from sqlalchemy.ext.asyncio import AsyncEngine

from services.initiator.stores.import_chunks import add_chunk, drop_chunks
from shared.identity.personal_numbers import mask_personal_numbers
from shared.rejection import reject

CHUNK_BYTES = 1024 * 1024
PART = "file"
"""The name of the part of the multipart body that holds the file."""
MAX_NAME_LENGTH = 200


@dataclass
class _FilePart:
    """Yields the bytes of the part `file` of a multipart body while the body arrives."""

    boundary: bytes
    file_name: str = ""
    found: bool = False
    _inside: bool = False
    _ready: list[bytes] = field(default_factory=list[bytes])
    _header: list[bytes] = field(default_factory=lambda: [b"", b""])
    """Name and value of the header that is being read."""

    def __post_init__(self) -> None:
        self._parser = python_multipart.MultipartParser(
            self.boundary,
            {
                "on_header_field": lambda data, start, end: self._read_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._read_header(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._data(data[start:end]),
                "on_part_end": self._end_part,
            },
        )

    def feed(self, data: bytes) -> list[bytes]:
        """The bytes of the file in this piece of the body. Raises FormParserError when it is not a multipart body."""
        self._parser.write(data)
        ready, self._ready = self._ready, []
        return ready

    def end(self) -> None:
        self._parser.finalize()

    def _read_header(self, place: int, data: bytes) -> None:
        self._header[place] += data

    def _end_header(self) -> None:
        (name, value), self._header = self._header, [b"", b""]
        if name.lower() != b"content-disposition":
            return
        _, options = parse_options_header(value)
        if options.get(b"name") != PART.encode():
            return
        if self.found:
            raise reject("several_files", PART)
        self._inside = self.found = True
        file_name = options.get(b"filename", b"").decode("utf-8", "replace")
        self.file_name = mask_personal_numbers(file_name)[:MAX_NAME_LENGTH]

    def _data(self, data: bytes) -> None:
        if self._inside:
            self._ready.append(data)

    def _end_part(self) -> None:
        self._inside = False


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

        Raises Rejected: `unsupported_media_type`, `body_unreadable`, `field_missing`, `several_files`, `file_too_large`.
        """
        part = _FilePart(_boundary(content_type))
        try:
            async for data in body:
                for piece in part.feed(data):
                    await self._add(piece)
            part.end()
        except FormParserError:
            raise reject("body_unreadable") from None
        if not part.found:
            raise reject("field_missing", PART)
        self.file_name = part.file_name
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


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise reject("unsupported_media_type")
    return options[b"boundary"]
