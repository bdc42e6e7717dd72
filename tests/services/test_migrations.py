"""Schemas come from Alembic only, and say the same as the tables in the code."""

import importlib
import pkgutil
from typing import cast

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import SERVICES
from shared.migration import drift
from tests.conftest import StartWorld


@pytest.mark.parametrize("name", SERVICES)
async def test_the_migrated_database_has_just_the_tables_of_the_code(name: str, start: StartWorld) -> None:
    async with start(name) as w:
        views = importlib.import_module(f"services.{name}.views")
        for module in pkgutil.walk_packages(views.__path__, f"services.{name}.views."):
            importlib.import_module(module.name)
        metadata = cast("MetaData", importlib.import_module(f"services.{name}.views.schema").METADATA)
        # Alembic reads JSON of PostgreSQL's own catalogue, so it gets an engine as SQLAlchemy makes it.
        engine = create_async_engine(w.settings.database(name))
        try:
            async with engine.connect() as connection:
                assert await connection.run_sync(drift, metadata) == []
        finally:
            await engine.dispose()
