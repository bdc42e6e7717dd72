"""Feedback keeps a copy of the law book, to decide who may read the ledger."""

from collections.abc import Sequence

from alembic import op

from shared.database.migration import create_lawbook_table

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    create_lawbook_table()


def downgrade() -> None:
    op.drop_table("lawbook_changes")
