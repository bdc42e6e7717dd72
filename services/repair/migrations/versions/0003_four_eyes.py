"""Decisions that await confirmation, what an objection suspends and on which ground, and the region of an entry."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _create_decisions()
    _extend_cases()
    op.add_column("entries", sa.Column("jurisdiction", sa.Text(), nullable=False, server_default=""))
    op.execute(JURISDICTION_OF_STORED_ENTRIES)


JURISDICTION_OF_STORED_ENTRIES = """
    UPDATE entries SET jurisdiction = latest.jurisdiction
    FROM (
        SELECT DISTINCT ON (stream) stream, data -> 'entry' ->> 'jurisdiction' AS jurisdiction
        FROM events
        WHERE type IN ('repair.entry.adopted.v1', 'list.entry.corrected.v1')
        ORDER BY stream, version DESC
    ) AS latest
    WHERE latest.stream = 'entry-' || entries.entry_id
"""
"""A correction could change it before."""


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("content", RawJson(), nullable=False),
        sa.Column("suspends", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("closed_account", sa.Text()),
        sa.Column("closed_by", sa.Text()),
        sa.Column("return_reason", sa.Text()),
        sa.Column("act_id", sa.Text()),
        sa.PrimaryKeyConstraint("decision_id", name="decisions_pkey"),
    )
    op.create_index("decisions_status_decision_id_idx", "decisions", ["status", "decision_id"])
    for column in ("entry_id", "act_id", "case_id"):
        op.create_index(f"decisions_{column}_idx", "decisions", [column])


def _extend_cases() -> None:
    op.add_column("cases", sa.Column("ground", sa.Text()))
    op.add_column("cases", sa.Column("new_evidence", sa.Text(), nullable=False, server_default=""))
    for column in ("suspends_publicity", "suspends_sharing"):
        op.add_column("cases", sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("cases", sa.Column("suspension_begins", sa.Text()))
    op.add_column("cases", sa.Column("verified_from", sa.DateTime(timezone=True)))
    op.add_column("cases", sa.Column("earliest_on", sa.Date()))
    op.execute("UPDATE cases SET ground = 'other', suspension_begins = 'filed' WHERE kind = 'objection'")
