"""The entries of this service, in the order of their first events: for lists and worklists, and to find duplicates.

Invariant: of the entries on one decision (`decision_key`), at most one is submitted or published. `ONE_DECISION` enforces it
(`duplicate_entry`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    false,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.decision_key import decision_key
from services.initiator.domain.entry import EntryStatus
from services.initiator.domain.events import EntryDrafted, EntryReturned, EntryRevised, EntrySubmitted
from services.initiator.domain.visibility import Visibility
from services.initiator.schema import METADATA
from shared.contracts.listing import Entry, EntryPublished
from shared.database import insert_rows, one_of, update_changed
from shared.eventstore import Recorded

_ACTIVE = (EntryStatus.SUBMITTED.value, EntryStatus.PUBLISHED.value)

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
    Column("jurisdiction", Text, nullable=False),
    Column("decision_key", Uuid(as_uuid=False), nullable=False),
    Column("import_id", Text),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("entry_id"),
    Index(None, "department", "status", "position"),
)
"""`position`: the position of the entry's first event, which orders the lists."""

ONE_DECISION = Index(
    "entries_one_decision_idx",
    ENTRIES.c.decision_key,
    unique=True,
    postgresql_where=ENTRIES.c.status.in_(_ACTIVE),
)


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    """One statement for new entries, and one for each set of changed columns: at most three, whatever the number of events."""
    new: dict[str, dict[str, Any]] = {}
    changed: dict[str, dict[str, Any]] = {}
    for recorded in events:
        category, _, entry_id = recorded.stream.partition("-")
        if category != "entry":
            continue
        if recorded.version == 1:
            new[entry_id] = {"position": recorded.position, "entry_id": entry_id, "import_id": None}
        row = new.get(entry_id) or changed.setdefault(entry_id, {"entry_id": entry_id})
        row |= _changes(recorded)
    await insert_rows(connection, ENTRIES, list(new.values()))
    await update_changed(connection, ENTRIES, ("entry_id",), changed.values())


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
            raise TypeError(f"{event.TYPE} is not an event of an entry")


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
        "jurisdiction": entry.jurisdiction,
        "decision_key": decision_key(entry.subject.key, entry.domain_id, entry.list_kind, document_number),
    }


# --- duplicates


@dataclass(frozen=True, slots=True)
class ActiveEntry:
    """An entry that is submitted or published."""

    entry_id: str
    department: str
    domain_id: str
    jurisdiction: str

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.entry_id, row.department, row.domain_id, row.jurisdiction)

    def id_for(self, visibility: Visibility) -> str | None:
        """The id, if this entry may be read."""
        may_read = visibility.may_read_entry(self.department, self.domain_id, self.jurisdiction, draft=False)
        return self.entry_id if may_read else None


async def active_among(connection: AsyncConnection, keys: Collection[str]) -> dict[str, ActiveEntry]:
    """Decision key → the active entry on that decision, for those of these keys that have one. One statement."""
    if not keys:
        return {}
    rows = await connection.execute(_ACTIVE_AMONG, {"keys": list(keys)})
    return {row.decision_key: ActiveEntry.of(row) for row in rows}


_IS_ACTIVE = ENTRIES.c.status.in_(bindparam("active", _ACTIVE, expanding=True, literal_execute=True))
"""The statuses are literals in the statement text. The planner cannot use the partial index for a statement with parameters in
their place, and would compare each key of a batch with each entry."""

_OF_ACTIVE = (ENTRIES.c.entry_id, ENTRIES.c.department, ENTRIES.c.domain_id, ENTRIES.c.jurisdiction)

_ACTIVE_AMONG = select(ENTRIES.c.decision_key, *_OF_ACTIVE).where(
    ENTRIES.c.decision_key == any_(cast(bindparam("keys", type_=ARRAY(Text())), ARRAY(Uuid(as_uuid=False)))),
    _IS_ACTIVE,
)


async def active_duplicate(connection: AsyncConnection, entry_id: str) -> ActiveEntry | None:
    """The other entry that is active on the decision of this entry, if there is one."""
    own = select(ENTRIES.c.decision_key).where(ENTRIES.c.entry_id == entry_id).scalar_subquery()
    query = select(*_OF_ACTIVE).where(ENTRIES.c.decision_key == own, ENTRIES.c.entry_id != entry_id, _IS_ACTIVE)
    row = (await connection.execute(query)).one_or_none()
    return ActiveEntry.of(row) if row is not None else None


# --- lists


@dataclass(frozen=True, slots=True)
class Filter:
    """Each value that is given must be equal."""

    department: str | None = None
    status: EntryStatus | None = None
    domain_id: str | None = None
    import_id: str | None = None


async def page(
    connection: AsyncConnection, visibility: Visibility, by: Filter, after: int, limit: int
) -> Sequence[Row[Any]]:
    """At most `limit` entries that may be read, in the order in which they were drafted, from after this position on."""
    query = select(ENTRIES).where(ENTRIES.c.position > after).order_by(ENTRIES.c.position).limit(limit)
    query = query.where(_may_read(visibility))
    for column, value in (
        (ENTRIES.c.department, by.department),
        (ENTRIES.c.status, by.status and by.status.value),
        (ENTRIES.c.domain_id, by.domain_id),
        (ENTRIES.c.import_id, by.import_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return (await connection.execute(query)).all()


def _may_read(visibility: Visibility) -> ColumnElement[bool]:
    """The same condition as `Visibility.may_read_entry`."""
    to_publish = [
        ENTRIES.c.domain_id.in_(domains) & one_of(ENTRIES.c.jurisdiction, regions)
        for regions, domains in visibility.published_together.items()
    ]
    return or_(
        ENTRIES.c.department == visibility.department,
        one_of(ENTRIES.c.jurisdiction, visibility.oversees),
        and_(ENTRIES.c.status != EntryStatus.DRAFT.value, or_(false(), *to_publish)),
    )
