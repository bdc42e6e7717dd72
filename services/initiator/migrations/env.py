"""Alembic's way into the initiator's database."""

from services.initiator.views import entries, imports
from services.initiator.views.schema import METADATA
from shared.migration import run

assert entries.ENTRIES.metadata is METADATA
assert imports.IMPORTS.metadata is METADATA
run(METADATA)
