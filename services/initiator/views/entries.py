"""The entries of this service: where each stands, for lists and worklists; and that one decision lists a subject once.

`decision_key` names subject, domain, list and decision document; among what is submitted or published it is unique
(`duplicate_entry`).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    cast,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.entry import (
    EntryDrafted,
    EntryReturned,
    EntryRevised,
    EntryStatus,
    EntrySubmitted,
)
from services.initiator.schema import METADATA
from shared.contracts.event import DepartmentId, DomainId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Entry, EntryPublished
from shared.database import insert_rows, update_rows
from shared.eventstore import Recorded
from shared.ids import stable_id

_STANDING = (EntryStatus.SUBMITTED.value, EntryStatus.PUBLISHED.value)

ENTRIES = Table(
    "entries",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Uuid(as_uuid=False), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("domain_id", Text, nullable=False),
    Column("list_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("subject_name", Text, nullable=False),
    Column("document_number", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("decision_key", Uuid(as_uuid=False), nullable=False),
    Column("import_id", Text),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("entry_id"),
    Index(None, "department", "status", "position"),
)
"""`position` is the position of the entry's first event: the order of lists."""

ONE_DECISION = Index(
    "entries_one_decision_idx",
    ENTRIES.c.decision_key,
    unique=True,
    postgresql_where=ENTRIES.c.status.in_(_STANDING),
)

UNIQUE_FAULTS = {"entries_one_decision_idx": "duplicate_entry"}

_BRACKETS = {
    ord(bracket): plain for brackets, plain in (("〔［【（[", "("), ("〕］】）]", ")")) for bracket in brackets
}


@lru_cache(maxsize=4_096)
def decision_key(subject: SubjectKey, domain_id: DomainId, list_kind: ListKind, document_number: str) -> str:
    """One decision, one entry. Documents are compared without spaces, and with all kinds of brackets as one."""
    document = unicodedata.normalize("NFKC", "".join(document_number.split()).translate(_BRACKETS))
    return stable_id("decision", subject, domain_id, list_kind.value, document)


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """One statement for what is new, and one for each shape of change: three at most, whatever the number of events."""
    new: dict[str, dict[str, Any]] = {}
    known: dict[str, dict[str, Any]] = {}
    for recorded in events:
        category, _, entry_id = recorded.stream.partition("-")
        if category != "entry":
            continue
        if recorded.version == 1:
            new[entry_id] = {"position": recorded.position, "entry_id": entry_id, "import_id": None}
        row = new.get(entry_id) or known.setdefault(entry_id, {"entry_id": entry_id})
        row |= _changes(recorded)
    await insert_rows(connection, ENTRIES, list(new.values()))
    shapes: defaultdict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for row in known.values():
        shapes[frozenset(row)].append(row)
    for rows in shapes.values():
        await update_rows(connection, ENTRIES, ("entry_id",), rows)


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    row: dict[str, Any] = {"version": recorded.version, "changed_at": recorded.effective_at}
    match event:
        case EntryDrafted():
            return row | {"status": EntryStatus.DRAFT.value} | _content(event.entry)
        case EntryRevised():
            return row | _content(event.entry)
        case EntrySubmitted():
            return row | {"status": EntryStatus.SUBMITTED.value}
        case EntryReturned():
            return row | {"status": EntryStatus.RETURNED.value}
        case EntryPublished(import_id=None):
            return row | {"status": EntryStatus.PUBLISHED.value}
        case EntryPublished():
            imported = {"status": EntryStatus.PUBLISHED.value, "import_id": event.import_id}
            return row | imported | _content(event.entry)
        case _:
            raise TypeError(f"{event.TYPE} is no event of an entry")


def _content(entry: Entry) -> dict[str, Any]:
    document_number = entry.decision.document_number
    return {
        "department": entry.initiated_by,
        "domain_id": entry.domain_id,
        "list_kind": entry.list_kind.value,
        "subject": entry.subject.key,
        "subject_name": entry.subject.name,
        "document_number": document_number,
        "decided_on": entry.decision.decided_on,
        "decision_key": decision_key(entry.subject.key, entry.domain_id, entry.list_kind, document_number),
    }


async def standing(connection: AsyncConnection, keys: Collection[str]) -> set[str]:
    """Which of these decision keys are submitted or published already; one statement."""
    if not keys:
        return set()
    return set(await connection.scalars(_STANDING_AMONG, {"keys": list(keys)}))


_STANDING_AMONG = select(ENTRIES.c.decision_key).where(
    ENTRIES.c.decision_key == any_(cast(bindparam("keys", type_=ARRAY(Text())), ARRAY(Uuid(as_uuid=False)))),
    ENTRIES.c.status.in_(bindparam("standing", _STANDING, expanding=True, literal_execute=True)),
)
"""The states stand in the text: by a statement that has them as parameters the partial index cannot be used, and each chunk of
an import would compare each of its keys with each entry there is."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see: everything, or its own department's and what waits for it in domains where it publishes."""

    everything: bool
    department: DepartmentId | None = None
    publishes_in: tuple[DomainId, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    department: str | None = None
    status: EntryStatus | None = None
    domain_id: str | None = None
    import_id: str | None = None


async def page(connection: AsyncConnection, sight: Sight, by: Filter, after: int, limit: int) -> Sequence[Any]:
    """Entries in the order in which they were drafted, beginning after a place."""
    query = select(ENTRIES).where(ENTRIES.c.position > after).order_by(ENTRIES.c.position).limit(limit)
    if not sight.everything:
        to_publish = ENTRIES.c.domain_id.in_(sight.publishes_in) & (ENTRIES.c.status != EntryStatus.DRAFT.value)
        query = query.where(or_(ENTRIES.c.department == (sight.department or ""), to_publish))
    for column, wanted in (
        (ENTRIES.c.department, by.department),
        (ENTRIES.c.status, by.status and by.status.value),
        (ENTRIES.c.domain_id, by.domain_id),
        (ENTRIES.c.import_id, by.import_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return (await connection.execute(query)).all()
