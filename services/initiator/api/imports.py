"""Imports: uploaded, approved, withdrawn; their progress and their rejected rows."""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.engine import Row

from services.initiator import handlers
from services.initiator.api.access import Approver, Lister, Reader, officer_of, visibility
from services.initiator.api.bodies import ImportDetail
from services.initiator.api.uploads import UploadKey, receive
from services.initiator.files.rejects import reject_file
from services.initiator.settings import ImportSettings
from services.initiator.stores.import_rejects import read_rejects
from services.initiator.views import imports
from shared.files.multipart import PART
from shared.rejection import Fault, reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.core import CoreDep, WordingDep
from shared.web.language import language
from shared.web.paging import AfterPosition, Limit, Page, cut
from shared.web.problem import ProblemFault
from shared.web.routing import Router
from shared.web.wording import Wording
from shared.web.writing import ExpectedVersion, Write

router = Router()

_MAX_BODY_BYTES = 1024**4
"""No limit by the application: the upload refuses a file that exceeds the limit of the settings."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FILE = {"type": "object", "required": [PART], "properties": {PART: {"type": "string", "format": "binary"}}}


@router.post(
    "/imports",
    status_code=202,
    tags=["imports"],
    summary="批量导入 / Import a file (CSV, NDJSON or XLSX); it is checked in the background",
    max_body_size=_MAX_BODY_BYTES,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}},
)
async def import_file(request: Request, core: CoreDep, who: Lister, key: UploadKey) -> Response:
    return await receive(request, core, who, key, ImportSettings().largest_file)


@router.post(
    "/imports/{import_id}/approve", status_code=202, tags=["imports"], summary="审核导入（须另一人） / Approve"
)
async def approve_import(
    import_id: str, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.approve_import(core, session, by, import_id, expected))


@router.post("/imports/{import_id}/withdraw", tags=["imports"], summary="撤回导入 / Take an import back")
async def withdraw_import(import_id: str, who: Lister, write: Write, expected: ExpectedVersion) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.withdraw_import(session, by, import_id, expected))


@router.get("/imports", tags=["imports"], summary="导入列表 / Imports, in the order in which they were received")
async def list_imports(
    core: CoreDep, who: Reader, wording: WordingDep, after: AfterPosition = "", limit: Limit = 100
) -> Page[ImportDetail]:
    readable = await visibility(core, who)
    async with core.engine.connect() as connection:
        rows = await imports.page(connection, readable, int(after or 0), limit + 1)
    shown, following = cut(rows, limit, lambda row: str(row.position))
    return Page(items=[_import_detail(wording, row) for row in shown], next=following)


@router.get("/imports/{import_id}", tags=["imports"], summary="导入进度 / An import and its progress")
async def read_import(import_id: str, core: CoreDep, who: Reader, wording: WordingDep) -> ImportDetail:
    return _import_detail(wording, await _readable_import(core, who, import_id))


@router.get(
    "/imports/{import_id}/rejects.csv",
    tags=["imports"],
    summary="退回清单 / Rejected rows, with the reasons",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
async def rejected_rows(import_id: str, core: CoreDep, who: Reader, wording: WordingDep) -> StreamingResponse:
    row = await _readable_import(core, who, import_id)
    lines = reject_file(_stored_rejects(core, row.import_id), wording, language())
    headers = {"content-disposition": f'attachment; filename="rejects-{row.import_id}.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _stored_rejects(core: Core, import_id: str) -> AsyncIterator[Row[Any]]:
    async with core.engine.connect() as connection:
        async for row in read_rejects(connection, import_id):
            yield row


async def _readable_import(core: Core, who: Principal, import_id: str) -> Row[Any]:
    """Raises Rejected (`unknown_id`), also for an import that the caller may not read."""
    readable = await visibility(core, who)
    if not _UUID.fullmatch(import_id):
        raise reject("unknown_id")
    async with core.engine.connect() as connection:
        row = await imports.find(connection, import_id)
    if row is None or not readable.may_read_import(row.department, orjson.loads(row.domains)):
        raise reject("unknown_id")
    return row


def _import_detail(wording: Wording, row: Row[Any]) -> ImportDetail:
    """With the counts of the current step, if there is one."""
    in_work = row.work_rows is not None
    return ImportDetail(
        import_id=row.import_id,
        version=row.version,
        status=row.status,
        department=row.department,
        received_by=row.received_by,
        received_at=row.received_at,
        approved_by=row.approved_by,
        file_name=row.file_name,
        size=row.size,
        digest=row.digest,
        domains=orjson.loads(row.domains),
        total=row.work_total or row.rows or None,
        hidden_rows=row.work_hidden_rows if in_work else row.hidden_rows,
        rows=row.work_rows if in_work else row.rows,
        good=row.work_good if in_work else row.good,
        rejected=row.work_rejected if in_work else row.rejected,
        published=row.work_published if in_work else row.published,
        faults=_refused_because(wording, row.refused_because),
    )


def _refused_because(wording: Wording, stored: str | None) -> list[ProblemFault]:
    kept = cast("list[dict[str, Any]]", orjson.loads(stored or "[]"))
    return [_worded(wording, Fault(fault["code"], fault["field"], fault["facts"])) for fault in kept]


def _worded(wording: Wording, fault: Fault) -> ProblemFault:
    phrase = wording.phrase(fault.code)
    return ProblemFault(
        code=fault.code,
        field=fault.field,
        detail=wording.fill(phrase.detail, fault),
        remedy=wording.fill(phrase.remedy, fault),
        facts=fault.facts,
    )
