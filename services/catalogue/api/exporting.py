"""Exporting the law book, or one kind of it, as a file that can be imported again."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from services.catalogue.domain.content import Retirement
from services.catalogue.files.reading import FileForm
from services.catalogue.files.rows import Retirements, sheet_of
from services.catalogue.files.writing import Pages, as_csv, as_workbook, as_yaml
from services.catalogue.views import item_queries
from shared.contracts.lawbook import ItemKind
from shared.files.tables import CSV_MEDIA, XLSX_MEDIA
from shared.lawbook.items import SHAPES, ends, identity, version_of
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(tags=["files"])

_MEDIA = {
    FileForm.YAML: "application/yaml",
    FileForm.CSV: CSV_MEDIA,
    FileForm.XLSX: XLSX_MEDIA,
}
_PAGE = 500
"""Items that are read from the database at a time."""


@router.get("/exports/{form}", response_class=StreamingResponse)
async def export(
    form: FileForm,
    core: CoreDep,
    kind: Annotated[ItemKind | None, Query(description="Only items of this kind; required for CSV")] = None,
) -> StreamingResponse:
    """Every version of every item as published, and every retirement. Public, as the law book is (row 20)."""
    if form is FileForm.CSV and kind is None:
        raise reject("field_missing", "query.kind")
    pages: dict[str, Pages] = {sheet_of(k): _pages(core, k) for k in ([kind] if kind else SHAPES)}
    if kind is None:
        pages[Retirements.RETIREMENTS.value] = _retirements(core)
    name = f"lawbook{f'-{kind.value}' if kind else ''}.{form.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_content(form, kind, pages), media_type=_MEDIA[form], headers=headers)


def _content(form: FileForm, kind: ItemKind | None, pages: dict[str, Pages]) -> AsyncIterator[str | bytes]:
    if form is FileForm.CSV and kind is not None:
        return as_csv(kind, pages[sheet_of(kind)])
    return as_yaml(pages) if form is FileForm.YAML else as_workbook(pages)


async def _pages(core: Core, kind: ItemKind) -> Pages:
    """The items of a kind, page by page, each page in a transaction of its own."""
    after = ("", 0)
    while True:
        async with core.store.reading.connect() as connection:
            found = await item_queries.as_published(connection, kind, after, _PAGE)
        yield [edition.item for edition in found]
        if len(found) < _PAGE:
            return
        after = (identity(found[-1].item), version_of(found[-1].item) or 0)


async def _retirements(core: Core) -> Pages:
    """One page with the items that have ended."""
    async with core.store.reading.connect() as connection:
        found = await item_queries.retirements(connection)
    yield [
        Retirement(kind=edition.kind, item_id=identity(edition.item), last_day=day, reason=edition.said or "")
        for edition in found
        if (day := ends(edition.item)) is not None
    ]
