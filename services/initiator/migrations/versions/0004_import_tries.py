"""Imports: tries of the work since the last progress, the total of rows, and rows that a workbook hides."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("import_work", sa.Column("total", sa.Integer()))
    op.add_column("import_work", sa.Column("hidden_rows", sa.Integer(), server_default="0", nullable=False))
    op.add_column("import_work", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("imports", sa.Column("hidden_rows", sa.Integer(), server_default="0", nullable=False))
