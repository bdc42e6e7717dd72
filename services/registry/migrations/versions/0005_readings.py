"""Readings of natural persons, and the entries that they showed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("reading_id", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("business_number", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.Date()),
        sa.Column("known_at", sa.DateTime(timezone=True)),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("refused_by", sa.Text()),
        sa.PrimaryKeyConstraint("reading_id", name="readings_pkey"),
    )
    op.create_index("readings_department_read_at_idx", "readings", ["department", "read_at"])
    op.create_table(
        "entries_read",
        sa.Column("reading_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reading_id", "entry_id", name="entries_read_pkey"),
    )
    op.create_index("entries_read_entry_id_idx", "entries_read", ["entry_id"])
