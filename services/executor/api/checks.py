"""Routes of checks (应查必查, row 11) and their outcomes."""

from fastapi import Response

from services.executor import handlers
from services.executor.api.access import Department, Executor, Reader, department_asked_for, may_read
from services.executor.api.bodies.checks import CheckBody, OutcomeBody, QuestionBody, check_body
from services.executor.views import checks
from services.executor.views.checks import StoredCheck
from shared.eventstore import Session
from shared.rejection import reject
from shared.web.access import department_of
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router
from shared.web.writing import Answer, Write

router = Router()


@router.post("/checks", status_code=201, response_model=CheckBody)
async def make_check(body: QuestionBody, core: CoreDep, who: Executor, write: Write, wording: WordingDep) -> Response:
    """Ask before acting (应查必查): what this department must or may do to the subject in this matter. The check is recorded."""
    subject = core.keys.of(body.subject.scheme, body.subject.number, "subject.number")

    async def handle(session: Session) -> Answer:
        made = await handlers.make_check(core, session, department_of(who), subject, body.matter)
        book = await core.lawbook.current()
        return Answer(201, check_body(StoredCheck(made, who.subject, None), book, wording))

    return await write(who, handle)


@router.get("/checks")
async def checks_awaiting_outcome(
    core: CoreDep,
    who: Reader,
    wording: WordingDep,
    department: Department = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[CheckBody]:
    """Checks with hits whose outcome is not recorded yet (row 11), oldest first."""
    book = await core.lawbook.current()
    asked_for = await department_asked_for(core, who, department)
    async with core.engine.connect() as connection:
        found = await checks.awaiting_outcome(connection, asked_for, after, limit + 1)
    page, following = cut(found, limit, lambda stored: stored.made.check_id)
    return Page(items=[check_body(stored, book, wording) for stored in page], next=following)


@router.get("/checks/{check_id}")
async def read_check(check_id: str, core: CoreDep, who: Reader, wording: WordingDep) -> CheckBody:
    book = await core.lawbook.current()
    async with core.engine.connect() as connection:
        stored = await checks.find(connection, check_id)
    if stored is None or not await may_read(core, who, stored.made.department):
        raise reject("unknown_id", "path.check_id")
    return check_body(stored, book, wording)


@router.post("/checks/{check_id}/outcome")
async def record_outcome(check_id: str, body: OutcomeBody, core: CoreDep, who: Executor, write: Write) -> Response:
    """What the department did about the hits; recorded once. What was applied although it was barred is reported with
    `done_at` and `evidence`."""

    async def handle(session: Session) -> Answer:
        await handlers.record_outcome(core, session, body.outcome(check_id, department_of(who)))
        return Answer(200, {"check_id": check_id, "applied": body.applied, "awaiting_outcome": False})

    return await write(who, handle)
