"""Checks the invariants within and between the services of an idle system. Returns one sentence per violation.

`between` compares the services with one another, from their databases. `log` compares Kafka with the published events. `lawful`
applies the rules of the law to what is stored.
`folds` rebuilds every read model and compares it with the previous one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from liandong.node import build
from liandong.soak.lawful import lawful
from liandong.soak.records import records
from shared.contracts.event import Topic
from shared.messaging.invariants import at_rest
from shared.runtime.settings import Settings

Engines = Mapping[str, AsyncEngine]
Equal = tuple[str, tuple[str, str], tuple[str, str]]
"""A name of things, and twice a service with a query for their ids: both must return the same ids."""

_MAX_NAMED = 3
"""At most this many ids are named in a sentence."""


async def verdict(engines: Engines, settings: Settings, published: int | None = None) -> list[str]:
    """All checks. `published`: the number of good rows that were uploaded, when it is known."""
    return [
        *await at_rest(engines),
        *await between(engines, published),
        *await log(engines, settings),
        *await lawful(engines),
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
    ) AS ordered WHERE before > version
"""
_READ_BY_FEEDBACK = (Topic.LIST, Topic.RESPONSE, Topic.EXECUTION)
_PUBLISHED_IDS = "SELECT event_id::text FROM published JOIN events USING (position) WHERE topic = '{}'"


async def between(engines: Engines, published: int | None = None) -> list[str]:
    """Everything is published, settled, directed and recorded exactly once, in order, and undone and closed everywhere.

    Only for a system that was used by the load, which answers every task and undoes every ended measure. `agreement` holds
    for any idle system.
    """
    found = _once("document published", await _column(engines["initiator"], _DOCUMENTS))
    entries = await _column(engines["initiator"], _ENTRIES)
    if published is not None and published != len(entries):
        found.append(f"{published} good rows were uploaded, {len(entries)} entries were published")
    return found + await agreement(engines) + await _states(engines, _ENDED_AND_CLOSED)


async def agreement(engines: Engines) -> list[str]:
    """Two services have the same state of the same things, and no closed ledger has an open obligation."""
    entries = await _column(engines["initiator"], _ENTRIES)
    found = _same("entries at initiator", "entries at repair", entries, await _column(engines["repair"], _AT_REPAIR))
    published = await _published_ids(engines, Topic.LIST)
    found += _same("list events", "list events settled", published, await _column(engines["registry"], _SETTLED))
    found += await _lines(engines)
    found += await _received(engines)
    found += await _states(engines, _EQUAL_STATES)
    found += [f"feedback: {sentence}" for sentence in await _column(engines["feedback"], _CLOSED_TOO_SOON)]
    for name, engine in engines.items():
        streams = await _column(engine, _OUT_OF_ORDER)
        found += [f"{name}: published out of order: {stream}" for stream in streams[:_MAX_NAMED]]
    return found


async def _lines(engines: Engines) -> list[str]:
    """Every line is directed once, is one task, and is once in the ledger."""
    directed = await _column(engines["registry"], _DIRECTED)
    tasks = await _column(engines["executor"], "SELECT task_id FROM tasks")
    ledger = await _column(engines["feedback"], "SELECT line_id FROM lines")
    return _same("lines directed", "tasks", directed, tasks) + _same("tasks", "lines of the ledger", tasks, ledger)


async def _received(engines: Engines) -> list[str]:
    """Feedback has received every event of its topics, each once."""
    published = [event for topic in _READ_BY_FEEDBACK for event in await _published_ids(engines, topic)]
    received = await _column(engines["feedback"], _RECEIVED)
    return _same("events published", "events received by feedback", published, received)


async def _published_ids(engines: Engines, topic: Topic) -> list[str]:
    """The ids of all events on a topic, published by any service."""
    return [event for engine in engines.values() for event in await _column(engine, _PUBLISHED_IDS.format(topic.value))]


_AT_REPAIR = "SELECT entry_id FROM entries"
_UNDONE_AT_FEEDBACK = """
    SELECT line_id FROM lines WHERE undone IS NOT NULL AND NOT (without_basis IS NOT NULL AND answer IS NOT NULL)
"""
"""An effect without a basis that was undone before the end is followed by another answer, which is then the state of the task."""
_EQUAL_STATES = (
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
        ("feedback", _UNDONE_AT_FEEDBACK),
    ),
    (
        "lines applied without a basis",
        ("executor", "SELECT task_id FROM tasks WHERE without_basis IS NOT NULL"),
        ("feedback", "SELECT line_id FROM lines WHERE without_basis IS NOT NULL AND undone IS NULL"),
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
_ENDED_AND_CLOSED = (
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


async def _states(engines: Engines, equal: Iterable[Equal]) -> list[str]:
    """Two services have the same state of the same things."""
    found: list[str] = []
    for what, (first, first_query), (second, second_query) in equal:
        ids, others = await _column(engines[first], first_query), await _column(engines[second], second_query)
        found += _same(f"{what} at {first}", f"{what} at {second}", ids, others)
    return found


async def _column(engine: AsyncEngine, query: str) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(text(query)))


def _same(these: str, those: str, one: Iterable[str], other: Iterable[str]) -> list[str]:
    """Both have the same ids, and neither has one twice."""
    one, other = list(one), list(other)
    found = _once(these, one) + _once(those, other)
    found += [f"{name} is among {these}, not among {those}" for name in _named(set(one) - set(other))]
    return found + [f"{name} is among {those}, not among {these}" for name in _named(set(other) - set(one))]


def _once(what: str, names: list[str]) -> list[str]:
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}
    return [f"{name} is twice among {what}" for name in _named(twice)]


def _named(names: set[str]) -> list[str]:
    more = len(names) - _MAX_NAMED
    return sorted(names)[:_MAX_NAMED] + ([f"... and {more} more"] if more > 0 else [])


# --- the log

_PUBLISHED = """
    SELECT source, topic, partition, sequence, key, event_id::text AS event_id
    FROM published JOIN events USING (position) ORDER BY source, topic, partition, sequence
"""


async def log(engines: Engines, settings: Settings) -> list[str]:
    """Every published event is on its topic with its sequence number, first occurrences in order. Repetitions are allowed."""
    first = await _first_occurrences(settings)
    found: list[str] = []
    for name, engine in engines.items():
        async with engine.connect() as connection:
            wanted: dict[tuple[str, str, int], list[tuple[int, str, str]]] = {}
            for row in await connection.execute(text(_PUBLISHED)):
                origin = row.source, row.topic, row.partition
                wanted.setdefault(origin, []).append((row.sequence, row.key, row.event_id))
        for origin, events in wanted.items():
            if first.get(origin, []) != events:
                source, topic, partition = origin
                found.append(f"{name}: {topic}/{partition} does not hold what {source} published, in order")
    return found


async def _first_occurrences(settings: Settings) -> dict[tuple[str, str, int], list[tuple[int, str, str]]]:
    """By source, topic and partition: the records in the order of the log, without repeated ones."""
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
    """Every read model equals a fold of its service's events: it is rebuilt, and all rows must be the same as before."""
    found: list[str] = []
    for name, engine in engines.items():
        service = build(name, settings)
        tables = service.definition.read_models
        async with engine.begin() as connection:
            for table in tables:
                await connection.execute(text(f"DROP TABLE IF EXISTS {_copy_of(table)}"))
                await connection.execute(text(f"CREATE UNLOGGED TABLE {_copy_of(table)} AS {_rows_of(table)}"))
        await service.rebuild(lambda _: None).run()
        await service.core.engine.dispose()
        async with engine.begin() as connection:
            for table in tables:
                found += await _differences(connection, name, table)
                await connection.execute(text(f"DROP TABLE {_copy_of(table)}"))
    return found


def _copy_of(table: Table) -> str:
    return f"soak_{table.name}"


def _rows_of(table: Table) -> str:
    """A query of all rows as text, without identity columns, whose numbers the table assigns itself."""
    assigned = ", ".join(f"'{column.name}'" for column in table.columns if column.identity is not None)
    return f"SELECT (to_jsonb(t) - ARRAY[{assigned}]::text[])::text AS row FROM {table.name} AS t"


async def _differences(connection: AsyncConnection, name: str, table: Table) -> list[str]:
    before, now = f"SELECT row FROM {_copy_of(table)}", _rows_of(table)

    async def only(one: str, other: str) -> Any:
        query = f"SELECT count(*) AS rows, min(row) AS row FROM ({one} EXCEPT ALL {other}) AS differing"
        return (await connection.execute(text(query))).one()

    lost, new = await only(before, now), await only(now, before)
    if not lost.rows and not new.rows:
        return []
    return [f"{name}: rebuilt, {table.name} lost {lost.rows} rows and gained {new.rows}: {lost.row} became {new.row}"]
