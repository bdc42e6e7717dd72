"""Receiving a file: it streams from the request into `import_chunks`, hashed on the way, and is never held as a whole.

The pieces are committed as they come and belong to nothing until the last statement makes them an import, together with
the answer under its Idempotency-Key. Pieces of an upload that broke off are swept away later.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

import python_multipart
from fastapi import Depends, Header, Request, Response
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from services.initiator import handlers
from services.initiator.domain.entry import Officer
from services.initiator.domain.imports import Receive
from services.initiator.views import imports
from shared.eventstore.store import new_event_id
from shared.identity.personal_numbers import mask_personal_numbers
from shared.rejection import Rejected, reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.writing import MAX_KEY_LENGTH, IdempotentWrite, WriteContext

CHUNK = 1024 * 1024
PART = "file"
LONGEST_NAME = 200


def _upload_key(
    idempotency_key: Annotated[
        str | None, Header(description="Names this upload, so that sending it again does nothing twice. Required.")
    ] = None,
) -> str:
    if not idempotency_key:
        raise reject("idempotency_key_missing", "Idempotency-Key")
    if len(idempotency_key) > MAX_KEY_LENGTH:
        raise reject("idempotency_key_too_long", "Idempotency-Key", limit=MAX_KEY_LENGTH)
    return idempotency_key


UploadKey = Annotated[str, Depends(_upload_key)]
"""The Idempotency-Key of a route that streams its body: `Write` would read the whole of it."""


@dataclass
class _Parts:
    """Hands on the bytes of the part `file` of a multipart body, as they come."""

    boundary: bytes
    file_name: str = ""
    found: bool = False
    _inside: bool = False
    _ready: list[bytes] = field(default_factory=list[bytes])
    _header: list[bytes] = field(default_factory=lambda: [b"", b""])

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
        """Raises FormParserError for what is no multipart body."""
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
        self.file_name = mask_personal_numbers(options.get(b"filename", b"").decode("utf-8", "replace"))[:LONGEST_NAME]

    def _data(self, data: bytes) -> None:
        if self._inside:
            self._ready.append(data)

    def _end_part(self) -> None:
        self._inside = False


@dataclass
class _Upload:
    """One file on its way into the database."""

    core: Core
    import_id: str
    largest: int
    size: int = 0
    file_name: str = ""

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._held = bytearray()
        self._number = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    async def take(self, request: Request) -> None:
        """Raises Rejected for a request that brings no file, or too large a one."""
        parts = _Parts(_boundary(request))
        try:
            async for piece in _pieces(request, parts):
                await self._add(piece)
        except FormParserError:
            raise reject("body_unreadable") from None
        if not parts.found:
            raise reject("field_missing", PART)
        self.file_name = parts.file_name
        await self._store(bytes(self._held))

    async def _add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.largest:
            raise reject("file_too_large", PART, limit=self.largest)
        self._hash.update(piece)
        self._held += piece
        while len(self._held) >= CHUNK:
            await self._store(bytes(self._held[:CHUNK]))
            del self._held[:CHUNK]

    async def _store(self, content: bytes) -> None:
        async with self.core.engine.begin() as connection:
            await imports.add_chunk(connection, self.import_id, self._number, content)
        self._number += 1

    async def drop(self) -> None:
        async with self.core.engine.begin() as connection:
            await imports.drop_chunks(connection, self.import_id)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise reject("unsupported_media_type")
    return options[b"boundary"]


async def _pieces(request: Request, parts: _Parts) -> AsyncIterator[bytes]:
    async for data in request.stream():
        for piece in parts.feed(data):
            yield piece
    parts.end()


async def receive(request: Request, core: Core, caller: Principal, by: Officer, key: str, largest: int) -> Response:
    """Store the file and make it an import; the answer of before when this key brought the same file already."""
    upload = _Upload(core, new_event_id(), largest)
    try:
        await upload.take(request)
        response = await _make_import(request, caller, by, key, upload)
    except Rejected:
        await upload.drop()
        raise
    if "idempotency-replayed" in response.headers:
        await upload.drop()
    return response


async def _make_import(request: Request, caller: Principal, by: Officer, key: str, upload: _Upload) -> Response:
    writer: WriteContext = request.app.state.write_context
    told = f"{request.method} {request.url.path}\n{upload.digest}"
    writing = IdempotentWrite(writer, key, hashlib.sha256(told.encode()).hexdigest())
    command = Receive(by, upload.file_name, upload.size, upload.digest)
    return await writing(caller, lambda session: handlers.receive_import(session, upload.import_id, command))
