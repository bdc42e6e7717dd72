"""One row for each entry, and one for each person responsible for it. Questions of the public are in public.py.

Whether an entry is in force is computed from its dates and its end, and not stored as a flag that a job would have to update.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Index,
    Table,
    Text,
    and_,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.events import (
    EntryEndedInFile,
    EntryRecorded,
    EntryResumedInFile,
    EntrySuspendedInFile,
    PublicityChanged,
)
from services.registry.schema import METADATA
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Suspends
from shared.contracts.response import EndMode
from shared.database import RawJson, among, insert_rows, one_of, update_rows
from shared.eventstore.body_projection import StoredBody, project_bodies
from shared.eventstore.rebuild import BUILD_LAST
from shared.identity.names import bigrams, matching_name

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
    Column("suspended", Boolean, nullable=False, server_default=false()),
    Column("ended_mode", Text),
    Column("ended_on", Date),
    Column("entry", RawJson, nullable=False),
    Column("jurisdiction", Text, nullable=False, server_default=""),
    Column("public_from", Date),
    Column("public_until", Date),
    Column("publicity_suspended_on", Date),
    Column("name_matching", Text, nullable=False, server_default=""),
    Column("name_bigrams", Text, nullable=False, server_default=""),
    Index(None, "subject_key", info=BUILD_LAST),
    Index(None, "domain_id", "list_kind", "entry_id", info=BUILD_LAST),
)
"""`public`: it may be public, from `public_from` to `public_until` (null: no end), while it is in force and its publicity is not
suspended. `suspended`: its punishments are. `name_matching`: the name as it is compared (shared/identity/names.py); the pairs of
its characters, separated by spaces, are in `name_bigrams`.
"""

BIGRAMS = func.string_to_array(ENTRIES.c.name_bigrams, literal_column("' '"), type_=ARRAY(Text))
LEFT_ON = func.least(
    ENTRIES.c.ended_on, ENTRIES.c.public_until + literal_column("1"), ENTRIES.c.publicity_suspended_on, type_=Date
)
"""The day since which the entry is no longer public; null while nothing ends its publicity."""

Index("entries_bigrams_idx", BIGRAMS, postgresql_using="gin", postgresql_where=ENTRIES.c.public, info=BUILD_LAST)
Index(
    "entries_left_idx",
    ENTRIES.c.domain_id,
    ENTRIES.c.list_kind,
    LEFT_ON,
    ENTRIES.c.entry_id,
    postgresql_where=ENTRIES.c.public,
    info=BUILD_LAST,
)

PEOPLE = Table(
    "entry_people",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("subject_key", Text, primary_key=True),
)
"""Everyone ever held responsible for an entry."""


@project_bodies(EntryRecorded, PublicityChanged, EntrySuspendedInFile, EntryResumedInFile, EntryEndedInFile)
async def project(connection: AsyncConnection, stored: Sequence[StoredBody], /) -> None:
    """An entry is projected from the file of the listed subject; persons' files repeat it."""
    events = [(one.type, orjson.loads(one.body)) for one in stored]
    recorded = {e["entry_id"]: e["entry"] for kind, e in events if kind == EntryRecorded.TYPE and not e["roles"]}
    publicity = _latest_publicity(events)
    rows = [_row(entry, publicity[entry_id]) for entry_id, entry in recorded.items()]
    await insert_rows(connection, ENTRIES, rows, conflict=("entry_id",))
    changed = [{"entry_id": one, **_public(given)} for one, given in publicity.items() if given and one not in recorded]
    await update_rows(connection, ENTRIES, ("entry_id",), changed)
    people = {
        (entry_id, person["subject"]["key"]): None
        for entry_id, entry in recorded.items()
        for person in entry["responsible"]
    }
    held = [{"entry_id": entry_id, "subject_key": key} for entry_id, key in people]
    await insert_rows(connection, PEOPLE, held, conflict=("entry_id", "subject_key"), keep=True)
    await _project_suspension(connection, events)
    await _project_end(connection, events)


def _row(entry: dict[str, Any], publicity: dict[str, Any] | None) -> dict[str, Any]:
    """Without suspension and end: a correction leaves both as they are."""
    term_to = entry["term_to"]
    matching = matching_name(entry["subject"]["name"])
    return {
        "entry_id": entry["entry_id"],
        "subject_key": entry["subject"]["key"],
        "name": entry["subject"]["name"],
        "list_kind": entry["list_kind"],
        "domain_id": entry["domain_id"],
        "term_from": date.fromisoformat(entry["term_from"]),
        "term_to": _day(term_to),
        "entry": orjson.dumps(entry).decode(),
        "jurisdiction": entry["jurisdiction"],
        "name_matching": matching,
        "name_bigrams": " ".join(bigrams(matching)),
        **_public(publicity or {"allowed": False, "from_day": entry["term_from"], "until": term_to}),
    }


def _public(publicity: dict[str, Any]) -> dict[str, Any]:
    return {
        "public": publicity["allowed"],
        "public_from": _day(publicity["from_day"]),
        "public_until": _day(publicity["until"]),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


_Events = Sequence[tuple[str, dict[str, Any]]]
"""Type and body of each event."""


def _latest_publicity(events: _Events) -> dict[str, dict[str, Any] | None]:
    """The last publicity of each entry that these events record or change.

    None for an older event without it: such an entry is not public until its publicity is decided.
    """
    latest: dict[str, dict[str, Any] | None] = {}
    for kind, event in events:
        if kind == PublicityChanged.TYPE or (kind == EntryRecorded.TYPE and not event["roles"]):
            latest[event["entry_id"]] = event.get("publicity")
    return latest


async def _project_suspension(connection: AsyncConnection, events: _Events) -> None:
    latest = {e["entry_id"]: _suspension(kind, e) for kind, e in events if kind in _SUSPENSIONS}
    rows = [{"entry_id": entry_id, **values} for entry_id, values in latest.items()]
    await update_rows(connection, ENTRIES, ("entry_id",), rows)


_SUSPENSIONS = frozenset({EntrySuspendedInFile.TYPE, EntryResumedInFile.TYPE})


def _suspension(kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """Suspensions without `suspends` are older than the field: they suspend measures. Without a day, the day is not known."""
    suspends: list[str] = event.get("suspends", [Suspends.MEASURES]) if kind == EntrySuspendedInFile.TYPE else []
    since = _day(event.get("publicity_since")) or date.min
    return {
        "suspended": Suspends.MEASURES in suspends,
        "publicity_suspended_on": since if Suspends.PUBLICITY in suspends else None,
    }


async def _project_end(connection: AsyncConnection, events: _Events) -> None:
    latest = {e["entry_id"]: e for kind, e in events if kind == EntryEndedInFile.TYPE}
    rows = [
        {"entry_id": entry_id, "ended_mode": e["mode"], "ended_on": date.fromisoformat(e["ended_on"])}
        for entry_id, e in latest.items()
    ]
    await update_rows(connection, ENTRIES, ("entry_id",), rows)


def in_force_on(day: date) -> Any:
    """Entries in force on a day: within their term, and not ended by then."""
    c = ENTRIES.c
    not_ended = or_(c.ended_mode.is_(None), and_(c.ended_mode == EndMode.FROM_NOW.value, c.ended_on > day))
    return and_(c.term_from <= day, or_(c.term_to.is_(None), c.term_to >= day), not_ended)


async def people(connection: AsyncConnection, entry_ids: Iterable[str]) -> set[SubjectKey]:
    """Everyone ever held responsible for these entries."""
    return {SubjectKey(key) for key in await connection.scalars(_PEOPLE, {"ids": list(entry_ids)})}


_PEOPLE = select(PEOPLE.c.subject_key).where(among(PEOPLE.c.entry_id, "ids"))


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
        .where(in_force_on(day), _of_regions(regions))
        .group_by(c.subject_key)
        .having(and_(first > after, or_(and_(red > 0, black > 0), black > 1)))
        .order_by(first)
        .limit(limit)
    )
    return list(await connection.execute(query))


def _of_regions(regions: frozenset[str]) -> ColumnElement[bool]:
    return one_of(ENTRIES.c.jurisdiction, regions)
