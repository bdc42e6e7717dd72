"""One row a subject: what is locked before anything is concluded about it. Rows are locked in sorted order, always."""

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
    """Take the subjects for this transaction: two batches that touch the same person go one after the other."""
    ordered = sorted(set(keys))
    await insert_rows(connection, SUBJECTS, [{"subject_key": k} for k in ordered], conflict=("subject_key",), keep=True)
    await connection.execute(_LOCK, {"keys": ordered})


async def share(connection: AsyncConnection, key: SubjectKey) -> None:
    """Wait for whoever writes this subject, so that the same question about the past has one answer for good."""
    await connection.execute(
        select(SUBJECTS.c.subject_key).where(SUBJECTS.c.subject_key == key).with_for_update(read=True)
    )
