"""Data that an older version wrote keep their meaning after a migration."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import orjson
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database.migration import _config, create_database, migrate  # pyright: ignore[reportPrivateUsage]
from shared.ids import new_event_id
from tests.harness import drop_database
from tests.stacks import Addresses


@asynccontextmanager
async def at_revision(stack: Addresses, service: str, revision: str) -> AsyncGenerator[tuple[str, AsyncEngine]]:
    """A database of the service as that revision left it, and its URL."""
    name = f"t{uuid.uuid4().hex[:10]}_{service}"
    url = stack.database_url.rsplit("/", 1)[0] + f"/{name}"
    await create_database(url)
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: command.upgrade(_config(sync, service), revision))
        yield url, engine
    finally:
        await engine.dispose()
        await drop_database(stack.database_url, name)


async def insert(engine: AsyncEngine, table: str, **values: Any) -> None:
    values = {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else value for name, value in values.items()
    }
    given = ", ".join(f"CAST(:{name} AS {_TYPES[name]})" if name in _TYPES else f":{name}" for name in values)
    async with engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({given})"), values)


_TYPES = {
    "event_id": "uuid",
    **dict.fromkeys(("data", "metadata", "body"), "json"),
}


def at(day: int) -> datetime:
    """An instant of the evening (UTC) of that day of March 2026: it is the next day in Shanghai."""
    return datetime(2026, 3, day, 17, tzinfo=UTC)


async def an_event(engine: AsyncEngine, version: int, type_: str, day: int, lines: list[Any]) -> None:
    await insert(
        engine,
        "events",
        stream="response-r1",
        version=version,
        event_id=new_event_id(),
        type=type_,
        data={"lines": lines},
        metadata={},
        effective_at=at(day),
    )


async def a_task(engine: AsyncEngine, task_id: str, state: str = "directed", **values: Any) -> None:
    known: dict[str, Any] = {"response_id": "r1", "department": "tax", "direction": 1, "nth": 0, "kind": "discipline"}
    await insert(engine, "tasks", task_id=task_id, state=state, suspended=False, **known, **values)


async def test_old_tasks_know_from_which_day_their_time_limit_runs(stack: Addresses) -> None:
    async with at_revision(stack, "executor", "0002") as (url, engine):
        due = {"due_on": "2026-03-16"}
        await an_event(engine, 1, "executor.lines_directed.v1", 2, [{"line_id": name} for name in "abcd"])
        await an_event(engine, 2, "executor.lines_suspended.v1", 3, ["b"])
        await an_event(engine, 3, "executor.lines_resumed.v1", 4, [{"line_id": "b", **due}])
        await an_event(engine, 4, "executor.end_ordered.v1", 5, [{"line_id": "c", **due}, {"line_id": "d", **due}])
        await an_event(engine, 5, "execution.undone.v1", 6, ["d"])
        for name in "ab":
            await a_task(engine, name)
        await a_task(engine, "c", "applied", end_mode="from_now")
        await a_task(engine, "d", "undone", end_mode="from_now")
        await migrate("executor", url)
        async with engine.connect() as connection:
            rows = (await connection.execute(text("SELECT task_id, due_from, open FROM tasks ORDER BY task_id"))).all()
    days = {"a": (3, True), "b": (5, True), "c": (6, True), "d": (7, False)}
    assert {row.task_id: (row.due_from, row.open) for row in rows} == {
        name: (date(2026, 3, day), is_open) for name, (day, is_open) in days.items()
    }


async def a_line(engine: AsyncEngine, line_id: str, directed_at: datetime, due_on: date) -> None:
    false = dict.fromkeys(("owed", "suspended", "told_late", "noticed", "answered_late", "undone_late"), False)
    numbers = {"answer_within_days": 10, "undo_within_days": 10, "end_orders": 0}
    texts = {"evidence": "", "state": "waiting"}
    await insert(
        engine,
        "lines",
        line_id=line_id,
        entry_id="e1",
        directed_at=directed_at,
        due_on=due_on,
        **false,
        **numbers,
        **texts,
    )


async def test_old_lines_that_may_run_into_an_unknown_year_are_counted_anew_and_entries_know_their_region(
    stack: Addresses,
) -> None:
    async with at_revision(stack, "feedback", "0004") as (url, engine):
        published = {"entry_id": "e1", "entry": {"jurisdiction": "410300"}}
        await insert(engine, "entries", entry_id="e1")
        await insert(
            engine,
            "received",
            event_id=new_event_id(),
            source="others/1/1",
            topic="liandong.list",
            sequence=1,
            type="list.entry.published.v1",
            key="k",
            body=published,
            time=at(2),
        )
        await a_line(engine, "certain", at(2), date(2026, 3, 17))
        await a_line(engine, "uncertain", datetime(2026, 12, 25, 2, tzinfo=UTC), date(2027, 1, 8))
        await migrate("feedback", url)
        async with engine.connect() as connection:
            regions = list(await connection.scalars(text("SELECT jurisdiction FROM entries")))
            lines = (await connection.execute(text("SELECT line_id, due_certain, unknown_year FROM lines"))).all()
    assert regions == ["410300"]
    assert {tuple(line) for line in lines} == {("certain", True, None), ("uncertain", False, 0)}
