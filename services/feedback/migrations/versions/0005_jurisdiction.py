"""Entries know their jurisdiction: credit offices and auditors read the ledger of their regions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_JURISDICTIONS = """
    UPDATE entries SET jurisdiction = last.jurisdiction FROM (
        SELECT DISTINCT ON (body->>'entry_id') body->>'entry_id' AS entry_id, body->'entry'->>'jurisdiction' AS jurisdiction
        FROM received WHERE type IN ('list.entry.published.v1', 'list.entry.corrected.v1')
        ORDER BY body->>'entry_id', position DESC
    ) AS last WHERE last.entry_id = entries.entry_id
"""


def upgrade() -> None:
    op.add_column("entries", sa.Column("jurisdiction", sa.Text()))
    op.execute(_JURISDICTIONS)
