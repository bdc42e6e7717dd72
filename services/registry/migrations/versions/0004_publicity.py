"""Publicity of entries by day, their region, and an index of pairs of characters of their names.

Old entries have no period of publicity yet. They are not public until the registry has decided it: finished runs are forgotten,
so that a new one goes through all entries in force.
"""

import sqlalchemy as sa
from alembic import op

from shared.identity.names import bigrams, matching_name

revision = "0004"
down_revision = "0003"

_BATCH = 5_000
_BIGRAMS = sa.text("string_to_array(name_bigrams, ' ')")
_LEFT_ON = sa.text("(LEAST(ended_on, public_until + 1, publicity_suspended_on))")


def upgrade() -> None:
    op.alter_column("entries", "suspended", server_default=sa.false())
    op.add_column("entries", sa.Column("jurisdiction", sa.Text(), nullable=False, server_default=""))
    op.add_column("entries", sa.Column("public_from", sa.Date()))
    op.add_column("entries", sa.Column("public_until", sa.Date()))
    op.add_column("entries", sa.Column("publicity_suspended_on", sa.Date()))
    op.add_column("entries", sa.Column("name_matching", sa.Text(), nullable=False, server_default=""))
    op.add_column("entries", sa.Column("name_bigrams", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE entries SET jurisdiction = entry->>'jurisdiction',"
        " public_from = term_from, public_until = term_to, public = false"
    )
    _fill_names()
    op.drop_index("entries_name_idx", "entries")
    public = sa.text("public")
    op.create_index("entries_bigrams_idx", "entries", [_BIGRAMS], postgresql_using="gin", postgresql_where=public)
    op.create_index(
        "entries_left_idx",
        "entries",
        ["domain_id", "list_kind", _LEFT_ON, "entry_id"],
        postgresql_where=public,
    )
    op.execute("DELETE FROM resolving WHERE finished_at IS NOT NULL")


def _fill_names() -> None:
    """Page by page: a large table would not fit into memory."""
    connection, after = op.get_bind(), ""
    page = sa.text("SELECT entry_id, name FROM entries WHERE entry_id > :after ORDER BY entry_id LIMIT :size")
    fill = sa.text("UPDATE entries SET name_matching = :matching, name_bigrams = :bigrams WHERE entry_id = :entry_id")
    while rows := connection.execute(page, {"after": after, "size": _BATCH}).all():
        matching = [(row.entry_id, matching_name(row.name)) for row in rows]
        connection.execute(
            fill, [{"entry_id": one, "matching": name, "bigrams": " ".join(bigrams(name))} for one, name in matching]
        )
        after = rows[-1].entry_id
