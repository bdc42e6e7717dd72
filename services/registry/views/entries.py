"""One row for each entry, and one for each person responsible for it: published lists, the public search, conflicts.

Whether an entry is in force is computed from its dates and its end, and not stored as a flag that a job would have to update.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.events import EntryEndedInFile, EntryRecorded, EntryResumedInFile, EntrySuspendedInFile
from services.registry.schema import METADATA
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Suspends
from shared.contracts.response import EndMode
from shared.database import RawJson, among, insert_rows, update_rows
from shared.eventstore.body_projection import StoredBody, project_bodies
from shared.eventstore.rebuild import BUILD_LAST

ENTRIES = Table(
    "entries",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("subject_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("list_kind", Text, nullable=False),
    Column("domain_id", Text, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("term_from", Date, nullable=False),
    Column("term_to", Date),
    Column("suspended", Boolean, nullable=False),
    Column("ended_mode", Text),
    Column("ended_on", Date),
    Column("entry", RawJson, nullable=False),
    Index(None, "subject_key", info=BUILD_LAST),
    Index(None, "domain_id", "list_kind", "entry_id", info=BUILD_LAST),
    Index(None, "name", info=BUILD_LAST),
)

PEOPLE = Table(
    "entry_people",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("subject_key", Text, primary_key=True),
)
"""Everyone ever held responsible for an entry."""


@project_bodies(EntryRecorded, EntrySuspendedInFile, EntryResumedInFile, EntryEndedInFile)
async def project(connection: AsyncConnection, stored: Sequence[StoredBody], /) -> None:
    """An entry is projected from the file of the listed subject; persons' files repeat it."""
    events = [(one.type, orjson.loads(one.body)) for one in stored]
    recorded = {e["entry_id"]: e["entry"] for kind, e in events if kind == EntryRecorded.TYPE and not e["roles"]}
    await insert_rows(connection, ENTRIES, [_row(entry) for entry in recorded.values()], conflict=("entry_id",))
    people = {
        (entry_id, person["subject"]["key"]): None
        for entry_id, entry in recorded.items()
        for person in entry["responsible"]
    }
    rows = [{"entry_id": entry_id, "subject_key": key} for entry_id, key in people]
    await insert_rows(connection, PEOPLE, rows, conflict=("entry_id", "subject_key"), keep=True)
    await _project_suspension(connection, events)
    await _project_end(connection, events)


_WATCH = ListKind.WATCH.value


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    term_to = entry["term_to"]
    return {
        "entry_id": entry["entry_id"],
        "subject_key": entry["subject"]["key"],
        "name": entry["subject"]["name"],
        "list_kind": entry["list_kind"],
        "domain_id": entry["domain_id"],
        "public": entry["public"] and entry["list_kind"] != _WATCH,
        "term_from": date.fromisoformat(entry["term_from"]),
        "term_to": term_to and date.fromisoformat(term_to),
        "suspended": False,
        "ended_mode": None,
        "ended_on": None,
        "entry": orjson.dumps(entry).decode(),
    }


_Events = Sequence[tuple[str, dict[str, Any]]]
"""Type and body of each event."""


async def _project_suspension(connection: AsyncConnection, events: _Events) -> None:
    latest = {e["entry_id"]: _measures_suspended(kind, e) for kind, e in events if kind in _SUSPENSIONS}
    rows = [{"entry_id": entry_id, "suspended": value} for entry_id, value in latest.items()]
    await update_rows(connection, ENTRIES, ("entry_id",), rows)


_SUSPENSIONS = frozenset({EntrySuspendedInFile.TYPE, EntryResumedInFile.TYPE})


def _measures_suspended(kind: str, event: dict[str, Any]) -> bool:
    """Suspensions without `suspends` are older than the field: they suspend measures."""
    return kind == EntrySuspendedInFile.TYPE and Suspends.MEASURES in event.get("suspends", [Suspends.MEASURES])


async def _project_end(connection: AsyncConnection, events: _Events) -> None:
    latest = {e["entry_id"]: e for kind, e in events if kind == EntryEndedInFile.TYPE}
    rows = [
        {"entry_id": entry_id, "ended_mode": e["mode"], "ended_on": date.fromisoformat(e["ended_on"])}
        for entry_id, e in latest.items()
    ]
    await update_rows(connection, ENTRIES, ("entry_id",), rows)


def _in_force(day: date) -> Any:
    """Entries in force on a day: within their term, and not ended by then."""
    c = ENTRIES.c
    not_ended = or_(c.ended_mode.is_(None), and_(c.ended_mode == EndMode.FROM_NOW.value, c.ended_on > day))
    return and_(c.term_from <= day, or_(c.term_to.is_(None), c.term_to >= day), not_ended)


async def people(connection: AsyncConnection, entry_ids: Iterable[str]) -> set[SubjectKey]:
    """Everyone ever held responsible for these entries."""
    return {SubjectKey(key) for key in await connection.scalars(_PEOPLE, {"ids": list(entry_ids)})}


_PEOPLE = select(PEOPLE.c.subject_key).where(among(PEOPLE.c.entry_id, "ids"))


async def published_list(
    connection: AsyncConnection, domain_id: str, kind: ListKind, day: date, after: str, limit: int
) -> list[Any]:
    """A published list (row 3): public entries in force on a day, by entry id. At most `limit` rows."""
    query = (
        select(ENTRIES)
        .where(
            ENTRIES.c.domain_id == domain_id,
            ENTRIES.c.list_kind == kind.value,
            ENTRIES.c.public,
            ENTRIES.c.entry_id > after,
            _in_force(day),
        )
        .order_by(ENTRIES.c.entry_id)
        .limit(limit)
    )
    return list(await connection.execute(query))


async def public_search(
    connection: AsyncConnection, key: SubjectKey | None, name: str, day: date, after: str, limit: int
) -> list[Any]:
    """The one-stop public query (一站式查询, row 20): public entries in force, by code or by the beginning of a name."""
    matches = ENTRIES.c.name.startswith(name, autoescape=True)
    if key is not None:
        matches = or_(matches, ENTRIES.c.subject_key == key)
    query = (
        select(ENTRIES)
        .where(matches, ENTRIES.c.public, ENTRIES.c.entry_id > after, _in_force(day))
        .order_by(ENTRIES.c.entry_id)
        .limit(limit)
    )
    return list(await connection.execute(query))


async def conflicts(
    connection: AsyncConnection, regions: frozenset[str], day: date, after: str, limit: int
) -> list[Any]:
    """Subjects on a red and a black list at once, or on the black lists of several domains (N8), by entries of these regions.

    Flags only. Ordered by the first entry of each subject, which is `first`: a cursor never has a key of a person. `after`: an
    entry id.
    """
    c = ENTRIES.c
    red = func.count().filter(c.list_kind == ListKind.RED.value)
    black = func.count(c.domain_id.distinct()).filter(c.list_kind == ListKind.BLACK.value)
    first = func.min(c.entry_id)
    query = (
        select(
            c.subject_key,
            first.label("first"),
            red.label("red"),
            black.label("black_domains"),
            func.array_agg(c.entry_id).label("entry_ids"),
        )
        .where(_in_force(day), _of_regions(regions))
        .group_by(c.subject_key)
        .having(and_(first > after, or_(and_(red > 0, black > 0), black > 1)))
        .order_by(first)
        .limit(limit)
    )
    return list(await connection.execute(query))


def _of_regions(regions: frozenset[str]) -> ColumnElement[bool]:
    jurisdiction = text("(entries.entry ->> 'jurisdiction') = ANY (:regions)")
    return jurisdiction.bindparams(bindparam("regions", sorted(regions), type_=ARRAY(Text())))  # pyright: ignore[reportReturnType]
