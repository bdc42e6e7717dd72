"""Receiving a file: it is spooled to disk, hashed for its Idempotency-Key, and limited in size."""

import hashlib
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, BinaryIO, cast

from fastapi import Header, Request

from shared.files.multipart import PART, FilePart, boundary_of
from shared.rejection import reject
from shared.web.writing import IdempotentWrite, WriteContext, require_key

__all__ = ["PART", "IdempotencyKey", "Uploaded", "received"]

LARGEST_FILE = 5 * 1024 * 1024
"""Bytes. The whole law book that ships has a tenth of that."""
LARGEST_REQUEST = LARGEST_FILE + 64 * 1024
"""Bytes, with the parts of a multipart body around the file."""
_IN_MEMORY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that was received, and the writing request that it is part of."""

    name: str
    file: BinaryIO
    size: int
    writing: IdempotentWrite


IdempotencyKey = Annotated[
    str | None,
    Header(description="The name of this upload: a repeated upload with it has no further effect. Required."),
]


@asynccontextmanager
async def received(request: Request, key: str | None) -> AsyncGenerator[Uploaded]:
    """The file of a multipart request; it is closed afterwards. Raises Rejected: no file, several files, too large."""
    key = require_key(key)
    part = FilePart(boundary_of(request.headers.get("content-type", "")))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        size = 0
        async for data in request.stream():
            for piece in part.feed(data):
                size += len(piece)
                if size > LARGEST_FILE:
                    raise reject("file_too_large", PART, limit=LARGEST_FILE)
                file.write(piece)
        part.end()
        file.seek(0)
        content = cast("BinaryIO", file)
        yield Uploaded(part.file_name or PART, content, size, _writing(request, key, content))


def _writing(request: Request, key: str, file: BinaryIO) -> IdempotentWrite:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    file.seek(0)
    writer: WriteContext = request.app.state.write_context
    return IdempotentWrite(writer, key, digest.hexdigest())
