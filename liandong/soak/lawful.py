"""Checks that the law holds in an idle system (rows 5 and 25), from the databases of the services. One sentence per violation.

Each check applies the rule of the domain again to what is stored, by the version of the law book that the event names:

* no entry was published or corrected outside the region of its department;
* no effect without a basis was recorded without saying so, and feedback shows each one until it is undone;
* no measure is in force whose basis was gone when it was applied;
* no entry is public past the maximum of its publicity.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

from sqlalchemy import MetaData, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.executor.domain.bars import bar_of
from services.executor.domain.events import VOCABULARY
from services.executor.domain.gate import refusal_reason
from services.executor.domain.response_state import Response, evolve
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId
from shared.contracts.execution import Applied, Armed
from shared.contracts.listing import Entry
from shared.contracts.response import Line
from shared.contracts.vocabulary import PUBLIC
from shared.lawbook.book import LawBook
from shared.lawbook.publicity import publicity_period
from shared.lawbook.responsibility import is_responsible
from shared.runtime.lawbook_copy import LawBookCopy, lawbook_table

_PLACES = text("""
    SELECT data->'entry'->>'initiated_by' AS department, data->'entry'->>'jurisdiction' AS region,
        (data->>'lawbook_version')::bigint AS version, min(data->>'entry_id') AS entry_id, count(*) AS entries
    FROM events WHERE type IN ('list.entry.published.v1', 'list.entry.corrected.v1') GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
""")
_RESPONSES = text("""
    SELECT stream, type, data::text AS data, effective_at FROM events AS e
    WHERE stream IN (SELECT stream FROM events WHERE type IN ('execution.applied.v1', 'execution.armed.v1'))
    ORDER BY stream, version
""")
_IN_FORCE = text("""
    SELECT task_id, done_at, (directed::json->'lines'->nth)::text AS line
    FROM tasks JOIN directions USING (direction)
    WHERE state IN ('applied', 'armed') AND end_mode IS NULL AND without_basis IS NULL AND kind = 'discipline'
    ORDER BY task_id
""")
_PUBLIC = text("SELECT entry_id, entry::text AS entry, public_until FROM entries WHERE public AND ended_mode IS NULL")
_PAGE = 1_000


async def lawful(engines: Mapping[str, AsyncEngine]) -> list[str]:
    """All violations."""
    executor = engines["executor"]
    book = await _book(executor)
    return [
        *await _outside_region(engines["initiator"]),
        *await _outside_region(engines["repair"]),
        *await _not_flagged(executor, book),
        *await _in_force_without_basis(executor, book),
        *await public_past_maximum(engines["registry"]),
    ]


async def _book(engine: AsyncEngine) -> LawBook:
    """The newest law book that the service has read."""
    return await LawBookCopy(engine, lawbook_table(MetaData())).current()


async def _outside_region(engine: AsyncEngine) -> list[str]:
    """An entry belongs to a region for which the department that initiated it is responsible."""
    book = await _book(engine)
    async with engine.connect() as connection:
        places = (await connection.execute(_PLACES)).all()
    return [
        f"{one.entries} entries such as {one.entry_id} are listed in {one.region}, for which {one.department} is not responsible"
        for one in places
        if not is_responsible(book.as_of(one.version), DepartmentId(one.department), one.region)
    ]


async def _not_flagged(engine: AsyncEngine, book: LawBook) -> list[str]:
    """Each application is judged again, in the state before it and by the law book that it names.

    Events that name no law book are older than the rule; whether their measure is in force is the next check.
    """
    found: list[str] = []
    stream, response = "", None
    async for row in _pages(engine, _RESPONSES):
        if row.stream != stream:
            stream, response = row.stream, None
        event = _EXECUTOR.decode(row.type, row.data)
        if isinstance(event, Applied | Armed) and event.lawbook_version is not None:
            found += _wrong_flags(
                cast("Response", response), event, book.as_of(event.lawbook_version), row.effective_at
            )
        response = evolve(response, event)
    return found


_EXECUTOR = PUBLIC | VOCABULARY


async def _pages(engine: AsyncEngine, statement: TextClause) -> AsyncGenerator[Any]:
    async with engine.connect() as connection:
        rows = await connection.stream(statement, execution_options={"yield_per": _PAGE})
        async for row in rows:
            yield row


def _wrong_flags(response: Response, event: Applied | Armed, book: LawBook, now: Any) -> list[str]:
    stated = event.without_basis if isinstance(event, Applied) else None
    found: list[str] = []
    for line_id in event.lines:
        bar = bar_of(response.tasks[line_id], book, event.done_at, now)
        if (bar.why if bar else None) is not stated:
            judged = bar.why.value if bar else "with a basis"
            found.append(
                f"line {line_id} was applied {judged}, and is recorded as {stated.value if stated else 'lawful'}"
            )
    return found


async def _in_force_without_basis(engine: AsyncEngine, book: LawBook) -> list[str]:
    """A punishment that is in force and is not to be undone had a basis on the day on which it was applied."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_IN_FORCE)).all()
    reasons = (
        (row.task_id, refusal_reason(Line.model_validate_json(row.line), book, today(row.done_at))) for row in rows
    )
    return [
        f"line {line_id} is in force, and its basis was gone: {reason.value}" for line_id, reason in reasons if reason
    ]


async def public_past_maximum(engine: AsyncEngine) -> list[str]:
    """The last day of publicity is not after the maximum by the law of the first day of the term: later law only shortens it."""
    found: list[str] = []
    book = await _book(engine)
    async for row in _pages(engine, _PUBLIC):
        entry = Entry.model_validate_json(row.entry)
        latest = publicity_period(entry, book, entry.term_from).until
        if latest is not None and (row.public_until is None or row.public_until > latest):
            found.append(
                f"entry {row.entry_id} is public until {row.public_until or 'no day'}, and may be until {latest} at most"
            )
    return found
