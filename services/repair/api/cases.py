"""Routes of the two kinds of cases: objections and requests for repair."""

from typing import Annotated

from fastapi import Query, Response

from services.repair.api.access import Decides, Files, Reads, officer
from services.repair.api.bodies import (
    CaseBody,
    GrantBody,
    ObjectionBody,
    Outcome,
    RefusalBody,
    RepairBody,
    UpholdingBody,
)
from services.repair.api.changes import changes
from services.repair.domain.content import Grant, Upholding
from services.repair.domain.state import CaseKind
from services.repair.domain.visibility import Reader
from services.repair.handlers import cases as handlers
from services.repair.handlers import decisions
from services.repair.views import cases
from services.repair.views.cases import CaseFilter
from shared.calendar.working_days import today
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router
from shared.web.writing import Answer, ExpectedVersion, Write

router = Router()

EntryFilter = Annotated[str | None, Query(alias="entry_id")]
StatusFilter = Annotated[
    str | None, Query(alias="status", description="open, upheld, rejected, granted, refused, lapsed")
]
OverdueFilter = Annotated[bool, Query(description="Only open ones whose last day to verify has passed")]


@router.post("/objections", status_code=201, response_model=Outcome)
async def file_objection(
    body: ObjectionBody, core: CoreDep, who: Files, write: Write, expected: ExpectedVersion
) -> Response:
    """File an objection (异议). Where the policy says so, the measures are suspended until the last one is decided.

    Only departments that the policy names as receivers file one, and those that answer for the entry.
    """
    return await write(
        who,
        lambda session: handlers.file_objection(
            core,
            session,
            body.entry_id,
            by=officer(who),
            reason=body.reason,
            ground=body.ground,
            new_evidence=body.new_evidence,
            expected=expected,
        ),
    )


@router.post("/objections/{objection_id}/verify", response_model=Outcome)
async def verify(objection_id: str, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion) -> Response:
    """Begin to verify the record. Where the policy suspends during verification, the suspension begins now."""
    return await write(
        who,
        lambda session: handlers.begin_verification(core, session, objection_id, by=officer(who), expected=expected),
    )


@router.post("/objections/{objection_id}/uphold", response_model=Outcome)
async def uphold(
    objection_id: str,
    body: UpholdingBody,
    core: CoreDep,
    who: Decides,
    write: Write,
    expected: ExpectedVersion,
) -> Response:
    """The record was wrong: the entry is revoked, or corrected when `changes` are given. Another officer must confirm it."""

    async def decide(session: Session) -> Answer:
        content = Upholding(
            case_id=objection_id,
            reason=body.reason,
            document_number=body.document_number,
            changes=changes(core, body.changes) if body.changes else None,
        )
        return await decisions.decide_case(
            core, session, "objection", objection_id, by=officer(who), content=content, expected=expected
        )

    return await write(who, decide)


@router.post("/objections/{objection_id}/reject", response_model=Outcome)
async def reject_objection(
    objection_id: str,
    body: RefusalBody,
    core: CoreDep,
    who: Decides,
    write: Write,
    expected: ExpectedVersion,
) -> Response:
    """The record was verified and is right. When the last open objection closes, the measures resume."""
    return await write(
        who,
        lambda session: handlers.reject_objection(
            core, session, objection_id, by=officer(who), reason=body.reason, expected=expected
        ),
    )


@router.post("/repairs", status_code=201, response_model=Outcome)
async def request_repair(
    body: RepairBody, core: CoreDep, who: Files, write: Write, expected: ExpectedVersion
) -> Response:
    """Request the repair (信用修复) of a black or watch entry."""
    return await write(
        who,
        lambda session: handlers.request_repair(
            core,
            session,
            body.entry_id,
            by=officer(who),
            reason=body.reason,
            evidence=body.evidence,
            expected=expected,
        ),
    )


@router.post("/repairs/{repair_id}/grant", response_model=Outcome)
async def grant(
    repair_id: str, body: GrantBody, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """Grant a request: the entry leaves its list, and its effects end from the confirmation on.

    Another officer must confirm it.
    """
    content = Grant(case_id=repair_id, reason=body.reason, document_number=body.document_number)
    return await write(
        who,
        lambda session: decisions.decide_case(
            core, session, "repair", repair_id, by=officer(who), content=content, expected=expected
        ),
    )


@router.post("/repairs/{repair_id}/refuse", response_model=Outcome)
async def refuse(
    repair_id: str, body: RefusalBody, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """Refuse a request: the entry stays on its list, and repair may be requested again."""
    return await write(
        who,
        lambda session: handlers.refuse_repair(
            core, session, repair_id, by=officer(who), reason=body.reason, expected=expected
        ),
    )


@router.get("/objections")
async def objections(
    core: CoreDep,
    reader: Reads,
    entry_id: EntryFilter = None,
    status: StatusFilter = None,
    overdue: OverdueFilter = False,
    after: After = "",
    limit: Limit = 100,
) -> Page[CaseBody]:
    """Objections in order of filing."""
    day = today(core.clock.now())
    wanted = CaseFilter(entry_id, status, day if overdue else None)
    return await _page(core, reader, "objection", wanted, after, limit)


@router.get("/repairs")
async def repairs(
    core: CoreDep,
    reader: Reads,
    entry_id: EntryFilter = None,
    status: StatusFilter = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[CaseBody]:
    """Requests for repair in order of filing."""
    return await _page(core, reader, "repair", CaseFilter(entry_id, status), after, limit)


@router.get("/objections/{objection_id}")
async def objection(objection_id: str, core: CoreDep, reader: Reads) -> CaseBody:
    """One objection."""
    return await _one(core, reader, "objection", objection_id)


@router.get("/repairs/{repair_id}")
async def repair(repair_id: str, core: CoreDep, reader: Reads) -> CaseBody:
    """One request for repair."""
    return await _one(core, reader, "repair", repair_id)


async def _page(
    core: Core, reader: Reader, kind: CaseKind, wanted: CaseFilter, after: str, limit: int
) -> Page[CaseBody]:
    async with core.engine.connect() as connection:
        rows = await cases.cases(connection, reader, kind, wanted, after, limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.case_id))
    return Page(items=[CaseBody.model_validate(row) for row in page], next=following)


async def _one(core: Core, reader: Reader, kind: CaseKind, case_id: str) -> CaseBody:
    async with core.engine.connect() as connection:
        row = await cases.case(connection, reader, kind, case_id)
    if row is None:
        raise reject("unknown_id", f"path.{kind}_id")
    return CaseBody.model_validate(row)
