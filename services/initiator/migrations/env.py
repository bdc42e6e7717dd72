"""Alembic's way into the initiator's database."""

from services.initiator.schema import METADATA
from services.initiator.views import entries, imports
from shared.database.migration import run

assert entries.ENTRIES.metadata is METADATA
assert imports.IMPORTS.metadata is METADATA
run(METADATA)
