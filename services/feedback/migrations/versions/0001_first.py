"""The engine, what was received, the ledger of entries and lines, and the wording of measures."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson
from shared.database.migration import create_engine_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_engine_tables()
    _create_received()
    _create_entries()
    _create_lines()
    op.create_table(
        "measures",
        sa.Column("measure_id", sa.Text(), nullable=False),
        sa.Column("measure_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("measure_id", "measure_version", name="measures_pkey"),
    )


def _create_received() -> None:
    op.create_table(
        "received",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name="received_pkey"),
        sa.UniqueConstraint("event_id", name="received_event_id_key"),
    )


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("subject_name", sa.Text(), server_default="", nullable=False),
        sa.Column("list_kind", sa.Text()),
        sa.Column("domain_id", sa.Text()),
        sa.Column("initiated_by", sa.Text()),
        sa.Column("published_by", sa.Text()),
        sa.Column("term_to", sa.Date()),
        sa.Column("list_events", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unsettled", sa.Text(), server_default="", nullable=False),
        sa.Column("unread", sa.Text(), server_default="", nullable=False),
        sa.Column("ended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("directed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_directed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("standing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waiting", sa.Integer(), server_default="0", nullable=False),
        sa.Column("undoing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("closings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("entry_id", name="entries_pkey"),
    )
    op.create_index("entries_undoing_idx", "entries", ["entry_id"], postgresql_where=sa.text("state = 'undoing'"))


def _create_lines() -> None:
    op.create_table(
        "lines", *_ordered(), *_executed(), *_derived(), sa.PrimaryKeyConstraint("line_id", name="lines_pkey")
    )
    op.create_index("lines_entry_id_idx", "lines", ["entry_id"])
    owing = sa.text("state IN ('waiting', 'undoing')")
    op.create_index("lines_open_idx", "lines", ["department", "line_id"], postgresql_where=owing)
    unnoticed = sa.text("due_on IS NOT NULL AND NOT noticed")
    op.create_index("lines_unnoticed_idx", "lines", ["due_on", "line_id"], postgresql_where=unnoticed)


def _ordered() -> list[sa.Column[object]]:
    return [
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("response_id", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("measure_id", sa.Text()),
        sa.Column("measure_version", sa.Integer()),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("on_end", sa.Text()),
        sa.Column("on_error", sa.Text()),
        sa.Column("answer_within_days", sa.Integer(), nullable=False),
        sa.Column("undo_within_days", sa.Integer(), nullable=False),
        sa.Column("directed_at", sa.DateTime(timezone=True)),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True)),
        sa.Column("end_mode", sa.Text()),
        sa.Column("end_orders", sa.Integer(), nullable=False),
        sa.Column("end_ordered_at", sa.DateTime(timezone=True)),
    ]


def _executed() -> list[sa.Column[object]]:
    return [
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("applied_at", sa.DateTime(timezone=True)),
        sa.Column("effect_told_at", sa.DateTime(timezone=True)),
        sa.Column("told_late", sa.Boolean(), nullable=False),
        sa.Column("undone", sa.Text()),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("evidence", sa.Text(), nullable=False),
    ]


def _derived() -> list[sa.Column[object]]:
    return [
        sa.Column("noticed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("answered_late", sa.Boolean(), nullable=False),
        sa.Column("undone_late", sa.Boolean(), nullable=False),
    ]
