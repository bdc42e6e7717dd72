"""The engine, the copy of the law book, directions with their tasks, checks, and how far was read."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson
from shared.database.migration import create_engine_tables, create_lawbook_table

revision = "0001"
down_revision = None

OPEN = (
    "state <> 'undone' AND "
    "(end_mode IS NOT NULL OR (state IN ('acknowledged', 'directed', 'failed') AND NOT suspended))"
)


def upgrade() -> None:
    create_engine_tables()
    create_lawbook_table()
    _create_worklist()
    _create_checks()


def _create_worklist() -> None:
    op.create_table(
        "directions",
        sa.Column("direction", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("directed", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("direction", name="directions_pkey"),
    )
    op.create_index("directions_response_id_idx", "directions", ["response_id"])
    op.create_index("directions_entry_id_idx", "directions", ["entry_id"])
    op.create_index("directions_subject_idx", "directions", ["subject"])
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("direction", sa.BigInteger(), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("end_mode", sa.Text()),
        sa.Column("end_reason", sa.Text()),
        sa.Column("said", sa.Text()),
        sa.Column("how", sa.Text()),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("open", sa.Boolean(), sa.Computed(OPEN, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name="tasks_pkey"),
    )
    op.create_index("tasks_department_open_direction_nth_idx", "tasks", ["department", "open", "direction", "nth"])


def _create_checks() -> None:
    op.create_table(
        "checks",
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("awaiting", sa.Boolean(), nullable=False),
        sa.Column("made", RawJson(), nullable=False),
        sa.Column("outcome", RawJson()),
        sa.PrimaryKeyConstraint("check_id", name="checks_pkey"),
    )
    op.create_index("checks_department_awaiting_check_id_idx", "checks", ["department", "awaiting", "check_id"])
    op.create_table(
        "readings",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partition", name="readings_pkey"),
    )
