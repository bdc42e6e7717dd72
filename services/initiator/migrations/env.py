"""Alembic environment of the initiator's database."""

from services.initiator.schema import METADATA
from services.initiator.stores import import_chunks, import_keys, import_rejects, import_work
from services.initiator.views import entries, imports
from shared.database.migration import run

TABLES = (
    entries.ENTRIES,
    imports.IMPORTS,
    import_work.WORK,
    import_chunks.CHUNKS,
    import_keys.KEYS,
    import_rejects.REJECTS,
)
"""The modules that add tables to METADATA must be imported."""
assert all(table.metadata is METADATA for table in TABLES)
run(METADATA)
