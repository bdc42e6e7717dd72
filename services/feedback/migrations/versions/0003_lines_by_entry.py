"""Lines are found by their entry and id: one index in the place of two, in the order in which entries come."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_constraint("lines_pkey", "lines")
    op.create_primary_key("lines_pkey", "lines", ["entry_id", "line_id"])
    op.drop_index("lines_entry_id_idx", "lines")
