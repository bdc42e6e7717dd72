"""One row for each subject, which is locked before anything is decided about it. Rows are always locked in sorted order."""

from collections.abc import Iterable

from sqlalchemy import Column, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.schema import METADATA
from shared.contracts.event import SubjectKey
from shared.database import among, insert_rows

SUBJECTS = Table("subjects", METADATA, Column("subject_key", Text, primary_key=True))

_LOCK = (
    select(SUBJECTS.c.subject_key)
    .where(among(SUBJECTS.c.subject_key, "keys"))
    .order_by(SUBJECTS.c.subject_key)
    .with_for_update()
)


async def lock(connection: AsyncConnection, keys: Iterable[SubjectKey]) -> None:
    """Lock the subjects for this transaction: two batches about the same person run one after the other."""
    ordered = sorted(set(keys))
    await insert_rows(connection, SUBJECTS, [{"subject_key": k} for k in ordered], conflict=("subject_key",), keep=True)
    await connection.execute(_LOCK, {"keys": ordered})


async def share(connection: AsyncConnection, key: SubjectKey) -> None:
    """Wait for a transaction that writes this subject, so that a question about the past always has the same answer."""
    await connection.execute(
        select(SUBJECTS.c.subject_key).where(SUBJECTS.c.subject_key == key).with_for_update(read=True)
    )
