"""The initiator over HTTP: entries one by one, and imports of many."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.engine import Row

from services.initiator import handlers
from services.initiator.bodies import (
    EntryAnswer,
    EntryBody,
    EntryPage,
    EntryRow,
    ImportAnswer,
    ImportPage,
    ReturnBody,
    SubjectAnswer,
)
from services.initiator.domain.entry import Drafted, EntryStatus, NoEntry, Officer, Returned, status_of
from services.initiator.handlers import ENTRY
from services.initiator.imports.rejects import reject_file
from services.initiator.imports.upload import PART, UploadKey, receive
from services.initiator.settings import ImportSettings
from services.initiator.views import entries, imports
from services.initiator.views.entries import Filter, Sight
from shared.contracts.event import DomainId
from shared.contracts.listing import Entry
from shared.eventstore import Metadata, Session
from shared.lawbook.entry_rules import publishers
from shared.rejection import Fault, reject
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require
from shared.web.core import CoreDep
from shared.web.language import language
from shared.web.problem import ProblemFault
from shared.web.wording import Wording
from shared.web.writing import ExpectedVersion, Write

router = APIRouter(prefix="/v1")

_LARGEST_BODY = 1024**4
"""The upload counts for itself, and refuses at the limit of the settings."""

Lister = Annotated[Principal, Depends(require(OfficerRole.LISTER, OfficerRole.SYSTEM))]
Approver = Annotated[Principal, Depends(require(OfficerRole.APPROVER))]
Reader = Annotated[
    Principal,
    Depends(
        require(
            OfficerRole.LISTER,
            OfficerRole.APPROVER,
            OfficerRole.SYSTEM,
            OfficerRole.CREDIT_OFFICE,
            OfficerRole.AUDITOR,
        )
    ),
]
After = Annotated[str, Query(max_length=18, pattern=r"^\d*$", description="The `next` of the page before")]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Limit = Annotated[int, Query(ge=1, le=1000)]


# --- entries


@router.post("/entries", status_code=201, tags=["entries"], summary="起草名单条目 / Draft an entry")
async def draft_entry(body: EntryBody, core: CoreDep, who: Lister, write: Write) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.draft(core, session, by, body.form(by.department)))


@router.put(
    "/entries/{entry_id}", tags=["entries"], summary="修改草稿或被退回的条目 / Revise a draft or returned entry"
)
async def revise_entry(
    entry_id: str, body: EntryBody, core: CoreDep, who: Lister, write: Write, expected: ExpectedVersion
) -> Response:
    by = _officer(who)
    form = body.form(by.department)
    return await write(who, lambda session: handlers.revise(core, session, by, entry_id, expected, form))


@router.post("/entries/{entry_id}/submit", tags=["entries"], summary="提交审核 / Submit for approval")
async def submit_entry(entry_id: str, core: CoreDep, who: Lister, write: Write, expected: ExpectedVersion) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.submit(core, session, by, entry_id, expected))


@router.post("/entries/{entry_id}/approve", tags=["entries"], summary="审核发布（须另一人） / Approve and publish")
async def approve_entry(
    entry_id: str, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.approve(core, session, by, entry_id, expected))


@router.post("/entries/{entry_id}/return", tags=["entries"], summary="退回 / Send back")
async def return_entry(
    entry_id: str, body: ReturnBody, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.send_back(core, session, by, entry_id, expected, body.reason))


@router.get("/entries", tags=["entries"], summary="条目列表 / Entries, in the order in which they were drafted")
async def list_entries(
    core: CoreDep,
    who: Reader,
    department: str | None = None,
    status: EntryStatus | None = None,
    domain_id: str | None = None,
    import_id: str | None = None,
    after: After = "",
    limit: Limit = 100,
) -> EntryPage:
    sight = await _sight(core, who)
    by = Filter(department, status, domain_id, import_id)
    async with core.engine.connect() as connection:
        rows = await entries.page(connection, sight, by, int(after or 0), limit)
    return EntryPage(items=[_entry_row(row) for row in rows], next=_next(rows, limit))


@router.get("/entries/{entry_id}", tags=["entries"], summary="一个条目 / One entry")
async def one_entry(entry_id: str, core: CoreDep, who: Reader) -> EntryAnswer:
    session = Session(core.store, core.clock.now(), Metadata(actor=""))
    state = await session.state(ENTRY, entry_id)
    sight = await _sight(core, who)
    if isinstance(state, NoEntry) or not _sees(sight, state.entry, draft=isinstance(state, Drafted)):
        raise reject("unknown_id")
    return EntryAnswer(
        entry_id=entry_id,
        version=await session.version(ENTRY, entry_id),
        status=status_of(state),
        returned_because=state.reason if isinstance(state, Returned) else None,
        entry=_discreet(state.entry),
    )


def _sees(sight: Sight, entry: Entry, *, draft: bool) -> bool:
    if sight.everything or sight.department == entry.initiated_by:
        return True
    return not draft and entry.domain_id in sight.publishes_in


def _discreet(entry: Entry) -> dict[str, Any]:
    sealed = {"sealed_name", "sealed_number"}
    return entry.model_dump(mode="json", exclude={"subject": sealed, "responsible": {"__all__": {"subject": sealed}}})


def _entry_row(row: Row[Any]) -> EntryRow:
    return EntryRow(
        entry_id=row.entry_id,
        version=row.version,
        status=row.status,
        department=row.department,
        domain_id=row.domain_id,
        list_kind=row.list_kind,
        subject=SubjectAnswer(key=row.subject, name=row.subject_name),
        document_number=row.document_number,
        decided_on=row.decided_on,
        import_id=row.import_id,
        changed_at=row.changed_at,
    )


# --- imports


_FILE = {"type": "object", "required": [PART], "properties": {PART: {"type": "string", "format": "binary"}}}


@router.post(
    "/imports",
    status_code=202,
    tags=["imports"],
    summary="批量导入 / Import a file (CSV, NDJSON or XLSX); it is checked in the background",
    max_body_size=_LARGEST_BODY,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}},
)
async def import_file(request: Request, core: CoreDep, who: Lister, key: UploadKey) -> Response:
    return await receive(request, core, who, _officer(who), key, ImportSettings().largest_file)


@router.post(
    "/imports/{import_id}/approve", status_code=202, tags=["imports"], summary="审核导入（须另一人） / Approve"
)
async def approve_import(
    import_id: str, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.approve_import(core, session, by, import_id, expected))


@router.post("/imports/{import_id}/withdraw", tags=["imports"], summary="撤回导入 / Take an import back")
async def withdraw_import(import_id: str, who: Lister, write: Write, expected: ExpectedVersion) -> Response:
    by = _officer(who)
    return await write(who, lambda session: handlers.withdraw_import(session, by, import_id, expected))


@router.get("/imports", tags=["imports"], summary="导入列表 / Imports, in the order in which they were received")
async def list_imports(
    request: Request, core: CoreDep, who: Reader, after: After = "", limit: Limit = 100
) -> ImportPage:
    sight = await _sight(core, who)
    async with core.engine.connect() as connection:
        rows = await imports.page(connection, sight, int(after or 0), limit)
    return ImportPage(items=[_import_answer(request, row) for row in rows], next=_next(rows, limit))


@router.get("/imports/{import_id}", tags=["imports"], summary="导入进度 / An import and its progress")
async def one_import(import_id: str, request: Request, core: CoreDep, who: Reader) -> ImportAnswer:
    return _import_answer(request, await _visible_import(core, who, import_id))


@router.get(
    "/imports/{import_id}/rejects.csv",
    tags=["imports"],
    summary="退回清单 / Rejected rows, with the reasons",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
async def rejected_rows(import_id: str, request: Request, core: CoreDep, who: Reader) -> StreamingResponse:
    row = await _visible_import(core, who, import_id)
    told = reject_file(_kept(core, row.import_id), _wording(request), language())
    headers = {"content-disposition": f'attachment; filename="rejects-{row.import_id}.csv"'}
    return StreamingResponse(told, media_type="text/csv; charset=utf-8", headers=headers)


async def _kept(core: Core, import_id: str) -> AsyncIterator[Row[Any]]:
    async with core.engine.connect() as connection:
        async for row in imports.rejects(connection, import_id):
            yield row


async def _visible_import(core: Core, who: Principal, import_id: str) -> Row[Any]:
    sight = await _sight(core, who)
    if not _UUID.fullmatch(import_id):
        raise reject("unknown_id")
    async with core.engine.connect() as connection:
        row = await imports.one(connection, import_id)
    if row is None or not _sees_import(sight, row):
        raise reject("unknown_id")
    return row


def _sees_import(sight: Sight, row: Row[Any]) -> bool:
    if sight.everything or sight.department == row.department:
        return True
    return not set(orjson.loads(row.domains)).isdisjoint(sight.publishes_in)


def _import_answer(request: Request, row: Row[Any]) -> ImportAnswer:
    in_work = row.work_rows is not None
    return ImportAnswer(
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
        rows=row.work_rows if in_work else row.rows,
        good=row.work_good if in_work else row.good,
        rejected=row.work_rejected if in_work else row.rejected,
        published=row.work_published if in_work else row.published,
        faults=_refused_because(_wording(request), row.refused_because),
    )


def _refused_because(wording: Wording, because: str | None) -> list[ProblemFault]:
    found = cast("list[dict[str, Any]]", orjson.loads(because or "[]"))
    faults = [Fault(one["code"], one["field"], one["facts"]) for one in found]
    return [
        ProblemFault(
            code=fault.code,
            field=fault.field,
            detail=wording.fill(wording.phrase(fault.code).detail, fault),
            remedy=wording.fill(wording.phrase(fault.code).remedy, fault),
            facts=fault.facts,
        )
        for fault in faults
    ]


# --- both


def _officer(who: Principal) -> Officer:
    return Officer(who.subject, department_of(who))


async def _sight(core: Core, who: Principal) -> Sight:
    """The credit office and auditors see all; others their department's, and what they may publish for others."""
    if who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
        return Sight(everything=True)
    department = department_of(who)
    book = await core.lawbook.current()
    return Sight(
        everything=False,
        department=department,
        publishes_in=tuple(
            DomainId(domain_id)
            for domain_id, domain in book.domains.items()
            if department in domain.may_publish and department in publishers(domain)
        ),
    )


def _next(rows: Any, limit: int) -> str | None:
    return str(rows[-1].position) if len(rows) == limit else None


def _wording(request: Request) -> Wording:
    return cast("Wording", request.app.state.wording)
