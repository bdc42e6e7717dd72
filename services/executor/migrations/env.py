"""Alembic's way into the executor's database."""

from services.executor.views import checks, directions, knowledge, tasks
from services.executor.views.schema import METADATA
from shared.migration import run

assert {checks.CHECKS, directions.DIRECTIONS, knowledge.READINGS, tasks.TASKS} <= set(METADATA.tables.values())
run(METADATA)
