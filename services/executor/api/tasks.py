"""Routes of tasks: the worklist, and the answers of departments."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor import handlers
from services.executor.api.access import (
    EXECUTES,
    Department,
    Executor,
    Reader,
    department_asked_for,
    may_read,
)
from services.executor.api.bodies.tasks import (
    AnswerBody,
    BulkAnswersBody,
    TaskAfterAnswer,
    TaskBody,
    bulk_result,
    direction_part,
    task_body,
)
from services.executor.domain.answers import AnswerKind
from services.executor.domain.task import Task, asks_of, state_name, unfounded
from services.executor.views import directions, tasks
from services.executor.views.tasks import FIRST_PLACE, Place, TaskQuery
from shared.contracts.event import EntryId
from shared.contracts.lawbook import MeasureKind
from shared.eventstore import Session
from shared.lawbook.responsibility import reads_persons
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.access import department_of
from shared.web.core import CoreDep, WordingDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import MANY_ITEMS_BYTES, Router
from shared.web.wording import Term
from shared.web.writing import Answer, Write

router = Router(max_body_size=MANY_ITEMS_BYTES)

_OPEN = {"open": frozenset({True}), "closed": frozenset({False}), "all": frozenset({True, False})}


# --- reading ---------------------------------------------------------------------------------------------------------


@router.get("/tasks", response_model=Page[TaskBody])
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
    """The tasks of the caller's department, in the order in which they were directed.

    A task that is directed during the reading may come before `next`. A client that polls open tasks starts at the beginning.
    """
    query = TaskQuery(
        department=await department_asked_for(core, who, department),
        open=_OPEN[state],
        kind=kind,
        entry_id=EntryId(entry_id) if entry_id is not None else None,
        after=_place(after),
        limit=limit + 1,
    )
    async with core.store.reading.connect() as connection:
        rows, following = cut(await tasks.page(connection, query), limit, _cursor)
        items = await _bodies(core, connection, who, rows)
    # Serialised directly: validating a thousand tasks again costs too much.
    body = orjson.dumps({"items": items, "next": following}, option=orjson.OPT_UTC_Z)
    return Response(body, media_type="application/json")


@router.get("/tasks/{task_id}")
async def read_task(task_id: str, core: CoreDep, who: Reader) -> TaskBody:
    async with core.store.reading.connect() as connection:
        row = await tasks.find(connection, task_id)
        if row is None or not await may_read(core, who, row.department):
            raise reject("unknown_id", "path.task_id")
        return (await _bodies(core, connection, who, [row]))[0]


async def _bodies(core: Core, connection: AsyncConnection, who: Principal, rows: Sequence[Any]) -> list[TaskBody]:
    """The rows as bodies. Persons are shown in clear only to executors of the department that has the task, and to those of a
    third party only where the law book lets it read persons."""
    if not rows:
        return []
    found = await directions.json_by_number(connection, {row.direction for row in rows})
    reads = reads_persons(await core.lawbook.current(), department_of(who))
    own = who.department if who.has(*EXECUTES) and reads else None
    parts = {n: direction_part(one, core.seal if one["department"] == own else None) for n, one in found.items()}
    return [task_body(row, found[row.direction]["lines"][row.nth], parts[row.direction]) for row in rows]


def _cursor(row: Any) -> str:
    return f"{row.direction}.{row.nth}"


def _place(after: str) -> Place:
    """The place that a cursor names. Raises Rejected: `field_invalid`."""
    if not after:
        return FIRST_PLACE
    direction, _, nth = after.partition(".")
    if not (direction.isascii() and direction.isdigit() and nth.isascii() and nth.isdigit()):
        raise reject("field_invalid", "query.after", reason=Term("invalid.other"))
    if int(direction) >= 2**63 or int(nth) >= 2**31:
        raise reject("field_invalid", "query.after", reason=Term("invalid.other"))
    return int(direction), int(nth)


# --- answering -------------------------------------------------------------------------------------------------------


@router.post("/tasks/answers", summary="Answer up to 1,000 tasks; invalid answers are returned with their faults")
async def answer_tasks(
    body: BulkAnswersBody, core: CoreDep, who: Executor, write: Write, wording: WordingDep, request: Request
) -> Response:
    answers = body.line_answers()

    async def handle(session: Session) -> Answer:
        outcome = await handlers.answer_tasks(core, session, department_of(who), answers)
        return Answer(200, bulk_result(answers, outcome, wording, request.url.path))

    return await write(who, handle)


@router.post("/tasks/{task_id}/acknowledge")
async def acknowledge(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    return await _answer(core, who, write, task_id, AnswerKind.ACKNOWLEDGE, body)


@router.post("/tasks/{task_id}/apply")
async def apply(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    """Arms an occasion measure; applies any other. Refused when the line has ended, is suspended, or its basis is gone.

    With `done_at` and `evidence` it reports an effect that exists, which is always recorded: by the law and the orders of that
    time it was lawful, or it had no basis and is to be undone at once (004 四(三)).
    """
    return await _answer(core, who, write, task_id, AnswerKind.APPLY, body)


@router.post("/tasks/{task_id}/not-applicable")
async def not_applicable(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    return await _answer(core, who, write, task_id, AnswerKind.NOT_APPLICABLE, body)


@router.post("/tasks/{task_id}/refuse")
async def refuse(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    """Recommended measures only."""
    return await _answer(core, who, write, task_id, AnswerKind.REFUSE, body)


@router.post("/tasks/{task_id}/fail")
async def fail(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    """The measure could not be applied; it is still to be applied."""
    return await _answer(core, who, write, task_id, AnswerKind.FAIL, body)


@router.post("/tasks/{task_id}/undo")
async def undo(task_id: str, body: AnswerBody, core: CoreDep, who: Executor, write: Write) -> Response:
    """After an end was ordered: how the effect was undone, with evidence; or that there never was an effect."""
    return await _answer(core, who, write, task_id, AnswerKind.UNDO, body)


async def _answer(
    core: Core, who: Principal, write: Write, task_id: str, kind: AnswerKind, body: AnswerBody
) -> Response:
    async def handle(session: Session) -> Answer:
        task = await handlers.answer_task(core, session, department_of(who), body.line_answer(task_id, kind))
        return Answer(200, _after_answer(task_id, task))

    return await write(who, handle)


def _after_answer(task_id: str, task: Task) -> TaskAfterAnswer:
    return TaskAfterAnswer(
        task_id=task_id, state=state_name(task.state), asks=asks_of(task), without_basis=unfounded(task.state)
    )
