"""The engine, the copy of the law book, entries, imports and what the work on imports needs."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson
from shared.database.migration import create_engine_tables, create_lawbook_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_engine_tables()
    create_lawbook_table()
    _create_entries()
    _create_imports()
    _create_import_work()
    _create_import_rows()


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("domain_id", sa.Text(), nullable=False),
        sa.Column("list_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_name", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decision_key", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Text()),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name="entries_pkey"),
        sa.UniqueConstraint("entry_id", name="entries_entry_id_key"),
    )
    op.create_index("entries_department_status_position_idx", "entries", ["department", "status", "position"])
    op.create_index(
        "entries_one_decision_idx",
        "entries",
        ["decision_key"],
        unique=True,
        postgresql_where=sa.text("status IN ('submitted', 'published')"),
    )


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("domains", RawJson(), nullable=False),
        sa.Column("approved_by", sa.Text()),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("refused_because", RawJson()),
        sa.PrimaryKeyConstraint("position", name="imports_pkey"),
        sa.UniqueConstraint("import_id", name="imports_import_id_key"),
    )
    op.create_index("imports_department_position_idx", "imports", ["department", "position"])


def _create_import_work() -> None:
    op.create_table(
        "import_work",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("form", sa.Text()),
        sa.Column("encoding", sa.Text()),
        sa.Column("next_line", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("domains", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", name="import_work_pkey"),
    )


def _create_import_rows() -> None:
    op.create_table(
        "import_chunks",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name="import_chunks_pkey"),
    )
    # Pieces are written once and read twice: compressing them would cost more than their space.
    op.execute("ALTER TABLE import_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL")
    op.create_table(
        "import_keys",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("decision_key", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "decision_key", name="import_keys_pkey"),
    )
    op.create_table(
        "import_rejects",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("facts", RawJson(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", "number", name="import_rejects_pkey"),
    )
