"""Alembic's way into the registry's database."""

from services.registry.schema import METADATA
from services.registry.views import entries, rehearsals, resolving, subjects
from shared.database.migration import run

assert entries.ENTRIES.metadata is METADATA
assert subjects.SUBJECTS.metadata is METADATA
assert resolving.RUNS.metadata is METADATA
assert rehearsals.REHEARSALS.metadata is METADATA
run(METADATA)
