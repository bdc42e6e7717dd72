"""Schemas come from Alembic only, and say the same as the tables in the code."""

import importlib
import pkgutil
from typing import cast

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import SERVICES
from shared.database.migration import drift
from tests.conftest import StartWorld


@pytest.mark.parametrize("name", SERVICES)
async def test_the_migrated_database_has_just_the_tables_of_the_code(name: str, start: StartWorld) -> None:
    async with start(name) as w:
        views = importlib.import_module(f"services.{name}.views")
        for module in pkgutil.walk_packages(views.__path__, f"services.{name}.views."):
            importlib.import_module(module.name)
        metadata = cast("MetaData", importlib.import_module(f"services.{name}.schema").METADATA)
        # Alembic reads JSON of PostgreSQL's own catalogue, so it gets an engine as SQLAlchemy makes it.
        engine = create_async_engine(w.settings.database(name))
        try:
            async with engine.connect() as connection:
                assert await connection.run_sync(drift, metadata) == []
        finally:
            await engine.dispose()


@pytest.mark.parametrize("name", SERVICES)
async def test_hot_tables_are_vacuumed_by_what_is_deleted_from_them(name: str, start: StartWorld) -> None:
    async with start(name) as w:
        rows = await w.rows(name, "SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL")
    options = {row.relname: dict(option.split("=") for option in row.reloptions) for row in rows}
    for table in ("outbox", "parked", "counters", "offsets"):
        assert options[table]["autovacuum_vacuum_scale_factor"] == "0"
        assert int(options[table]["autovacuum_vacuum_threshold"]) <= 1000
    assert options["outbox"]["vacuum_truncate"] == "false"
    assert options["counters"]["fillfactor"] == options["offsets"]["fillfactor"] == "50"
    assert float(options["idempotency"]["autovacuum_vacuum_scale_factor"]) < 0.2
