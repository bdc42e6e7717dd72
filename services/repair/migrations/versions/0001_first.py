"""The engine's tables, the law book, and where entries and their cases stand."""

import sqlalchemy as sa
from alembic import op

from shared.database.migration import create_engine_tables, create_lawbook_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_engine_tables()
    create_lawbook_table()
    _create_entries()
    _create_cases()
    _create_acts()


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("list_kind", sa.Text(), nullable=False),
        sa.Column("domain_id", sa.Text(), nullable=False),
        sa.Column("initiated_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("term_to", sa.Date()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.PrimaryKeyConstraint("entry_id", name="entries_pkey"),
    )
    op.create_index("entries_subject_key_idx", "entries", ["subject_key"])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("suspends", sa.Boolean(), nullable=False),
        sa.Column("verify_by", sa.Date()),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decision_reason", sa.Text()),
        sa.Column("document_number", sa.Text()),
        sa.PrimaryKeyConstraint("case_id", name="cases_pkey"),
    )
    op.create_index("cases_entry_id_idx", "cases", ["entry_id"])
    op.create_index("cases_kind_status_case_id_idx", "cases", ["kind", "status", "case_id"])


def _create_acts() -> None:
    op.create_table(
        "acts",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("act_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text()),
        sa.Column("ended_on", sa.Date()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("department", sa.Text()),
        sa.PrimaryKeyConstraint("position", name="acts_pkey"),
    )
    op.create_index("acts_act_id_idx", "acts", ["act_id"], unique=True)
    op.create_index("acts_kind_position_idx", "acts", ["kind", "position"])
