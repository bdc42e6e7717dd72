"""Read models can be rebuilt from what a service has stored, at any time, while the service runs."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.lawbook import Role
from shared.contracts.listing import ResponsiblePerson
from shared.contracts.response import Settled
from shared.contracts.vocabulary import UnknownEventType
from shared.eventstore.rebuild import Progress, Rebuild
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import an_entry, published, revoked
from tests.subjects import company, person

LAWBOOK = shipped().changes()
CONSUMERS = ("registry", "executor", "feedback", "repair")


async def rows_of(w: World, service: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of the read models of a service, without identity columns."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in w.services[service].definition.read_models:
        given = {column.name for column in table.columns if column.identity is not None}
        keys = ", ".join(column.name for column in table.primary_key if column.name not in given) or "1"
        # Columns are named: a migrated table and a rebuilt one have them in different orders, and a cached plan keeps its result.
        columns = ", ".join(sorted(column.name for column in table.columns))
        rows = await w.rows(service, f"SELECT {columns} FROM {table.name} ORDER BY {keys}")
        kept = [{name: value for name, value in row._asdict().items() if name not in given} for row in rows]
        found[table.name] = sorted(kept, key=repr)
    return found


def director(w: World, index: int) -> ResponsiblePerson:
    return ResponsiblePerson(subject=person(w, index), role=Role.DIRECTOR)


async def listings(w: World, first: int, count: int) -> None:
    """Publish `count` listings, every third of them revoked, and wait until all list events are settled."""
    before = len(await w.seen(Topic.RESPONSE, Settled))
    entries = [an_entry(company(w, index), responsible=(director(w, index),)) for index in range(first, first + count)]
    gone = entries[::3]
    await w.publish(*[published(entry) for entry in entries], *[revoked(entry) for entry in gone])
    wanted = before + len(entries) + len(gone)

    async def all_settled() -> bool:
        return len(await w.seen(Topic.RESPONSE, Settled)) >= wanted

    await eventually(all_settled, seconds=60, what="all list events settled")
    await idle(w)


async def idle(w: World) -> None:
    """Wait until every topic is read to its end."""

    async def quiet() -> bool:
        counts = [await w.rows(name, "SELECT coalesce(max(position), 0) AS n FROM events") for name in w.services]
        offsets = [await w.rows(name, "SELECT coalesce(sum(next_offset), 0) AS n FROM offsets") for name in w.services]
        await asyncio.sleep(0.5)
        events_later = [await w.rows(name, "SELECT coalesce(max(position), 0) AS n FROM events") for name in w.services]
        offsets_later = [
            await w.rows(name, "SELECT coalesce(sum(next_offset), 0) AS n FROM offsets") for name in w.services
        ]
        return (counts, offsets) == (events_later, offsets_later)

    await eventually(quiet, seconds=60, what="all topics read")


async def test_a_rebuild_gives_the_rows_that_the_live_projections_gave(start: StartWorld) -> None:
    async with start(*CONSUMERS) as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 12)
        for name in CONSUMERS:
            before = await rows_of(w, name)
            assert any(before.values())
            emptied = w.services[name].definition.read_models[0].name
            async with w.services[name].core.engine.begin() as connection:
                await connection.execute(text(f"DELETE FROM {emptied}"))
            reports: list[Progress] = []
            assert await w.services[name].rebuild(reports.append).run() > 0
            assert reports and reports[-1].done == reports[-1].total
            assert await rows_of(w, name) == before, name


async def test_a_rebuild_runs_beside_the_service_and_misses_no_concurrent_event(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 6)
        for round_ in range(4):
            publishing = asyncio.create_task(listings(w, 100 + round_ * 50, 30))
            await w.services["registry"].rebuild(lambda _: None).run()
            await publishing
        live = await rows_of(w, "registry")
        assert len(live["entries"]) == 6 + 4 * 30
        await w.services["registry"].rebuild(lambda _: None).run()
        assert await rows_of(w, "registry") == live


async def test_an_interrupted_rebuild_continues_where_it_stopped(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 9)
        before = await rows_of(w, "registry")

        async def killed(self: Rebuild) -> int:
            raise SystemExit(9)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(Rebuild, "_last_round", killed)
            patch.setattr("shared.eventstore.rebuild.LAST_ROUND_POSITIONS", 0)
            await w.services["registry"].rebuild(lambda _: None).run()
        [half] = await w.rows("registry", "SELECT position FROM rebuilding.rebuild_progress")
        assert half.position > 0
        assert await rows_of(w, "registry") == before, "until the switch readers use the old tables"
        done: list[Progress] = []
        await w.services["registry"].rebuild(done.append).run()
        assert len(done) == 1, "events that were folded before the interruption are not folded again"
        assert await rows_of(w, "registry") == before


async def test_a_rebuild_appends_and_publishes_nothing(start: StartWorld) -> None:
    async with start("registry", "feedback") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 6)
        counted = "SELECT (SELECT count(*) FROM events) AS e, (SELECT count(*) FROM published) AS p"
        for name in ("registry", "feedback"):
            before = await w.rows(name, counted)
            await w.services[name].rebuild(lambda _: None).run()
            assert await w.rows(name, counted) == before


async def test_a_rebuild_restores_the_indexes_that_it_builds_last(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 3)
        indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('entries', 'entry_people') ORDER BY 1"
        before = await w.rows("registry", indexes)
        await w.services["registry"].rebuild(lambda _: None).run()
        assert await w.rows("registry", indexes) == before


async def test_a_rebuild_fails_on_an_unknown_event_type(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        await listings(w, 0, 3)
        before = await rows_of(w, "registry")
        async with w.services["registry"].core.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO events (stream, version, event_id, type, data, metadata, effective_at) SELECT "
                    "'file-x', 1, gen_random_uuid(), 'registry.of_tomorrow.v1', data, metadata, effective_at "
                    "FROM events LIMIT 1"
                )
            )
        with pytest.raises(UnknownEventType):
            await w.services["registry"].rebuild(lambda _: None).run()
        assert await rows_of(w, "registry") == before
