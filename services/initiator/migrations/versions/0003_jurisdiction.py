"""The region of an entry, by which readers are limited. Entries that are there get it from their last event that has content."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BACKFILL = """
UPDATE entries SET jurisdiction = content.jurisdiction
FROM (
    SELECT DISTINCT ON (stream) stream, data #>> '{entry,jurisdiction}' AS jurisdiction
    FROM events
    WHERE type IN ('initiator.entry.drafted.v1', 'initiator.entry.revised.v1', 'list.entry.published.v1')
    ORDER BY stream, version DESC
) AS content
WHERE content.stream = 'entry-' || entries.entry_id::text AND content.jurisdiction IS NOT NULL
"""


def upgrade() -> None:
    """The default serves instances of the earlier version, which do not write the column. It is in no region."""
    op.add_column("entries", sa.Column("jurisdiction", sa.Text(), nullable=False, server_default=""))
    op.execute(_BACKFILL)
