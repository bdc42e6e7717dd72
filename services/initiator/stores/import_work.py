"""The progress of the work on each import. A row exists from the upload until the import is done, refused or withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Column, Integer, Row, Table, Text, Uuid, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.schema import METADATA
from services.initiator.stores.import_chunks import CHUNKS, drop_chunks
from services.initiator.stores.import_keys import drop_keys
from shared.database import RawJson

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
    Column("total", Integer),
    Column("hidden_rows", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
)
"""`next_line` is the fence of the work: a batch that finds another value than it expects writes nothing.

`tries`: how often a worker began since the last progress. A worker that is killed cannot count afterwards, so it counts before.
"""


class Step(StrEnum):
    """What must be done with a file. `WAITING`: for the approval of an officer."""

    CHECKING = "checking"
    WAITING = "waiting"
    PUBLISHING = "publishing"


class Superseded(Exception):
    """The progress is not the expected one: another worker continued the work, or the import was withdrawn."""


@dataclass(frozen=True, slots=True)
class Work:
    """The progress of one step. `rows`, `good`, `rejected`, `published` count rows; `rows` = `good` + `rejected`.

    `next_line`: the first line of the file that the step has not handled. `domains`: those of the good rows. `total`: rows of
    the file, None until it was read to its end. `hidden_rows`: those that a workbook does not show.
    """

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
    total: int | None
    hidden_rows: int


async def open_work(connection: AsyncConnection, import_id: str) -> None:
    counts = {"next_line": 0, "rows": 0, "good": 0, "rejected": 0, "published": 0}
    await connection.execute(
        WORK.insert().values(import_id=import_id, step=Step.CHECKING.value, domains="[]", **counts)
    )


async def begin_publishing(connection: AsyncConnection, import_id: str) -> None:
    await _change_work(connection, import_id, step=Step.PUBLISHING.value, next_line=0, tries=0)


async def begin_waiting(connection: AsyncConnection, import_id: str) -> None:
    """The file is checked: the keys of its rows are needed no more."""
    await drop_keys(connection, import_id)
    await _change_work(connection, import_id, step=Step.WAITING.value, tries=0)


async def describe(connection: AsyncConnection, work: Work) -> None:
    """Write what the file is. The row must be locked with `lock_work` in this transaction."""
    await _change_work(
        connection,
        work.import_id,
        form=work.form,
        encoding=work.encoding,
        total=work.total,
        hidden_rows=work.hidden_rows,
    )


async def count_try(connection: AsyncConnection, import_id: str, change: int = 1) -> int | None:
    """Count a try of the work on this import, or take one back with -1. The tries since the last progress; None without work."""
    counted = update(WORK).where(WORK.c.import_id == import_id).values(tries=func.greatest(WORK.c.tries + change, 0))
    return await connection.scalar(counted.returning(WORK.c.tries))


async def advance(connection: AsyncConnection, work: Work) -> None:
    """Write the progress. The row must be locked with `lock_work` in this transaction."""
    await _change_work(
        connection,
        work.import_id,
        next_line=work.next_line,
        rows=work.rows,
        good=work.good,
        rejected=work.rejected,
        published=work.published,
        domains=orjson.dumps(sorted(work.domains)).decode(),
        tries=0,
    )


async def _change_work(connection: AsyncConnection, import_id: str, **values: Any) -> None:
    await connection.execute(update(WORK).where(WORK.c.import_id == import_id).values(values))


async def close_work(connection: AsyncConnection, import_id: str) -> None:
    """The work on this file is over: delete the file, which holds numbers of persons in clear, its keys and the progress."""
    await connection.execute(delete(WORK).where(WORK.c.import_id == import_id))
    await drop_keys(connection, import_id)
    await drop_chunks(connection, import_id)


async def read_work(connection: AsyncConnection, import_id: str) -> Work | None:
    row = (await connection.execute(select(WORK).where(WORK.c.import_id == import_id))).one_or_none()
    return _work(row) if row is not None else None


async def lock_work(connection: AsyncConnection, expected: Work) -> None:
    """Lock the progress for this transaction. Raises Superseded when it is not the expected one."""
    query = select(WORK).where(WORK.c.import_id == expected.import_id).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None or (row.step, row.next_line) != (expected.step.value, expected.next_line):
        raise Superseded(expected.import_id)


async def pending(connection: AsyncConnection) -> Sequence[str]:
    """The imports that have a step to be done by a worker: first those that were tried least, then the oldest."""
    steps = (Step.CHECKING.value, Step.PUBLISHING.value)
    query = select(WORK.c.import_id).where(WORK.c.step.in_(steps)).order_by(WORK.c.tries, WORK.c.import_id)
    return (await connection.scalars(query)).all()


async def drop_orphans(connection: AsyncConnection, older_than: timedelta) -> None:
    """Delete the pieces of uploads that broke off: they belong to no import, and the last of them is older than this."""
    orphans = (
        select(CHUNKS.c.import_id)
        .where(CHUNKS.c.import_id.not_in(select(WORK.c.import_id)))
        .group_by(CHUNKS.c.import_id)
        .having(func.max(CHUNKS.c.received_at) < func.clock_timestamp() - older_than)
    )
    await connection.execute(delete(CHUNKS).where(CHUNKS.c.import_id.in_(orphans)))


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
        row.total,
        row.hidden_rows,
    )
