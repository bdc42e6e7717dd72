"""Receiving a file: it is spooled to disk as it comes, hashed for its Idempotency-Key, and no larger than allowed."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from fastapi import Header, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from shared.rejection import reject
from shared.web.writing import MAX_KEY_LENGTH, IdempotentWrite, WriteContext

PART = "file"
LARGEST_FILE = 5 * 1024 * 1024
"""Bytes. The whole law book that ships takes a tenth of it."""
LARGEST_REQUEST = LARGEST_FILE + 64 * 1024
"""With what a multipart body has around its file."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that was received, and the writing request that brought it."""

    name: str
    file: BinaryIO
    writing: IdempotentWrite


IdempotencyKey = Annotated[
    str | None, Header(description="Names this upload, so that sending it again does nothing twice. Required.")
]


@asynccontextmanager
async def received(request: Request, key: str | None) -> AsyncGenerator[Uploaded]:
    """The file of a multipart request, while it is needed. Raises Rejected: no file, several, too large."""
    if not key:
        raise reject("idempotency_key_missing", "Idempotency-Key")
    if len(key) > MAX_KEY_LENGTH:
        raise reject("idempotency_key_too_long", "Idempotency-Key", limit=MAX_KEY_LENGTH)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise reject("unsupported_media_type")
    limited = Request(request.scope, _counting(request))
    try:
        form = await limited.form(max_files=1, max_fields=10)
    except MultiPartException:
        raise reject("body_unreadable") from None
    try:
        found = form.get(PART)
        if not isinstance(found, UploadFile):
            raise reject("field_missing", PART)
        if (found.size or 0) > LARGEST_FILE:
            raise reject("file_too_large", PART, limit=LARGEST_FILE)
        yield Uploaded((found.filename or PART)[:200], found.file, _writing(request, key, found.file))
    finally:
        await form.close()


def _counting(request: Request) -> Any:
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_REQUEST:
            raise reject("file_too_large", PART, limit=LARGEST_FILE)
        return message

    return receive


def _writing(request: Request, key: str, file: BinaryIO) -> IdempotentWrite:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    file.seek(0)
    writer: WriteContext = request.app.state.write_context
    return IdempotentWrite(writer, key, digest.hexdigest())
