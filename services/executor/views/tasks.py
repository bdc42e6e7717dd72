"""One row a line: the worklist (任务清单). A task's id is its line's.

What a task asks is not stored, so that it cannot disagree with its state; only `open` (it asks something) is, as a column
that the database derives: it selects the worklist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

from services.executor.domain.events import EndOrdered, LateEffectsOwed, LinesDirected, LinesResumed, LinesSuspended
from services.executor.domain.task import AWAITING, TaskState
from services.executor.schema import METADATA
from services.executor.views.directions import DIRECTIONS
from shared.contracts import execution
from shared.contracts.event import DepartmentId, EntryId, Event, LineId, ResponseId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.lawbook import MeasureKind
from shared.database import among, insert_rows, update_rows
from shared.eventstore import Recorded

_AWAITING = ", ".join(f"'{state.value}'" for state in sorted(AWAITING))
OPEN = f"state <> 'undone' AND (end_mode IS NOT NULL OR (state IN ({_AWAITING}) AND NOT suspended))"
"""What `services.executor.domain.task.asked` says, in SQL."""

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
    Column("end_mode", Text),
    Column("end_reason", Text),
    Column("said", Text),
    Column("how", Text),
    Column("done_at", DateTime(timezone=True)),
    Column("open", Boolean, Computed(OPEN, persisted=True), nullable=False),
    Index(None, "department", "open", "direction", "nth"),
)
"""`direction` and `nth` say where the line's text stands (views/directions.py) and order the worklist.

`said`, `how` and `done_at` are of the last answer: its note, reason or evidence."""


# --- projection ------------------------------------------------------------------------------------------------------

Patch = dict[str, Any]


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """New rows in one statement, changed ones in one for each set of columns that changes."""
    await insert_rows(connection, TASKS, [row for r in events for row in _new(r)])
    patches: dict[str, Patch] = {}
    for recorded in events:
        for task_id, patch in _patches(recorded.event):
            patches.setdefault(task_id, {}).update(patch)
    shapes: dict[tuple[str, ...], list[Patch]] = {}
    for task_id, patch in patches.items():
        ordered = {name: patch[name] for name in sorted(patch)}
        shapes.setdefault(tuple(ordered), []).append({"task_id": task_id, **ordered})
    for rows in shapes.values():
        await update_rows(connection, TASKS, ("task_id",), rows)


def _new(recorded: Recorded) -> Iterable[Patch]:
    event = recorded.event
    if not isinstance(event, LinesDirected):
        return
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
        }


def _patches(event: Event) -> Iterable[tuple[LineId, Patch]]:
    match event:
        case ExecutionEvent():
            said = _said(event)
            return ((line_id, said) for line_id in event.lines)
        case LinesSuspended():
            return ((line_id, {"suspended": True}) for line_id in event.lines)
        case LinesResumed():
            return ((line.line_id, {"suspended": False, "due_on": line.due_on}) for line in event.lines)
        case LateEffectsOwed():
            return ((line.line_id, {"due_on": line.due_on}) for line in event.lines)
        case EndOrdered():
            ended: Patch = {"end_mode": event.mode.value, "end_reason": event.reason, "suspended": False}
            return (
                (line.line_id, ended | {"due_on": line.due_on} | ({"state": line.effect.value} if line.effect else {}))
                for line in event.lines
            )
        case _:
            return ()


_STATES: Mapping[type[ExecutionEvent], TaskState] = {
    execution.Acknowledged: TaskState.ACKNOWLEDGED,
    execution.Armed: TaskState.ARMED,
    execution.Applied: TaskState.APPLIED,
    execution.NotApplicable: TaskState.NOT_APPLICABLE,
    execution.Refused: TaskState.REFUSED,
    execution.Failed: TaskState.FAILED,
    execution.EffectUndone: TaskState.UNDONE,
}


def _said(event: ExecutionEvent) -> Patch:
    said, how = "", None
    match event:
        case execution.Armed() | execution.Applied():
            said = event.note
        case execution.NotApplicable() | execution.Refused() | execution.Failed():
            said = event.reason
        case execution.EffectUndone():
            said, how = event.evidence, event.how.value
        case _:
            pass
    return {"state": _STATES[type(event)].value, "said": said, "how": how, "done_at": event.done_at}


# --- queries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks of one department, and from where on."""

    department: DepartmentId
    open: frozenset[bool]
    kind: MeasureKind | None
    entry_id: EntryId | None
    after: tuple[int, int]
    limit: int


async def page(connection: AsyncConnection, wanted: Wanted) -> list[Any]:
    """Tasks in the order in which they were directed."""
    halves = [_half(wanted, is_open) for is_open in sorted(wanted.open)]
    if len(halves) == 1:
        return list(await connection.execute(halves[0]))
    both = union_all(*[half.subquery().select() for half in halves]).subquery()
    query = select(both).order_by(both.c.direction, both.c.nth).limit(wanted.limit)
    return list(await connection.execute(query))


def _half(wanted: Wanted, is_open: bool) -> Select[Any]:
    """The open tasks or the others: each is one range of the index, already in order."""
    c = TASKS.c
    query = select(TASKS).where(
        c.department == wanted.department,
        c.open == is_open,
        tuple_(c.direction, c.nth) > tuple_(*wanted.after),
    )
    if wanted.kind is not None:
        query = query.where(c.kind == wanted.kind.value)
    if wanted.entry_id is not None:
        of_entry = select(DIRECTIONS.c.direction).where(DIRECTIONS.c.entry_id == wanted.entry_id)
        query = query.where(c.direction.in_(of_entry))
    return query.order_by(c.direction, c.nth).limit(wanted.limit)


async def one(connection: AsyncConnection, task_id: str) -> Any:
    """The row of a task, or None."""
    return (await connection.execute(select(TASKS).where(TASKS.c.task_id == task_id))).one_or_none()


_RESPONSES = select(TASKS.c.task_id, TASKS.c.response_id, TASKS.c.department).where(among(TASKS.c.task_id, "ids"))


async def responses_of(
    connection: AsyncConnection, department: DepartmentId, ids: Iterable[str]
) -> dict[LineId, ResponseId]:
    """To which response each task belongs; tasks of other departments are left out."""
    rows = await connection.execute(_RESPONSES, {"ids": list(ids)})
    return {row.task_id: row.response_id for row in rows if row.department == department}


_OF_SUBJECT = (
    select(TASKS.c.task_id, TASKS.c.department, TASKS.c.direction, TASKS.c.state, TASKS.c.suspended, TASKS.c.end_mode)
    .join_from(
        DIRECTIONS,
        TASKS,
        (TASKS.c.department == DIRECTIONS.c.department) & (TASKS.c.direction == DIRECTIONS.c.direction),
    )
    .where(DIRECTIONS.c.subject == bindparam("subject"), TASKS.c.open.in_([True, False]))
)


async def of_subject(connection: AsyncConnection, subject: str) -> list[Any]:
    """How every line about a subject stands. Both values of `open` are named so that the index is used."""
    return list(await connection.execute(_OF_SUBJECT, {"subject": subject}))
