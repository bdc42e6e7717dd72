"""Alembic's way into the registry's database."""

from services.registry.views import entries, subjects
from services.registry.views.schema import METADATA
from shared.migration import run

assert entries.ENTRIES.metadata is METADATA
assert subjects.SUBJECTS.metadata is METADATA
run(METADATA)
