"""Public lists and exits as files: CSV, and workbooks (XLSX), written page by page."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.registry.api.asked_lists import AskedList, ListAsked
from services.registry.api.bodies.lists import Exit, PublicEntry, exit_of, public_entry
from services.registry.api.exits import Since, first_day
from services.registry.views import public
from shared.calendar.working_days import today
from shared.contracts.lawbook import ListKind
from shared.files.tables import CSV_MEDIA, XLSX_MEDIA, TablePages, as_csv, as_workbook
from shared.lawbook.book import LawBook
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(prefix="/v1")

_PAGE = 500
"""Entries that are read from the database at a time."""


class Form(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


@router.get("/lists/{domain_id}/{kind}.csv", response_class=StreamingResponse)
async def list_as_csv(asked: ListAsked, core: CoreDep) -> StreamingResponse:
    """The public list of today as CSV (row 3)."""
    return _file(Form.CSV, asked, PublicEntry, _entries(core, asked))


@router.get("/lists/{domain_id}/{kind}.xlsx", response_class=StreamingResponse)
async def list_as_workbook(asked: ListAsked, core: CoreDep) -> StreamingResponse:
    """The public list of today as a workbook (row 3)."""
    return _file(Form.XLSX, asked, PublicEntry, _entries(core, asked))


@router.get("/lists/{domain_id}/{kind}/exits.csv", response_class=StreamingResponse)
async def exits_as_csv(asked: ListAsked, core: CoreDep, since: Since = None) -> StreamingResponse:
    """Entries that left the public list since a day, as CSV."""
    return _file(Form.CSV, asked, Exit, _exits(core, asked, first_day(since, today(core.clock.now()))))


@router.get("/lists/{domain_id}/{kind}/exits.xlsx", response_class=StreamingResponse)
async def exits_as_workbook(asked: ListAsked, core: CoreDep, since: Since = None) -> StreamingResponse:
    """Entries that left the public list since a day, as a workbook."""
    return _file(Form.XLSX, asked, Exit, _exits(core, asked, first_day(since, today(core.clock.now()))))


def _file(
    form: Form, asked: AskedList, shape: type[BaseModel], pages: AsyncIterator[Sequence[Sequence[str]]]
) -> StreamingResponse:
    name = f"{asked.wanted.domain_id}-{asked.wanted.kind.value}{'-exits' if shape is Exit else ''}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form.value}"'}
    table = TablePages(list(shape.model_fields), pages)
    if form is Form.CSV:
        return StreamingResponse(as_csv(table), media_type=CSV_MEDIA, headers=headers)
    return StreamingResponse(as_workbook({_SHEETS[asked.wanted.kind]: table}), media_type=XLSX_MEDIA, headers=headers)


_SHEETS = {ListKind.RED: "红名单", ListKind.BLACK: "黑名单"}


async def _entries(core: Core, asked: AskedList) -> AsyncIterator[Sequence[Sequence[str]]]:
    """All pages are about the day on which the download began."""
    began, after = today(core.clock.now()), ""
    while True:
        days = sorted({began, today(core.clock.now())})
        async with core.engine.connect() as connection:
            rows = await public.published_list(connection, asked.wanted, days, after, _PAGE)
        yield _cells(rows, public_entry, asked.book)
        if len(rows) < _PAGE:
            return
        after = rows[-1].entry_id


async def _exits(core: Core, asked: AskedList, since: date) -> AsyncIterator[Sequence[Sequence[str]]]:
    day, after = today(core.clock.now()), None
    while True:
        async with core.engine.connect() as connection:
            rows = await public.exits(connection, asked.wanted, since, day, after, _PAGE)
        yield _cells(rows, exit_of, asked.book)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].left_on, rows[-1].entry_id)


def _cells(rows: Sequence[Any], body: Callable[[Any, LawBook], BaseModel], book: LawBook) -> Sequence[Sequence[str]]:
    bodies = (body(row, book).model_dump(mode="json").values() for row in rows)
    return [["" if value is None else str(value) for value in values] for values in bodies]
