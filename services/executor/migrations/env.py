"""Alembic's way into the executor's database."""

from services.executor.schema import METADATA
from services.executor.stores import reading_progress as knowledge
from services.executor.views import checks, directions, tasks
from shared.database.migration import run

assert {checks.CHECKS, directions.DIRECTIONS, knowledge.READINGS, tasks.TASKS} <= set(METADATA.tables.values())
run(METADATA)
