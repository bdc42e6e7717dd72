"""Receiving a file: it is spooled to disk, hashed for its Idempotency-Key, and limited in size."""

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
from shared.web.writing import IdempotentWrite, WriteContext, require_key

PART = "file"
LARGEST_FILE = 5 * 1024 * 1024
"""Bytes. The whole law book that ships has a tenth of that."""
LARGEST_REQUEST = LARGEST_FILE + 64 * 1024
"""Bytes, with the parts of a multipart body around the file."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that was received, and the writing request that it is part of."""

    name: str
    file: BinaryIO
    writing: IdempotentWrite


IdempotencyKey = Annotated[
    str | None,
    Header(description="The name of this upload: a repeated upload with it has no further effect. Required."),
]


@asynccontextmanager
async def received(request: Request, key: str | None) -> AsyncGenerator[Uploaded]:
    """The file of a multipart request; it is closed afterwards. Raises Rejected: no file, several files, too large."""
    key = require_key(key)
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
    """The ASGI receive function of the request, which refuses a body that is too large."""
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        message = await request.receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > LARGEST_REQUEST:
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
