"""Drafts; regions by the number in one change; what was retired or confirmed; how many settings are unconfirmed."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("items", sa.Column("nth", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("items", sa.Column("change", sa.Text(), server_default="published", nullable=False))
    op.add_column("items", sa.Column("said", sa.Text()))
    op.add_column("items", sa.Column("unconfirmed", sa.Integer(), server_default="0", nullable=False))
    op.drop_constraint("items_pkey", "items")
    op.create_primary_key("items_pkey", "items", ["lawbook_version", "nth"])
    op.execute("UPDATE items SET unconfirmed = json_array_length(coalesce(body -> 'example_settings', '[]'::json))")
    op.create_table(
        "drafts",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("department", sa.Text()),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text()),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text()),
        sa.Column("lawbook_version", sa.BigInteger()),
        sa.PrimaryKeyConstraint("draft_id", name="drafts_pkey"),
    )
    op.create_index("drafts_status_position_idx", "drafts", ["status", "position"])
    op.create_table(
        "draft_pieces",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "nth", name="draft_pieces_pkey"),
    )
