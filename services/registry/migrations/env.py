"""Alembic environment of the registry's database."""

from services.registry.schema import METADATA
from services.registry.stores import rehearsals, runs, subject_locks
from services.registry.views import entries
from shared.database.migration import run

assert entries.ENTRIES.metadata is METADATA
assert subject_locks.SUBJECTS.metadata is METADATA
assert runs.RUNS.metadata is METADATA
assert rehearsals.REHEARSALS.metadata is METADATA
run(METADATA)
