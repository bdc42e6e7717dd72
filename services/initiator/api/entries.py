"""Entries: drafted, revised, submitted, approved, returned, and read."""

from typing import Any

from fastapi import Response
from sqlalchemy.engine import Row

from services.initiator import handlers
from services.initiator.api.access import Approver, Lister, Reader, officer_of, visibility
from services.initiator.api.bodies import EntryBody, EntryDetail, EntryRow, ListedSubject, ReturnBody
from services.initiator.domain.entry import ENTRY, Drafted, EntryStatus, NoEntry, Returned, status_of
from services.initiator.views import entries
from services.initiator.views.entries import Filter
from shared.eventstore import Metadata, Session
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import AfterPosition, Limit, Page, cut
from shared.web.routing import Router
from shared.web.subjects import shown_entry
from shared.web.writing import ExpectedVersion, Write

router = Router()


@router.post("/entries", status_code=201, tags=["entries"], summary="起草名单条目 / Draft an entry")
async def draft_entry(body: EntryBody, core: CoreDep, who: Lister, write: Write) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.draft(core, session, by, body.to_input(by.department)))


@router.put(
    "/entries/{entry_id}", tags=["entries"], summary="修改草稿或被退回的条目 / Revise a draft or returned entry"
)
async def revise_entry(
    entry_id: str, body: EntryBody, core: CoreDep, who: Lister, write: Write, expected: ExpectedVersion
) -> Response:
    by = officer_of(who)
    given = body.to_input(by.department)
    return await write(who, lambda session: handlers.revise(core, session, by, entry_id, expected, given))


@router.post("/entries/{entry_id}/submit", tags=["entries"], summary="提交审核 / Submit for approval")
async def submit_entry(entry_id: str, core: CoreDep, who: Lister, write: Write, expected: ExpectedVersion) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.submit(core, session, by, entry_id, expected))


@router.post("/entries/{entry_id}/approve", tags=["entries"], summary="审核发布（须另一人） / Approve and publish")
async def approve_entry(
    entry_id: str, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.approve(core, session, by, entry_id, expected))


@router.post("/entries/{entry_id}/return", tags=["entries"], summary="退回 / Send back")
async def return_entry(
    entry_id: str, body: ReturnBody, core: CoreDep, who: Approver, write: Write, expected: ExpectedVersion
) -> Response:
    by = officer_of(who)
    return await write(who, lambda session: handlers.send_back(core, session, by, entry_id, expected, body.reason))


@router.get("/entries", tags=["entries"], summary="条目列表 / Entries, in the order in which they were drafted")
async def list_entries(
    core: CoreDep,
    who: Reader,
    department: str | None = None,
    status: EntryStatus | None = None,
    domain_id: str | None = None,
    import_id: str | None = None,
    after: AfterPosition = "",
    limit: Limit = 100,
) -> Page[EntryRow]:
    readable = await visibility(core, who)
    by = Filter(department, status, domain_id, import_id)
    async with core.engine.connect() as connection:
        rows = await entries.page(connection, readable, by, int(after or 0), limit + 1)
    shown, following = cut(rows, limit, lambda row: str(row.position))
    return Page(items=[_entry_row(row) for row in shown], next=following)


@router.get("/entries/{entry_id}", tags=["entries"], summary="一个条目 / One entry")
async def read_entry(entry_id: str, core: CoreDep, who: Reader) -> EntryDetail:
    session = Session(core.store, core.clock.now(), Metadata(actor=""))
    state = await session.state(ENTRY, entry_id)
    readable = await visibility(core, who)
    if isinstance(state, NoEntry) or not readable.may_read_entry(
        state.entry.initiated_by,
        state.entry.domain_id,
        state.entry.jurisdiction,
        draft=isinstance(state, Drafted),
    ):
        raise reject("unknown_id")
    return EntryDetail(
        entry_id=entry_id,
        version=await session.version(ENTRY, entry_id),
        status=status_of(state),
        returned_because=state.reason if isinstance(state, Returned) else None,
        entry=shown_entry(state.entry),
    )


def _entry_row(row: Row[Any]) -> EntryRow:
    return EntryRow(
        entry_id=row.entry_id,
        version=row.version,
        status=row.status,
        department=row.department,
        domain_id=row.domain_id,
        list_kind=row.list_kind,
        subject=ListedSubject(key=row.subject, name=row.subject_name),
        jurisdiction=row.jurisdiction,
        document_number=row.document_number,
        decided_on=row.decided_on,
        import_id=row.import_id,
        changed_at=row.changed_at,
    )
