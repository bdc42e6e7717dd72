"""The law book as files: a file becomes a draft; the book, or one kind of it, becomes a file."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.catalogue.api.answers import Keeper
from services.catalogue.domain.content import Retirement
from services.catalogue.files.reading import FileForm, read
from services.catalogue.files.rows import sheet_of
from services.catalogue.files.upload import LARGEST_REQUEST, PART, IdempotencyKey, received
from services.catalogue.files.writing import Pages, as_csv, as_workbook, as_yaml
from services.catalogue.handlers import Filed, Submission, file
from services.catalogue.views import items as view
from shared.contracts.lawbook import ItemKind
from shared.lawbook.items import SHAPES, ends, identity, version_of
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(tags=["files"])

_FILE = {"type": "object", "required": [PART], "properties": {PART: {"type": "string", "format": "binary"}}}
_MEDIA = {
    FileForm.YAML: "application/yaml",
    FileForm.CSV: "text/csv; charset=utf-8",
    FileForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_AT_ONCE = 500
_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"model": Filed}, 201: {"model": Filed}}


class Retirements(StrEnum):
    """What a CSV file may hold besides items."""

    RETIREMENTS = "retirements"


@router.post(
    "/imports",
    status_code=201,
    responses=_RESPONSES,
    max_body_size=LARGEST_REQUEST,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}},
)
async def import_file(
    request: Request,
    who: Keeper,
    kind: Annotated[ItemKind | Retirements | None, Query(description="What the rows of a CSV file are")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draft what a file holds: YAML, CSV (UTF-8 or GBK) of one kind, or XLSX with a sheet for each kind.

    It is told by its content. Refused whole, with every fault by line or field.
    """
    sheet = sheet_of(kind) if isinstance(kind, ItemKind) else kind and kind.value
    async with received(request, idempotency_key) as upload:
        found = await asyncio.to_thread(read, upload.file, sheet)
        submission = Submission(upload.name, tuple(found.items), tuple(found.ends))
        return await upload.writing(who, lambda session: file(session, who, submission))


@router.get("/exports/{form}", response_class=StreamingResponse)
async def export(
    form: FileForm,
    core: CoreDep,
    who: Caller,
    kind: Annotated[ItemKind | None, Query(description="Only these; a CSV file holds one kind")] = None,
) -> StreamingResponse:
    """Every version of every item as it was published, and what ended, in a form that can be imported again."""
    if form is FileForm.CSV and kind is None:
        raise reject("field_missing", "query.kind")
    pages: dict[str, Pages] = {sheet_of(one): _pages(core, one) for one in ([kind] if kind else SHAPES)}
    if kind is None:
        pages[Retirements.RETIREMENTS.value] = _ended(core)
    name = f"lawbook{f'-{kind.value}' if kind else ''}.{form.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_content(form, kind, pages), media_type=_MEDIA[form], headers=headers)


def _content(form: FileForm, kind: ItemKind | None, pages: dict[str, Pages]) -> AsyncIterator[str | bytes]:
    if form is FileForm.CSV and kind is not None:
        return as_csv(kind, pages[sheet_of(kind)])
    return as_yaml(pages) if form is FileForm.YAML else as_workbook(pages)


async def _pages(core: Core, kind: ItemKind) -> Pages:
    after = ("", 0)
    while True:
        async with core.store.reading.connect() as connection:
            found = await view.as_published(connection, kind, after, _AT_ONCE)
        yield [edition.item for edition in found]
        if len(found) < _AT_ONCE:
            return
        after = (identity(found[-1].item), version_of(found[-1].item) or 0)


async def _ended(core: Core) -> Pages:
    async with core.store.reading.connect() as connection:
        found = await view.retirements(connection)
    yield [
        Retirement(kind=one.kind, item_id=identity(one.item), last_day=day, reason=one.said or "")
        for one in found
        if (day := ends(one.item)) is not None
    ]
