"""Importing the law book from a file: the file becomes a draft."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response

from services.catalogue.api.access import Keeper
from services.catalogue.api.filing import FILED, submit
from services.catalogue.api.upload import LARGEST_REQUEST, PART, IdempotencyKey, received
from services.catalogue.domain.content import Submission
from services.catalogue.files.reading import read_apart
from services.catalogue.files.rows import Retirements, sheet_of
from shared.contracts.lawbook import ItemKind
from shared.web.routing import Router

router = Router(tags=["files"])

_READERS = asyncio.Semaphore(2)
"""Files that are read at the same time, each in a process of its own."""
_FILE = {"type": "object", "required": [PART], "properties": {PART: {"type": "string", "format": "binary"}}}


@router.post(
    "/imports",
    status_code=201,
    responses=FILED,
    max_body_size=LARGEST_REQUEST,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}},
)
async def import_file(
    request: Request,
    who: Keeper,
    kind: Annotated[ItemKind | Retirements | None, Query(description="The kind of the rows of a CSV file")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draft the content of a file: YAML, CSV (UTF-8 or GBK) of one kind, or XLSX with a sheet for each kind.

    The format is recognised by the content. The file is refused as a whole, with every fault by line or field.
    """
    sheet = sheet_of(kind) if isinstance(kind, ItemKind) else kind and kind.value
    async with received(request, idempotency_key) as upload:
        async with _READERS:
            read_file = await read_apart(upload.file, upload.size, sheet)
        submission = Submission(upload.name, tuple(read_file.items), tuple(read_file.ends))
        return await submit(upload.writing, who, submission)
