"""The decisions in a file while it is checked, so that a second row on one decision is found."""

from sqlalchemy import (
    ARRAY,
    Column,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.schema import METADATA
from shared.database import insert_rows

KEYS = Table(
    "import_keys",
    METADATA,
    Column("import_id", Uuid(as_uuid=False), nullable=False),
    Column("decision_key", Uuid(as_uuid=False), nullable=False),
    Column("line", Integer, nullable=False),
    PrimaryKeyConstraint("import_id", "decision_key"),
)
"""`line`: the first good line on this decision. A later line on it is a duplicate of that line."""


async def claim(connection: AsyncConnection, import_id: str, lines: dict[str, int]) -> dict[str, int]:
    """Decision key → the first good line of the file on it: the given line, or an earlier one that claimed the key before.

    `lines`: decision key → line.
    """
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


async def drop_keys(connection: AsyncConnection, import_id: str) -> None:
    await connection.execute(delete(KEYS).where(KEYS.c.import_id == import_id))
