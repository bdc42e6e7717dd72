"""The imports of this service, and what the work on them leaves behind: rejected rows, progress, and the file while it lasts.

`imports` is folded from events. The other tables belong to the work on a file and are no read model: `import_chunks` holds
the file as it came, numbers of persons in clear included, until the import is done or refused, and no longer.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.imports import (
    ImportApproved,
    ImportChecked,
    ImportFinished,
    ImportReceived,
    ImportRefused,
    ImportStatus,
)
from services.initiator.schema import METADATA
from services.initiator.views.entries import Sight
from shared.database import RawJson, insert_rows, update_rows
from shared.eventstore import Recorded

IMPORTS = Table(
    "imports",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("import_id", Uuid(as_uuid=False), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("domains", RawJson, nullable=False),
    Column("approved_by", Text),
    Column("rows", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("published", Integer, nullable=False),
    Column("refused_because", RawJson),
    Index(None, "department", "position"),
)
"""The counts are those of the last step that was finished; those of the step in hand are in `import_work`."""

WORK = Table(
    "import_work",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), primary_key=True),
    Column("step", Text, nullable=False),
    Column("form", Text),
    Column("encoding", Text),
    Column("next_line", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("published", Integer, nullable=False),
    Column("domains", RawJson, nullable=False),
)
"""Where the work on an import stands. `next_line` is its fence: a batch that finds another one than expected is void."""

CHUNKS = Table(
    "import_chunks",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("number", Integer, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("import_id", "number"),
)

KEYS = Table(
    "import_keys",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("decision_key", Uuid(as_uuid=False), nullable=False),
    Column("line", Integer, nullable=False),
    PrimaryKeyConstraint("import_id", "decision_key"),
)
"""The first good line of each decision in a file, while the file is checked: a second one is a duplicate of that line."""

REJECTS = Table(
    "import_rejects",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("line", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("field", Text),
    Column("code", Text, nullable=False),
    Column("facts", RawJson, nullable=False),
    Column("row", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "line", "number"),
)
"""One row a fault; `row` is the line of the file, with what identifies a person starred out."""


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    for recorded in events:
        category, _, import_id = recorded.stream.partition("-")
        if category != "import":
            continue
        row: dict[str, Any] = {"import_id": import_id, "version": recorded.version} | _changes(recorded)
        if isinstance(recorded.event, ImportReceived):
            await insert_rows(connection, IMPORTS, [row])
        else:
            await update_rows(connection, IMPORTS, ("import_id",), [row])


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case ImportReceived():
            return _received(event, recorded)
        case ImportChecked():
            counts = {"rows": event.rows, "good": event.good, "rejected": event.rejected}
            domains = orjson.dumps(event.domains).decode()
            return counts | {"status": ImportStatus.CHECKED.value, "domains": domains}
        case ImportRefused():
            because = orjson.dumps([fault.model_dump() for fault in event.faults]).decode()
            return {"status": ImportStatus.REFUSED.value, "refused_because": because}
        case ImportApproved():
            return {"status": ImportStatus.PUBLISHING.value, "approved_by": event.by}
        case ImportFinished():
            counts = {"good": event.published, "rejected": event.rejected, "published": event.published}
            return counts | {"status": ImportStatus.DONE.value}
        case _:
            raise TypeError(f"{event.TYPE} is no event of an import")


def _received(event: ImportReceived, recorded: Recorded) -> dict[str, Any]:
    return {
        "position": recorded.position,
        "status": ImportStatus.CHECKING.value,
        "department": event.department,
        "received_by": event.by,
        "received_at": recorded.effective_at,
        "file_name": event.file_name,
        "size": event.size,
        "digest": event.digest,
        "domains": "[]",
        "rows": 0,
        "good": 0,
        "rejected": 0,
        "published": 0,
    }


# --- the file as it came


async def add_chunk(connection: AsyncConnection, import_id: str, number: int, content: bytes) -> None:
    await connection.execute(CHUNKS.insert().values(import_id=import_id, number=number, bytes=content))


async def chunk(connection: AsyncConnection, import_id: str, number: int) -> bytes | None:
    """One piece of the file, counted from 0; None after the last."""
    query = select(CHUNKS.c.bytes).where(CHUNKS.c.import_id == import_id, CHUNKS.c.number == number)
    return await connection.scalar(query)


async def drop_chunks(connection: AsyncConnection, import_id: str) -> None:
    await connection.execute(delete(CHUNKS).where(CHUNKS.c.import_id == import_id))


async def drop_orphans(connection: AsyncConnection, older_than: timedelta) -> None:
    """Delete what is left of uploads that were broken off: pieces that belong to no import, and come no more."""
    left = (
        select(CHUNKS.c.import_id)
        .where(CHUNKS.c.import_id.not_in(select(WORK.c.import_id)))
        .group_by(CHUNKS.c.import_id)
        .having(func.max(CHUNKS.c.received_at) < func.clock_timestamp() - older_than)
    )
    await connection.execute(delete(CHUNKS).where(CHUNKS.c.import_id.in_(left)))


# --- the work on it


class Step(StrEnum):
    """What is to be done with a file; `WAITING` is for people."""

    CHECKING = "checking"
    WAITING = "waiting"
    PUBLISHING = "publishing"


class Superseded(Exception):
    """The work stands elsewhere than this worker thought: another one went on with it, or the import was withdrawn."""


@dataclass(frozen=True, slots=True)
class Work:
    """How far one step has come. `good` and `rejected` count rows; `rows` is their sum."""

    import_id: str
    step: Step
    form: str | None
    encoding: str | None
    next_line: int
    rows: int
    good: int
    rejected: int
    published: int
    domains: frozenset[str]


async def open_work(connection: AsyncConnection, import_id: str) -> None:
    counts = {"next_line": 0, "rows": 0, "good": 0, "rejected": 0, "published": 0}
    await connection.execute(
        WORK.insert().values(import_id=import_id, step=Step.CHECKING.value, domains="[]", **counts)
    )


async def begin_publishing(connection: AsyncConnection, import_id: str) -> None:
    await _change_work(connection, import_id, step=Step.PUBLISHING.value, next_line=0)


async def begin_waiting(connection: AsyncConnection, import_id: str) -> None:
    """The file is checked: the keys of its rows have served their purpose."""
    await connection.execute(delete(KEYS).where(KEYS.c.import_id == import_id))
    await _change_work(connection, import_id, step=Step.WAITING.value)


async def remember_form(connection: AsyncConnection, import_id: str, form: str, encoding: str) -> None:
    await _change_work(connection, import_id, form=form, encoding=encoding)


async def advance(connection: AsyncConnection, work: Work) -> None:
    """Write how far the work has come; the row was locked with `lock_work` in this transaction."""
    await _change_work(
        connection,
        work.import_id,
        next_line=work.next_line,
        rows=work.rows,
        good=work.good,
        rejected=work.rejected,
        published=work.published,
        domains=orjson.dumps(sorted(work.domains)).decode(),
    )


async def _change_work(connection: AsyncConnection, import_id: str, **values: Any) -> None:
    await connection.execute(update(WORK).where(WORK.c.import_id == import_id).values(values))


async def close_work(connection: AsyncConnection, import_id: str) -> None:
    """Nothing more will be done with this file: delete it, with all that it said about persons."""
    for table in (WORK, KEYS, CHUNKS):
        await connection.execute(delete(table).where(table.c.import_id == import_id))


async def read_work(connection: AsyncConnection, import_id: str) -> Work | None:
    row = (await connection.execute(select(WORK).where(WORK.c.import_id == import_id))).one_or_none()
    return _work(row) if row is not None else None


async def lock_work(connection: AsyncConnection, expected: Work) -> None:
    """Take the work for this transaction. Raises Superseded when it is not where the worker left it."""
    query = select(WORK).where(WORK.c.import_id == expected.import_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None or (row.step, row.next_line) != (expected.step.value, expected.next_line):
        raise Superseded(expected.import_id)


async def in_hand(connection: AsyncConnection) -> Sequence[str]:
    """The imports on which work is to be done, the oldest first."""
    steps = (Step.CHECKING.value, Step.PUBLISHING.value)
    query = select(WORK.c.import_id).where(WORK.c.step.in_(steps)).order_by(WORK.c.import_id)
    return (await connection.scalars(query)).all()


async def unapproved_since(connection: AsyncConnection, instant: datetime) -> Sequence[str]:
    """Imports that were received before this moment and still wait for approval."""
    query = (
        select(WORK.c.import_id)
        .join(IMPORTS, IMPORTS.c.import_id == WORK.c.import_id)
        .where(WORK.c.step == Step.WAITING.value, IMPORTS.c.received_at < instant)
    )
    return (await connection.scalars(query)).all()


def _work(row: Row[Any]) -> Work:
    return Work(
        row.import_id,
        Step(row.step),
        row.form,
        row.encoding,
        row.next_line,
        row.rows,
        row.good,
        row.rejected,
        row.published,
        frozenset(orjson.loads(row.domains)),
    )


# --- duplicates within a file, and what was rejected


async def claim(connection: AsyncConnection, import_id: str, lines: dict[str, int]) -> dict[str, int]:
    """For each decision key the first good line of the file that has it: the given line, unless an earlier one was first."""
    if not lines:
        return {}
    rows = [{"import_id": import_id, "decision_key": key, "line": line} for key, line in lines.items()]
    await insert_rows(connection, KEYS, rows, conflict=("import_id", "decision_key"), keep=True)
    found = await connection.execute(_CLAIMED, {"import_id": import_id, "keys": list(lines)})
    return {row.decision_key: row.line for row in found}


_CLAIMED = select(KEYS.c.decision_key, KEYS.c.line).where(
    KEYS.c.import_id == bindparam("import_id", type_=Uuid(as_uuid=False)),
    KEYS.c.decision_key == any_(cast(bindparam("keys", type_=ARRAY(Text())), ARRAY(Uuid(as_uuid=False)))),
)


async def add_rejects(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await insert_rows(connection, REJECTS, rows)


async def rejected_lines(connection: AsyncConnection, import_id: str, first: int, last: int) -> frozenset[int]:
    query = (
        select(REJECTS.c.line).where(REJECTS.c.import_id == import_id, REJECTS.c.line.between(first, last)).distinct()
    )
    return frozenset(await connection.scalars(query))


async def rejects(connection: AsyncConnection, import_id: str) -> AsyncIterator[Row[Any]]:
    """Every fault of every rejected row, in the order of the file."""
    after: tuple[int, int] = (-1, -1)
    while True:
        query = (
            select(REJECTS)
            .where(REJECTS.c.import_id == import_id, tuple_(REJECTS.c.line, REJECTS.c.number) > after)
            .order_by(REJECTS.c.line, REJECTS.c.number)
            .limit(1000)
        )
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield row
        if not rows:
            return
        after = (rows[-1].line, rows[-1].number)


# --- what is asked


async def one(connection: AsyncConnection, import_id: str) -> Row[Any] | None:
    """An import as it stands, with the counts of the step in hand as `work_…`."""
    return (await connection.execute(_ASKED.where(IMPORTS.c.import_id == import_id))).one_or_none()


async def page(connection: AsyncConnection, sight: Sight, after: int, limit: int) -> Sequence[Row[Any]]:
    query = _ASKED.where(IMPORTS.c.position > after).order_by(IMPORTS.c.position).limit(limit)
    if not sight.everything:
        named = func.json_array_elements_text(IMPORTS.c.domains).table_valued("value")
        to_publish = select(named.c.value).where(named.c.value.in_(sight.publishes_in)).exists()
        query = query.where(or_(IMPORTS.c.department == (sight.department or ""), to_publish))
    return (await connection.execute(query)).all()


_ASKED = select(
    IMPORTS,
    WORK.c.rows.label("work_rows"),
    WORK.c.good.label("work_good"),
    WORK.c.rejected.label("work_rejected"),
    WORK.c.published.label("work_published"),
).select_from(IMPORTS.outerjoin(WORK, WORK.c.import_id == IMPORTS.c.import_id))
