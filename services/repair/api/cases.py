"""Routes of the two kinds of cases: objections and requests for repair."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.repair import forms, handlers
from services.repair.api.answers import After, CaseAnswer, Decides, Limit, Outcome, Page, Reads, TakesIn
from services.repair.domain import CaseKind
from services.repair.views import cases
from services.repair.views.cases import Wanted
from services.repair.views.readers import Reader
from shared.calendar.working_days import SHANGHAI
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.writing import ExpectedVersion, Write

router = APIRouter()

EntryFilter = Annotated[str | None, Query(alias="entry_id")]
StatusFilter = Annotated[
    str | None, Query(alias="status", description="open, upheld, rejected, granted, refused, lapsed")
]
OverdueFilter = Annotated[bool, Query(description="Only open ones that were to be verified before today")]


@router.post("/objections", status_code=201, response_model=Outcome)
async def file_objection(
    form: forms.ObjectionForm, core: CoreDep, who: TakesIn, write: Write, expected: ExpectedVersion
) -> Response:
    """Take in an objection (异议); where the policy says so, the measures rest until the last one is decided."""
    return await write(who, lambda session: handlers.file_objection(core, session, form, expected))


@router.post("/objections/{objection_id}/uphold", response_model=Outcome)
async def uphold(
    objection_id: str,
    form: forms.UpholdingForm,
    core: CoreDep,
    who: Decides,
    write: Write,
    expected: ExpectedVersion,
) -> Response:
    """The record was wrong: the entry is revoked, or corrected when `changes` are given."""
    return await write(who, lambda session: handlers.uphold_objection(core, session, who, objection_id, form, expected))


@router.post("/objections/{objection_id}/reject", response_model=Outcome)
async def reject_objection(
    objection_id: str,
    form: forms.RefusalForm,
    core: CoreDep,
    who: Decides,
    write: Write,
    expected: ExpectedVersion,
) -> Response:
    """The record was verified and stands; with the last open case the measures resume."""
    return await write(who, lambda session: handlers.reject_objection(core, session, who, objection_id, form, expected))


@router.post("/repairs", status_code=201, response_model=Outcome)
async def request_repair(
    form: forms.RepairForm, core: CoreDep, who: TakesIn, write: Write, expected: ExpectedVersion
) -> Response:
    """Ask for the repair (信用修复) of a black or watch entry."""
    return await write(who, lambda session: handlers.request_repair(core, session, form, expected))


@router.post("/repairs/{repair_id}/grant", response_model=Outcome)
async def grant(
    repair_id: str, form: forms.GrantForm, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """The entry leaves the list, and its effects end from now on."""
    return await write(who, lambda session: handlers.grant_repair(core, session, who, repair_id, form, expected))


@router.post("/repairs/{repair_id}/refuse", response_model=Outcome)
async def refuse(
    repair_id: str, form: forms.RefusalForm, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """The entry stays; repair may be asked for again."""
    return await write(who, lambda session: handlers.refuse_repair(core, session, who, repair_id, form, expected))


@router.get("/objections")
async def objections(
    core: CoreDep,
    reader: Reads,
    entry_id: EntryFilter = None,
    status: StatusFilter = None,
    overdue: OverdueFilter = False,
    after: After = None,
    limit: Limit = 100,
) -> Page[CaseAnswer]:
    """Objections in order of their filing."""
    today = core.clock.now().astimezone(SHANGHAI).date()
    wanted = Wanted(entry_id, status, today if overdue else None)
    return await _page(core, reader, "objection", wanted, after, limit)


@router.get("/repairs")
async def repairs(
    core: CoreDep,
    reader: Reads,
    entry_id: EntryFilter = None,
    status: StatusFilter = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[CaseAnswer]:
    """Requests for repair in order of their filing."""
    return await _page(core, reader, "repair", Wanted(entry_id, status), after, limit)


@router.get("/objections/{objection_id}")
async def objection(objection_id: str, core: CoreDep, reader: Reads) -> CaseAnswer:
    return await _one(core, reader, "objection", objection_id)


@router.get("/repairs/{repair_id}")
async def repair(repair_id: str, core: CoreDep, reader: Reads) -> CaseAnswer:
    return await _one(core, reader, "repair", repair_id)


async def _page(
    core: Core, reader: Reader, kind: CaseKind, wanted: Wanted, after: str | None, limit: int
) -> Page[CaseAnswer]:
    async with core.engine.connect() as connection:
        found = await cases.cases(connection, reader, kind, wanted, after, limit + 1)
    following = found[limit - 1].case_id if len(found) > limit else None
    return Page(items=[CaseAnswer.model_validate(row) for row in found[:limit]], next=following)


async def _one(core: Core, reader: Reader, kind: CaseKind, case_id: str) -> CaseAnswer:
    async with core.engine.connect() as connection:
        found = await cases.case(connection, reader, kind, case_id)
    if found is None:
        raise reject("unknown_id", f"path.{kind}_id")
    return CaseAnswer.model_validate(found)
