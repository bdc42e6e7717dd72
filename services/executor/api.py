"""The executor over HTTP: the worklist and its answers, and checks with their outcomes."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor import handlers
from services.executor.bodies import (
    Answers,
    CheckPage,
    CheckShown,
    Outcome,
    Question,
    TaskNow,
    TaskPage,
    TaskShown,
    Told,
    bulk_result,
    check_shown,
    cursor,
    direction_shown,
    task_shown,
)
from services.executor.domain.answers import Saying
from services.executor.domain.task import asks, named
from services.executor.views import checks, directions, tasks
from services.executor.views.checks import StoredCheck
from services.executor.views.tasks import Wanted
from shared.contracts.event import DepartmentId, EntryId
from shared.contracts.lawbook import MeasureKind
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require, require_department
from shared.web.core import CoreDep
from shared.web.wording import Term, Wording
from shared.web.writing import Answer, Write

router = APIRouter(prefix="/v1")

EXECUTES = (OfficerRole.EXECUTOR, OfficerRole.SYSTEM)
WATCHES = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)

Executor = Annotated[Principal, Depends(require(*EXECUTES))]
Reader = Annotated[Principal, Depends(require(*EXECUTES, *WATCHES))]


def _wording(request: Request) -> Wording:
    return cast("Wording", request.app.state.wording)


TheWording = Annotated[Wording, Depends(_wording)]
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str, Query(description="The `next` of the page before", max_length=100)]
Department = Annotated[str | None, Query(description="Another department; for the credit office and auditors only")]

_OPEN = {"open": frozenset({True}), "closed": frozenset({False}), "all": frozenset({True, False})}


# --- tasks -----------------------------------------------------------------------------------------------------------


@router.get("/tasks", response_model=TaskPage)
async def worklist(
    core: CoreDep,
    who: Reader,
    state: Annotated[Literal["open", "all", "closed"], Query(description="Open: something is asked")] = "open",
    kind: MeasureKind | None = None,
    entry_id: str | None = None,
    department: Department = None,
    after: After = "",
    limit: Limit = 100,
) -> Response:
    """The tasks of the caller's department, in the order in which they were directed."""
    wanted = Wanted(
        department=_department(who, department),
        open=_OPEN[state],
        kind=kind,
        entry_id=EntryId(entry_id) if entry_id is not None else None,
        after=_place(after),
        limit=limit,
    )
    async with core.store.reading.connect() as connection:
        rows = await tasks.page(connection, wanted)
        items = await _shown(core, connection, who, rows)
    page = TaskPage(items=items, next=cursor(rows[-1]) if len(rows) == limit else None)
    # As it is: a thousand tasks are not validated once more.
    return Response(orjson.dumps(page, option=orjson.OPT_UTC_Z), media_type="application/json")


@router.post("/tasks/answers", summary="Answer up to 1,000 tasks; good answers stand, bad ones come back with faults")
async def answer_tasks(
    body: Answers, core: CoreDep, who: Executor, write: Write, wording: TheWording, request: Request
) -> Response:
    answers = body.given()

    async def handle(session: Session) -> Answer:
        done = await handlers.answer_tasks(core, session, department_of(who), answers)
        return Answer(200, bulk_result(answers, done, wording, request.url.path))

    return await write(who, handle)


@router.get("/tasks/{task_id}")
async def one_task(task_id: str, core: CoreDep, who: Reader) -> TaskShown:
    async with core.store.reading.connect() as connection:
        row = await tasks.one(connection, task_id)
        if row is None or not _may_see(who, row.department):
            raise reject("unknown_id", "path.task_id")
        return (await _shown(core, connection, who, [row]))[0]


@router.post("/tasks/{task_id}/acknowledge")
async def acknowledge(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    return await _tell(core, who, write, task_id, Saying.ACKNOWLEDGE, body)


@router.post("/tasks/{task_id}/apply")
async def apply(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    """An occasion measure is armed by it, any other is applied."""
    return await _tell(core, who, write, task_id, Saying.APPLY, body)


@router.post("/tasks/{task_id}/not-applicable")
async def not_applicable(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    return await _tell(core, who, write, task_id, Saying.NOT_APPLICABLE, body)


@router.post("/tasks/{task_id}/refuse")
async def refuse(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    """Recommended measures only."""
    return await _tell(core, who, write, task_id, Saying.REFUSE, body)


@router.post("/tasks/{task_id}/fail")
async def fail(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    """It could not be done; it stays to be done."""
    return await _tell(core, who, write, task_id, Saying.FAIL, body)


@router.post("/tasks/{task_id}/undo")
async def undo(task_id: str, body: Told, core: CoreDep, who: Executor, write: Write) -> Response:
    """After an end was ordered: how the effect was undone, with evidence; or that there never was one."""
    return await _tell(core, who, write, task_id, Saying.UNDO, body)


async def _tell(core: Core, who: Principal, write: Write, task_id: str, saying: Saying, body: Told) -> Response:
    async def handle(session: Session) -> Answer:
        task = await handlers.answer_task(core, session, department_of(who), body.about(task_id, saying))
        return Answer(200, TaskNow(task_id=task_id, state=named(task.state), asks=asks(task)))

    return await write(who, handle)


async def _shown(core: Core, connection: AsyncConnection, who: Principal, rows: Sequence[Any]) -> list[TaskShown]:
    """Persons in clear only to those who execute for the department that the task is for."""
    if not rows:
        return []
    found = await directions.plain_by_number(connection, {row.direction for row in rows})
    own = who.department if who.has(*EXECUTES) else None
    shown = {n: direction_shown(one, core.seal if one["department"] == own else None) for n, one in found.items()}
    return [task_shown(row, found[row.direction]["lines"][row.nth], shown[row.direction]) for row in rows]


def _department(who: Principal, named_department: str | None) -> DepartmentId:
    """Whose tasks: the caller's own, or those of the department that it names and may watch."""
    if named_department is None:
        return department_of(who)
    department = DepartmentId(named_department)
    require_department(who, department, *WATCHES)
    return department


def _may_see(who: Principal, department: str) -> bool:
    return who.department == department or who.has(*WATCHES)


def _place(after: str) -> tuple[int, int]:
    """A cursor, read; a page from the start without one."""
    if not after:
        return (-1, -1)
    direction, _, place = after.partition(".")
    if not (direction.isascii() and direction.isdigit() and place.isascii() and place.isdigit()):
        raise reject("field_invalid", "query.after", reason=Term("invalid.other"))
    if int(direction) >= 2**63 or int(place) >= 2**31:
        raise reject("field_invalid", "query.after", reason=Term("invalid.other"))
    return int(direction), int(place)


# --- checks ----------------------------------------------------------------------------------------------------------


@router.post("/checks", status_code=201, response_model=CheckShown)
async def make_check(body: Question, core: CoreDep, who: Executor, write: Write, wording: TheWording) -> Response:
    """Ask before acting (应查必查): what this department must or may do to the subject in this matter. Recorded."""
    subject = core.keys.of(body.subject.scheme, body.subject.number, "subject.number")

    async def handle(session: Session) -> Answer:
        made = await handlers.make_check(core, session, department_of(who), subject, body.matter)
        book = await core.lawbook.current()
        return Answer(201, check_shown(StoredCheck(made, who.subject, None), book, wording))

    return await write(who, handle)


@router.get("/checks")
async def awaiting_outcome(
    core: CoreDep,
    who: Reader,
    wording: TheWording,
    department: Department = None,
    after: After = "",
    limit: Limit = 100,
) -> CheckPage:
    """Checks that hit and whose outcome was not recorded yet (row 11: unanswered hits)."""
    book = await core.lawbook.current()
    async with core.engine.connect() as connection:
        found = await checks.awaiting(connection, _department(who, department), after, limit)
    items = [check_shown(stored, book, wording) for stored in found]
    return CheckPage(items=items, next=items[-1].check_id if len(items) == limit else None)


@router.get("/checks/{check_id}")
async def one_check(check_id: str, core: CoreDep, who: Reader, wording: TheWording) -> CheckShown:
    book = await core.lawbook.current()
    async with core.engine.connect() as connection:
        stored = await checks.one(connection, check_id)
    if stored is None or not _may_see(who, stored.made.department):
        raise reject("unknown_id", "path.check_id")
    return check_shown(stored, book, wording)


@router.post("/checks/{check_id}/outcome")
async def record_outcome(check_id: str, body: Outcome, core: CoreDep, who: Executor, write: Write) -> Response:
    """What the department then did about the measures that hit; once."""

    async def handle(session: Session) -> Answer:
        await handlers.record_outcome(session, department_of(who), check_id, applied=body.applied, note=body.note)
        return Answer(200, {"check_id": check_id, "applied": body.applied, "awaiting_outcome": False})

    return await write(who, handle)
