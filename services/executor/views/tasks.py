"""The worklist (任务清单): one row for each task. The id of a task is the id of its line.

What a task asks is not stored, so that it cannot contradict the state. Only `open` (the task asks something) is stored, as a
column that the database computes; it selects the worklist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.executor.domain.events import (
    DueLine,
    EndedLine,
    EndOrdered,
    LateEffectsOwed,
    LinesDirected,
    LinesResumed,
    LinesSuspended,
)
from services.executor.domain.task import AWAITING_ANSWER, TaskState
from services.executor.schema import METADATA
from services.executor.views.directions import DIRECTIONS
from shared.calendar.working_days import today
from shared.contracts import execution
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, ResponseId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import MeasureKind
from shared.database import among, insert_rows, update_changed
from shared.eventstore import Recorded

_AWAITING = ", ".join(f"'{state.value}'" for state in sorted(AWAITING_ANSWER))
OPEN = (
    "CASE WHEN end_mode IS NOT NULL THEN state <> 'undone' "
    f"ELSE without_basis IS NOT NULL OR (state IN ({_AWAITING}) AND NOT suspended) END"
)
"""`asks_in_state` (domain/task.py) is not `nothing`, in SQL."""

TASKS = Table(
    "tasks",
    METADATA,
    Column("task_id", Text, primary_key=True),
    Column("response_id", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("direction", BigInteger, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("due_on", Date),
    Column("due_from", Date),
    Column("end_mode", Text),
    Column("end_reason", Text),
    Column("said", Text),
    Column("how", Text),
    Column("done_at", DateTime(timezone=True)),
    Column("without_basis", Text),
    Column("open", Boolean, Computed(OPEN, persisted=True), nullable=False),
    Index(None, "department", "open", "direction", "nth"),
)
"""`direction` and `nth` refer to the line (views/directions.py) and order the worklist.

`said` (note, reason or evidence), `how` and `done_at` are from the last answer. `due_from`: the day from which the working days
for what is asked are counted; the last day itself is counted when it is read, by the calendar that is known then. `due_on`: that
day as it was counted with the order.
`without_basis`: why the effect that is in force has no basis."""


# --- projection ------------------------------------------------------------------------------------------------------

Patch = dict[str, Any]


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """Insert new rows in one statement; update changed rows in one statement for each set of changed columns."""
    await insert_rows(connection, TASKS, [row for r in events for row in _new(r)])
    patches: dict[str, Patch] = {}
    for recorded in events:
        for task_id, patch in _patches(recorded.event, today(recorded.effective_at)):
            patches.setdefault(task_id, {}).update(patch)
    await update_changed(connection, TASKS, ("task_id",), [{"task_id": i, **patch} for i, patch in patches.items()])


def _new(recorded: Recorded) -> Iterable[Patch]:
    event = recorded.event
    if not isinstance(event, LinesDirected):
        return
    day = today(recorded.effective_at)
    for nth, (line, due_on) in enumerate(zip(event.lines, event.due, strict=True)):
        yield {
            "task_id": line.line_id,
            "response_id": event.response_id,
            "department": event.department,
            "direction": recorded.position,
            "nth": nth,
            "kind": line.kind.value,
            "state": TaskState.DIRECTED.value,
            "suspended": False,
            "due_on": due_on,
            "due_from": day,
        }


def _patches(event: Event, day: date) -> Iterable[tuple[LineId, Patch]]:
    """`day`: of the event (Asia/Shanghai). Where an order leaves the last day as it was, `due_on` is None."""
    match event:
        case execution.EffectUndone():
            patch = _answer_patch(event) | {"due_from": day}
            return ((line_id, patch) for line_id in event.lines)
        case ExecutionEvent():
            patch = _answer_patch(event)
            return ((line_id, patch) for line_id in event.lines)
        case LinesSuspended():
            return ((line_id, {"suspended": True}) for line_id in event.lines)
        case LinesResumed():
            return ((line.line_id, {"suspended": False} | _due(line, day)) for line in event.lines)
        case LateEffectsOwed():
            return ((line.line_id, {"due_on": line.due_on, "due_from": day}) for line in event.lines)
        case EndOrdered():
            ended: Patch = {"end_mode": event.mode.value, "end_reason": event.reason, "suspended": False}
            return (
                (line.line_id, ended | _due(line, day) | ({"state": line.effect.value} if line.effect else {}))
                for line in event.lines
            )
        case _:
            return ()


def _due(line: DueLine | EndedLine, day: date) -> Patch:
    return {} if line.due_on is None else {"due_on": line.due_on, "due_from": day}


_STATES: Mapping[type[ExecutionEvent], TaskState] = {
    execution.Acknowledged: TaskState.ACKNOWLEDGED,
    execution.Armed: TaskState.ARMED,
    execution.Applied: TaskState.APPLIED,
    execution.NotApplicable: TaskState.NOT_APPLICABLE,
    execution.Refused: TaskState.REFUSED,
    execution.Failed: TaskState.FAILED,
    execution.EffectUndone: TaskState.UNDONE,
}


def _answer_patch(event: ExecutionEvent) -> Patch:
    text, how, without_basis = "", None, None
    match event:
        case execution.Armed():
            text = event.note
        case execution.Applied():
            text, without_basis = event.note or event.evidence, event.without_basis
        case execution.NotApplicable() | execution.Refused() | execution.Failed():
            text = event.reason
        case execution.EffectUndone():
            text, how = event.evidence, event.how.value
        case _:
            pass
    return {
        "state": _STATES[type(event)].value,
        "said": text,
        "how": how,
        "done_at": event.done_at,
        "without_basis": without_basis.value if without_basis else None,
    }


# --- queries ---------------------------------------------------------------------------------------------------------


Place = tuple[int, int]
"""The place of a task in the worklist: `direction` and `nth`."""
FIRST_PLACE: Place = (-1, -1)
"""Before the first task."""


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks of one department to read. `open`: the wanted values of that column. `kind`, `entry_id`: None means any."""

    department: DepartmentId
    open: frozenset[bool]
    kind: MeasureKind | None
    entry_id: EntryId | None
    after: Place
    limit: int


async def page(connection: AsyncConnection, query: TaskQuery) -> list[Any]:
    """At most `query.limit` rows, in the order in which the tasks were directed."""
    halves = [_half(query, is_open) for is_open in sorted(query.open)]
    if len(halves) == 1:
        return list(await connection.execute(halves[0]))
    both = union_all(*[half.subquery().select() for half in halves]).subquery()
    statement = select(both).order_by(both.c.direction, both.c.nth).limit(query.limit)
    return list(await connection.execute(statement))


def _half(query: TaskQuery, is_open: bool) -> Select[Any]:
    """The open tasks, or the others. Each is one range of the index, already in order."""
    c = TASKS.c
    statement = select(TASKS).where(
        c.department == query.department,
        c.open == is_open,
        tuple_(c.direction, c.nth) > tuple_(*query.after),
    )
    if query.kind is not None:
        statement = statement.where(c.kind == query.kind.value)
    if query.entry_id is not None:
        of_entry = select(DIRECTIONS.c.direction).where(DIRECTIONS.c.entry_id == query.entry_id)
        statement = statement.where(c.direction.in_(of_entry))
    return statement.order_by(c.direction, c.nth).limit(query.limit)


async def find(connection: AsyncConnection, task_id: str) -> Any:
    """The row of a task, or None."""
    return (await connection.execute(select(TASKS).where(TASKS.c.task_id == task_id))).one_or_none()


_RESPONSES = select(TASKS.c.task_id, TASKS.c.response_id, TASKS.c.department).where(among(TASKS.c.task_id, "ids"))


async def responses_of(
    connection: AsyncConnection, department: DepartmentId, ids: Iterable[str]
) -> dict[LineId, ResponseId]:
    """The response of each task. Tasks of other departments are left out."""
    rows = await connection.execute(_RESPONSES, {"ids": list(ids)})
    return {row.task_id: row.response_id for row in rows if row.department == department}


_OF_SUBJECT = (
    select(
        TASKS.c.task_id,
        TASKS.c.department,
        TASKS.c.direction,
        TASKS.c.state,
        TASKS.c.suspended,
        TASKS.c.end_mode,
        TASKS.c.without_basis,
    )
    .join_from(
        DIRECTIONS,
        TASKS,
        (TASKS.c.department == DIRECTIONS.c.department) & (TASKS.c.direction == DIRECTIONS.c.direction),
    )
    .where(DIRECTIONS.c.subject == bindparam("subject"), TASKS.c.open.in_([True, False]))
)


async def of_subject(connection: AsyncConnection, subject: str) -> list[Any]:
    """The state of every line about a subject. The query names both values of `open` so that the index is used."""
    return list(await connection.execute(_OF_SUBJECT, {"subject": subject}))
