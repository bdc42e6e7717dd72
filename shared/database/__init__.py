"""PostgreSQL: connections, statements for many rows, classification of errors, migrations."""

from shared.database.engine import connect
from shared.database.errors import is_outage, is_rollback, sql_state, violated_constraint
from shared.database.rows import RawJson, among, insert_rows, one_of, update_changed, update_rows

__all__ = [
    "RawJson",
    "among",
    "connect",
    "insert_rows",
    "is_outage",
    "is_rollback",
    "one_of",
    "sql_state",
    "update_changed",
    "update_rows",
    "violated_constraint",
]
