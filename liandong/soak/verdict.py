"""What must be true in and between the services once all is at rest. Sentences, one a violation; none when all is well.

`between` compares the services with one another, asked of their databases alone. `log` compares Kafka with what was
published; `folds` rebuilds every read model and compares it with the one that was there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from liandong.node import build
from liandong.soak.records import records
from shared.contracts.event import Topic
from shared.messaging.invariants import at_rest
from shared.runtime.settings import Settings

Engines = Mapping[str, AsyncEngine]
Alike = tuple[str, tuple[str, str], tuple[str, str]]
"""What, and a service with a query for it, twice."""

_MOST_NAMED = 3
"""Of so many offenders the sentence gives the names."""


async def verdict(engines: Engines, settings: Settings, published: int | None = None) -> list[str]:
    """Everything at once. `published`: how many good rows were handed in, when that is known."""
    return [
        *await at_rest(engines),
        *await between(engines, published),
        *await log(engines, settings),
        *await folds(engines, settings),
    ]


# --- between the services

_ENTRIES = "SELECT data->>'entry_id' FROM events WHERE type = 'list.entry.published.v1'"
_DOCUMENTS = "SELECT data->'entry'->'decision'->>'document_number' FROM events WHERE type = 'list.entry.published.v1'"
_SETTLED = "SELECT data->>'list_event_id' FROM events WHERE type = 'response.settled.v1'"
_DIRECTED = """
    SELECT line->>'line_id' FROM events, json_array_elements(data->'lines') AS line WHERE type = 'response.directed.v1'
"""
_RECEIVED = "SELECT event_id::text FROM received"
_OUT_OF_ORDER = """
    SELECT DISTINCT stream FROM (
        SELECT stream, version, lag(version) OVER (
            PARTITION BY stream ORDER BY split_part(source, '/', 3)::int, sequence
        ) AS before
        FROM published JOIN events USING (position)
    ) AS told WHERE before > version
"""
_FOLLOWED = (Topic.LIST, Topic.RESPONSE, Topic.EXECUTION)
"""What feedback reads."""
_TOLD = "SELECT event_id::text FROM published JOIN events USING (position) WHERE topic = '{}'"


async def between(engines: Engines, published: int | None = None) -> list[str]:
    """Published once, settled once, directed once, kept once, undone alike, closed alike; and in order.

    For what the load hands in, all of which ends answered and undone; `agreement` is what holds of any system at rest.
    """
    found = _once("document published", await _column(engines["initiator"], _DOCUMENTS))
    entries = await _column(engines["initiator"], _ENTRIES)
    if published is not None and published != len(entries):
        found.append(f"{published} good rows were handed in, {len(entries)} entries were published")
    return found + await agreement(engines) + await _states(engines, _CLOSED_ALIKE)


async def agreement(engines: Engines) -> list[str]:
    """What two services know of the same things is the same, and the ledger closes over nothing that is owed."""
    entries = await _column(engines["initiator"], _ENTRIES)
    found = _same("entries at initiator", "entries at repair", entries, await _column(engines["repair"], _AT_REPAIR))
    told = await _told(engines, Topic.LIST)
    found += _same("list events", "list events settled", told, await _column(engines["registry"], _SETTLED))
    found += await _lines(engines)
    found += await _kept(engines)
    found += await _states(engines, _ALIKE)
    found += [f"feedback: {sentence}" for sentence in await _column(engines["feedback"], _CLOSED_TOO_SOON)]
    for name, engine in engines.items():
        streams = await _column(engine, _OUT_OF_ORDER)
        found += [f"{name}: published out of order: {stream}" for stream in streams[:_MOST_NAMED]]
    return found


async def _lines(engines: Engines) -> list[str]:
    """Every line is directed once, is one task, and stands once in the ledger."""
    directed = await _column(engines["registry"], _DIRECTED)
    tasks = await _column(engines["executor"], "SELECT task_id FROM tasks")
    ledger = await _column(engines["feedback"], "SELECT line_id FROM lines")
    return _same("lines directed", "tasks", directed, tasks) + _same("tasks", "lines of the ledger", tasks, ledger)


async def _kept(engines: Engines) -> list[str]:
    """What the services told on a topic is what feedback has, each event once."""
    told = [event for topic in _FOLLOWED for event in await _told(engines, topic)]
    return _same("events published", "events kept by feedback", told, await _column(engines["feedback"], _RECEIVED))


async def _told(engines: Engines, topic: Topic) -> list[str]:
    """The ids of all events that were published on a topic, by whomever."""
    return [event for engine in engines.values() for event in await _column(engine, _TOLD.format(topic.value))]


_AT_REPAIR = "SELECT entry_id FROM entries"
_ALIKE = (
    (
        "suspended lines",
        ("executor", "SELECT task_id FROM tasks WHERE suspended"),
        ("feedback", "SELECT line_id FROM lines WHERE suspended"),
    ),
    (
        "ended lines",
        ("executor", "SELECT task_id FROM tasks WHERE end_mode IS NOT NULL"),
        ("feedback", "SELECT line_id FROM lines WHERE end_mode IS NOT NULL"),
    ),
    (
        "undone lines",
        ("executor", "SELECT task_id FROM tasks WHERE state = 'undone'"),
        ("feedback", "SELECT line_id FROM lines WHERE undone IS NOT NULL"),
    ),
    (
        "ended entries",
        ("repair", "SELECT entry_id FROM entries WHERE status IN ('revoked', 'repaired', 'ended')"),
        ("registry", "SELECT entry_id FROM entries WHERE ended_mode IS NOT NULL"),
    ),
    (
        "ended entries",
        ("registry", "SELECT entry_id FROM entries WHERE ended_mode IS NOT NULL"),
        ("feedback", "SELECT entry_id FROM entries WHERE ended"),
    ),
)
_CLOSED_ALIKE = (
    (
        "ended and closed entries",
        ("feedback", "SELECT entry_id FROM entries WHERE ended"),
        ("feedback", "SELECT entry_id FROM entries WHERE state = 'closed'"),
    ),
)
_CLOSED_TOO_SOON = """
    SELECT 'entry ' || entry_id || ' is closed, and ' || count(*) || ' of its lines are owed'
    FROM entries JOIN lines USING (entry_id)
    WHERE entries.state = 'closed' AND lines.owed AND lines.state IN ('waiting', 'undoing') GROUP BY entry_id
"""


async def _states(engines: Engines, alike: Iterable[Alike]) -> list[str]:
    """What two services say of the same things is the same."""
    found: list[str] = []
    for what, (one, ask_one), (other, ask_other) in alike:
        here, there = await _column(engines[one], ask_one), await _column(engines[other], ask_other)
        found += _same(f"{what} at {one}", f"{what} at {other}", here, there)
    return found


async def _column(engine: AsyncEngine, query: str) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(text(query)))


def _same(these: str, those: str, one: Iterable[str], other: Iterable[str]) -> list[str]:
    """Both are the same things, and neither names one twice."""
    one, other = list(one), list(other)
    found = _once(these, one) + _once(those, other)
    found += [f"{name} is among {these}, not among {those}" for name in _named(set(one) - set(other))]
    return found + [f"{name} is among {those}, not among {these}" for name in _named(set(other) - set(one))]


def _once(what: str, names: list[str]) -> list[str]:
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}
    return [f"{name} is twice among {what}" for name in _named(twice)]


def _named(names: set[str]) -> list[str]:
    more = len(names) - _MOST_NAMED
    return sorted(names)[:_MOST_NAMED] + ([f"... and {more} more"] if more > 0 else [])


# --- the log

_PUBLISHED = """
    SELECT source, topic, partition, sequence, key, event_id::text AS event_id
    FROM published JOIN events USING (position) ORDER BY source, topic, partition, sequence
"""


async def log(engines: Engines, settings: Settings) -> list[str]:
    """Every published event is on its topic, under its number, and first seen in order. More often is no fault."""
    first = await _first_seen(settings)
    found: list[str] = []
    for name, engine in engines.items():
        async with engine.connect() as connection:
            wanted: dict[tuple[str, str, int], list[tuple[int, str, str]]] = {}
            for row in await connection.execute(text(_PUBLISHED)):
                place = row.source, row.topic, row.partition
                wanted.setdefault(place, []).append((row.sequence, row.key, row.event_id))
        for place, events in wanted.items():
            if first.get(place, []) != events:
                source, topic, partition = place
                found.append(f"{name}: {topic}/{partition} does not hold what {source} published, in order")
    return found


async def _first_seen(settings: Settings) -> dict[tuple[str, str, int], list[tuple[int, str, str]]]:
    """By source, topic and partition: the records in order of the log, those left out that were there before."""
    first: dict[tuple[str, str, int], list[tuple[int, str, str]]] = {}
    for (topic, partition), raws in (await records(settings.broker, settings.topics)).items():
        last: dict[str, int] = {}
        for raw in raws:
            source, sequence = raw.envelope.source, raw.envelope.sequence
            if sequence > last.get(source, 0):
                last[source] = sequence
                seen = first.setdefault((source, topic, partition), [])
                seen.append((sequence, raw.key, raw.envelope.event_id))
    return first


# --- read models


async def folds(engines: Engines, settings: Settings) -> list[str]:
    """Every read model is what a fold of its service's log gives: it is rebuilt, and no row is another than before."""
    found: list[str] = []
    for name, engine in engines.items():
        service = build(name, settings)
        tables = service.definition.read_models
        async with engine.begin() as connection:
            for table in tables:
                await connection.execute(text(f"DROP TABLE IF EXISTS {_kept_of(table)}"))
                await connection.execute(text(f"CREATE UNLOGGED TABLE {_kept_of(table)} AS {_rows_of(table)}"))
        await service.rebuild(lambda _: None).run()
        await service.core.engine.dispose()
        async with engine.begin() as connection:
            for table in tables:
                found += await _differing(connection, name, table)
                await connection.execute(text(f"DROP TABLE {_kept_of(table)}"))
    return found


def _kept_of(table: Table) -> str:
    return f"soak_{table.name}"


def _rows_of(table: Table) -> str:
    """Rows as text, but for numbers that a table gives itself."""
    given = ", ".join(f"'{column.name}'" for column in table.columns if column.identity is not None)
    return f"SELECT (to_jsonb(t) - ARRAY[{given}]::text[])::text AS row FROM {table.name} AS t"


async def _differing(connection: AsyncConnection, name: str, table: Table) -> list[str]:
    kept, now = f"SELECT row FROM {_kept_of(table)}", _rows_of(table)

    async def only(one: str, other: str) -> Any:
        query = f"SELECT count(*) AS rows, min(row) AS row FROM ({one} EXCEPT ALL {other}) AS differing"
        return (await connection.execute(text(query))).one()

    lost, new = await only(kept, now), await only(now, kept)
    if not lost.rows and not new.rows:
        return []
    return [f"{name}: rebuilt, {table.name} lost {lost.rows} rows and gained {new.rows}: {lost.row} became {new.row}"]
