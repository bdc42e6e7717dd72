"""Alembic's way into the database of repair."""

from services.repair.views import acts, cases, entries
from services.repair.views.schema import METADATA
from shared.migration import run

assert {acts.ACTS.metadata, cases.CASES.metadata, entries.ENTRIES.metadata} == {METADATA}
run(METADATA)
