"""The engine's tables and the law book by kind, id and version."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson
from shared.database.migration import create_engine_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_engine_tables()
    op.create_table(
        "items",
        sa.Column("lawbook_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("region", sa.Text()),
        sa.Column("instrument_id", sa.Text()),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("lawbook_version", name="items_pkey"),
    )
    op.create_index("items_kind_item_id_lawbook_version_idx", "items", ["kind", "item_id", "lawbook_version"])
    op.create_table(
        "item_domains",
        sa.Column("lawbook_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("domain_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lawbook_version", "domain_id", name="item_domains_pkey"),
    )
