"""The engine, the copy of the law book, subjects, entries and the persons held responsible for them."""

import sqlalchemy as sa
from alembic import op

from shared.database import RawJson
from shared.database.migration import create_engine_tables, create_lawbook_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_engine_tables()
    create_lawbook_table()
    op.create_table(
        "subjects",
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject_key", name="subjects_pkey"),
    )
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("list_kind", sa.Text(), nullable=False),
        sa.Column("domain_id", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("term_from", sa.Date(), nullable=False),
        sa.Column("term_to", sa.Date()),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("ended_mode", sa.Text()),
        sa.Column("ended_on", sa.Date()),
        sa.Column("entry", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="entries_pkey"),
    )
    op.create_index("entries_subject_key_idx", "entries", ["subject_key"])
    op.create_index("entries_domain_id_list_kind_entry_id_idx", "entries", ["domain_id", "list_kind", "entry_id"])
    op.create_index("entries_name_idx", "entries", ["name"])
    op.create_table(
        "entry_people",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "subject_key", name="entry_people_pkey"),
    )
