"""The Alembic environment of the executor's database."""

from services.executor.schema import METADATA
from services.executor.stores import reading_progress
from services.executor.views import checks, directions, tasks
from shared.database.migration import run

# The imports above register the tables in METADATA.
assert {checks.CHECKS, directions.DIRECTIONS, reading_progress.READINGS, tasks.TASKS} <= set(METADATA.tables.values())
run(METADATA)
