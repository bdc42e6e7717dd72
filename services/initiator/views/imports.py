"""The imports of this service and their progress, in the order in which they were received."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.events import (
    ImportApproved,
    ImportChecked,
    ImportFinished,
    ImportReceived,
    ImportRefused,
)
from services.initiator.domain.imports import ImportStatus
from services.initiator.domain.visibility import Visibility
from services.initiator.schema import METADATA
from services.initiator.stores.import_work import WORK, Step
from shared.contracts.event import DomainId
from shared.database import RawJson, insert_rows, one_of, update_rows
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
    Column("hidden_rows", Integer, nullable=False, server_default="0"),
    Index(None, "department", "position"),
)
"""The counts are those of the last finished step. The counts of the current step are in `import_work`."""


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
            counts = {
                "rows": event.rows,
                "good": event.good,
                "rejected": event.rejected,
                "hidden_rows": event.hidden_rows,
            }
            domains = orjson.dumps(event.domains).decode()
            return counts | {"status": ImportStatus.CHECKED.value, "domains": domains}
        case ImportRefused():
            because = orjson.dumps([fault.model_dump() for fault in event.faults]).decode()
            counts = {} if event.published is None else {"published": event.published}
            return counts | {"status": ImportStatus.REFUSED.value, "refused_because": because}
        case ImportApproved():
            return {"status": ImportStatus.PUBLISHING.value, "approved_by": event.by}
        case ImportFinished():
            counts = {"good": event.published, "rejected": event.rejected, "published": event.published}
            return counts | {"status": ImportStatus.DONE.value}
        case _:
            raise TypeError(f"{event.TYPE} is not an event of an import")


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
        "hidden_rows": 0,
    }


# --- queries


async def find(connection: AsyncConnection, import_id: str) -> Row[Any] | None:
    """One import. `work_…`: the counts of its current step, null when no work is left."""
    return (await connection.execute(_WITH_WORK.where(IMPORTS.c.import_id == import_id))).one_or_none()


async def page(connection: AsyncConnection, visibility: Visibility, after: int, limit: int) -> Sequence[Row[Any]]:
    """At most `limit` imports that may be read, with the columns of `find`, from after this position on."""
    query = _WITH_WORK.where(IMPORTS.c.position > after).order_by(IMPORTS.c.position).limit(limit)
    return (await connection.execute(query.where(_may_read(visibility)))).all()


def _may_read(visibility: Visibility) -> ColumnElement[bool]:
    """The same condition as `Visibility.may_read_import`."""
    to_publish = [
        one_of(IMPORTS.c.department, visibility.departments_of(regions)) & _has_domain(domains)
        for regions, domains in visibility.published_together.items()
    ]
    return or_(
        IMPORTS.c.department == visibility.department,
        one_of(IMPORTS.c.department, visibility.departments_of(visibility.oversees)),
        *to_publish,
    )


def _has_domain(domains: Sequence[DomainId]) -> ColumnElement[bool]:
    of_rows = func.json_array_elements_text(IMPORTS.c.domains).table_valued("value")
    return select(of_rows.c.value).where(of_rows.c.value.in_(domains)).exists()


_WITH_WORK = select(
    IMPORTS,
    WORK.c.rows.label("work_rows"),
    WORK.c.good.label("work_good"),
    WORK.c.rejected.label("work_rejected"),
    WORK.c.published.label("work_published"),
    WORK.c.total.label("work_total"),
    WORK.c.hidden_rows.label("work_hidden_rows"),
).select_from(IMPORTS.outerjoin(WORK, WORK.c.import_id == IMPORTS.c.import_id))


async def unapproved_since(connection: AsyncConnection, instant: datetime) -> Sequence[str]:
    """The imports that were received before this instant and still wait for approval."""
    query = (
        select(WORK.c.import_id)
        .join(IMPORTS, IMPORTS.c.import_id == WORK.c.import_id)
        .where(WORK.c.step == Step.WAITING.value, IMPORTS.c.received_at < instant)
    )
    return (await connection.scalars(query)).all()
