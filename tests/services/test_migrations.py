"""Schemas come from Alembic only, and say the same as the tables in the code."""

import importlib
import pkgutil
from typing import cast

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import SERVICES
from shared.database.migration import drift, migrate
from tests.conftest import StartWorld
from tests.services.test_initiator import drafted, lister, the_body, with_lawbook


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


_HIDDEN = (("import_work", "hidden_rows"), ("imports", "hidden_rows"))


async def test_entries_from_before_the_column_get_the_region_of_their_last_content(start: StartWorld) -> None:
    """0003 of the initiator: the region by which readers are limited comes from the stored events."""
    async with start("initiator") as w:
        http = await with_lawbook(w)
        [first, second] = [await drafted(w, http, index) for index in range(2)]
        revised = the_body(1, jurisdiction="410302")
        assert (await http.put(f"/v1/entries/{second}", json=revised, headers=lister(w))).status_code == 200
        async with w.services["initiator"].core.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE entries DROP COLUMN jurisdiction"))
            for table, column in (("import_work", "total"), ("import_work", "tries"), *_HIDDEN):  # of 0004
                await connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
            await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        await migrate("initiator", w.settings.database("initiator"))
        rows = await w.rows("initiator", "SELECT entry_id::text, jurisdiction FROM entries")
        assert {row.entry_id: row.jurisdiction for row in rows} == {first: "410300", second: "410302"}
