"""The Alembic environment of the database of repair."""

from services.repair.schema import METADATA
from services.repair.views import acts, cases, entries
from shared.database.migration import run

assert {acts.ACTS.metadata, cases.CASES.metadata, entries.ENTRIES.metadata} == {METADATA}
run(METADATA)
