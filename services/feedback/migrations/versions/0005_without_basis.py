"""Lines know the effect without a basis, and whether their last day is certain; entries know their jurisdiction.

A last day that may have been counted through 2027, which no calendar knew when this was written, is marked with year 0: the
overdue sweep counts it anew. So are lines that an instance of the version before inserts during the upgrade.
"""

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
_UNCERTAIN = """
    UPDATE lines SET unknown_year = 0, due_certain = due_on IS NULL OR due_on < '2027-01-01'
    WHERE greatest(directed_at, resumed_at, end_ordered_at, effect_told_at)
        + make_interval(days => 30 + 3 * greatest(answer_within_days, undo_within_days)) >= '2027-01-01'
"""


def upgrade() -> None:
    op.add_column("entries", sa.Column("jurisdiction", sa.Text()))
    op.execute(_JURISDICTIONS)
    op.add_column("lines", sa.Column("undone_told_at", sa.DateTime(timezone=True)))
    op.add_column("lines", sa.Column("without_basis", sa.Text()))
    op.add_column("lines", sa.Column("due_certain", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("lines", sa.Column("unknown_year", sa.Integer()))
    op.execute(_UNCERTAIN)
    op.alter_column("lines", "unknown_year", server_default="0")
    op.create_index(
        "lines_uncertain_idx",
        "lines",
        ["unknown_year", "line_id"],
        postgresql_where=sa.text("unknown_year IS NOT NULL"),
    )
    op.create_index(
        "lines_unfounded_idx",
        "lines",
        ["line_id"],
        postgresql_where=sa.text("without_basis IS NOT NULL AND undone IS NULL"),
    )
