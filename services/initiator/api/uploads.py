"""The route of the upload. It streams its body, so it cannot use `Write`, which reads the whole body to hash it."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from services.initiator import handlers
from services.initiator.api.access import officer_of
from services.initiator.domain.commands import Officer, Receive
from services.initiator.files.upload import Upload
from shared.ids import new_event_id
from shared.rejection import Rejected
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.writing import IdempotentWrite, WriteContext, require_key


def _upload_key(
    idempotency_key: Annotated[
        str | None, Header(description="Names this upload, so that a repeated upload makes no second import. Required.")
    ] = None,
) -> str:
    return require_key(idempotency_key)


UploadKey = Annotated[str, Depends(_upload_key)]


async def receive(request: Request, core: Core, who: Principal, key: str, max_bytes: int) -> Response:
    """Store the file and make it an import. When this key brought the same file before, the first answer is repeated."""
    by = officer_of(who)
    upload = Upload(core.engine, new_event_id(), max_bytes)
    try:
        await upload.store(request.headers.get("content-type", ""), request.stream())
        response = await _make_import(request, who, by, key, upload)
    except Rejected:
        await upload.drop()
        raise
    if "idempotency-replayed" in response.headers:
        await upload.drop()
    return response


async def _make_import(request: Request, who: Principal, by: Officer, key: str, upload: Upload) -> Response:
    """The request hash holds the digest of the file in place of the body."""
    writer: WriteContext = request.app.state.write_context
    text = f"{request.method} {request.url.path}\n{upload.digest}"
    writing = IdempotentWrite(writer, key, hashlib.sha256(text.encode()).hexdigest())
    command = Receive(by, upload.file_name, upload.size, upload.digest)
    return await writing(who, lambda session: handlers.receive_import(session, upload.import_id, command))
