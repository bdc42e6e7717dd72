"""The ledger in tables: one row for each entry and one for each line.

A batch is loaded, folded (domain/ledger.py) and written in a constant number of statements, however many events it has. The
row of an entry is the lock of its lines: a transaction that changes a line first locks its entry, entries in sorted order.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    false,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.entry import LedgerEntry, Tally
from services.feedback.domain.ledger import Ledger, ReceivedEvent, changed_lines, fold, named_lines
from services.feedback.domain.line import LedgerLine
from services.feedback.domain.states import Answer
from services.feedback.schema import METADATA
from services.feedback.views import measures
from shared.contracts.event import EntryId, LineId
from shared.contracts.execution import Undone
from shared.contracts.lawbook import (
    ListKind,
    Undoing,
)
from shared.contracts.response import EndMode
from shared.database import among, insert_rows, update_changed

ENTRIES = Table(
    "entries",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("subject", Text),
    Column("subject_name", Text, nullable=False, server_default=""),
    Column("list_kind", Text),
    Column("domain_id", Text),
    Column("initiated_by", Text),
    Column("published_by", Text),
    Column("term_to", Date),
    Column("jurisdiction", Text),
    Column("list_events", Integer, nullable=False, server_default="0"),
    Column("settled", Integer, nullable=False, server_default="0"),
    Column("unsettled", Text, nullable=False, server_default=""),
    Column("unread", Text, nullable=False, server_default=""),
    Column("ended", Boolean, nullable=False, server_default=false()),
    Column("directed", Integer, nullable=False, server_default="0"),
    Column("not_directed", Integer, nullable=False, server_default="0"),
    Column("standing", Integer, nullable=False, server_default="0"),
    Column("waiting", Integer, nullable=False, server_default="0"),
    Column("undoing", Integer, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("closings", Integer, nullable=False, server_default="0"),
    Column("closed_at", DateTime(timezone=True)),
    Index("entries_undoing_idx", "entry_id", postgresql_where=text("state = 'undoing'")),
)
"""`unsettled` and `unread`: event ids, separated by spaces. `closings` and `closed_at` come from this service's own events."""

LINES = Table(
    "lines",
    METADATA,
    Column("line_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("response_id", Text),
    Column("department", Text),
    Column("subject", Text),
    Column("measure_id", Text),
    Column("measure_version", Integer),
    Column("owed", Boolean, nullable=False),
    Column("on_end", Text),
    Column("on_error", Text),
    Column("answer_within_days", Integer, nullable=False),
    Column("undo_within_days", Integer, nullable=False),
    Column("directed_at", DateTime(timezone=True)),
    Column("suspended", Boolean, nullable=False),
    Column("resumed_at", DateTime(timezone=True)),
    Column("end_mode", Text),
    Column("end_orders", Integer, nullable=False),
    Column("end_ordered_at", DateTime(timezone=True)),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("answer", Text),
    Column("answered_at", DateTime(timezone=True)),
    Column("applied_at", DateTime(timezone=True)),
    Column("effect_told_at", DateTime(timezone=True)),
    Column("told_late", Boolean, nullable=False),
    Column("undone", Text),
    Column("undone_at", DateTime(timezone=True)),
    Column("evidence", Text, nullable=False),
    Column("noticed", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_on", Date),
    Column("answered_late", Boolean, nullable=False),
    Column("undone_late", Boolean, nullable=False),
    PrimaryKeyConstraint("entry_id", "line_id"),
    Index("lines_open_idx", "department", "line_id", postgresql_where=text("state IN ('waiting', 'undoing')")),
    Index("lines_unnoticed_idx", "due_on", "line_id", postgresql_where=text("due_on IS NOT NULL AND NOT noticed")),
)
"""The columns up to `noticed` are the fields of `LedgerLine`, in its order. The others (`Derived`) are computed from them for
queries.

The key begins with the entry, because every event names it: the lines of an entry are then adjacent in the index, and entries
arrive in order. The id of a line is a hash, so with the line alone as the key each change would touch another page.
"""

_LINE = [column for column in LINES.columns if column.name in LedgerLine._fields]
_ENTRY = [column for column in ENTRIES.columns if column.name in {*LedgerEntry._fields, *Tally._fields}]


_LOCK = select(*_ENTRY).where(among(ENTRIES.c.entry_id, "ids")).order_by(ENTRIES.c.entry_id).with_for_update()
_wanted = (
    func.unnest(bindparam("entries", type_=ARRAY(Text())), bindparam("ids", type_=ARRAY(Text())))
    .table_valued("entry_id", "line_id")
    .render_derived(name="wanted")
)
IS_WANTED = (LINES.c.entry_id == _wanted.c.entry_id) & (LINES.c.line_id == _wanted.c.line_id)
"""True for lines that the parameters of `wanted` name."""
_WANTED_LINES = select(*_LINE).where(IS_WANTED)
_KNOWN = select(LINES.c.line_id).where(IS_WANTED)


def wanted(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The parameters of `IS_WANTED`. `pairs`: entry id and line id of each line."""
    found = sorted(pairs)
    return {"entries": [entry_id for entry_id, _ in found], "ids": [line_id for _, line_id in found]}


async def project(connection: AsyncConnection, received: Sequence[ReceivedEvent]) -> tuple[Ledger, Ledger]:
    """Fold events into the tables, live and in a rebuild. Returns the part of the ledger that they change, before and after."""
    before = await _load(connection, received)
    after = fold(before, received)
    await _write(connection, before, after)
    await measures.project(connection, received)
    return before, after


async def _load(connection: AsyncConnection, received: Sequence[ReceivedEvent]) -> Ledger:
    """The part of the ledger that these events change, locked for this transaction."""
    changed = {(one.event.entry_id, line_id) for one in received for line_id in changed_lines(one.event)}
    named = {(one.event.entry_id, line_id) for one in received for line_id in named_lines(one.event)} - changed
    entries = await _lock(connection, {one.event.entry_id for one in received})
    lines = await connection.execute(_WANTED_LINES, wanted(changed)) if changed else ()
    known = await connection.scalars(_KNOWN, wanted(named)) if named else ()
    return Ledger(entries, {line.line_id: line for line in map(line_of, lines)}, frozenset(map(LineId, known)))


async def _lock(connection: AsyncConnection, ids: set[EntryId]) -> dict[EntryId, LedgerEntry]:
    """Lock the entries in sorted order, after inserting the missing ones, so that every entry has a row to lock.

    The insert names all entries, not only the missing ones: inserting only those that a query did not find would break the
    order of the locks, and deadlock.
    """
    rows = [{"entry_id": entry_id} for entry_id in sorted(ids)]
    await insert_rows(connection, ENTRIES, rows, conflict=("entry_id",), keep=True)
    locked = await connection.execute(_LOCK, {"ids": list(ids)})
    return {entry.entry_id: entry for entry in map(entry_of, locked)}


async def _write(connection: AsyncConnection, before: Ledger, after: Ledger) -> None:
    """Insert new lines, and update only the changed columns of existing rows."""
    entries: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for entry_id, entry in after.entries.items():
        old = before.entries.get(entry_id)
        if entry is not old and (changes := _entry_changes(old or LedgerEntry(entry_id), entry)):
            entries.append({"entry_id": entry_id} | changes)
    for line_id, line in after.lines.items():
        was = before.lines.get(line_id)
        if was is None:
            new.append(line._asdict() | line.derived._asdict())
        elif line is not was:
            key = {"entry_id": line.entry_id, "line_id": line_id}
            lines.append(key | _changes(was, line) | line.derived._asdict())
    await update_changed(connection, ENTRIES, ("entry_id",), entries)
    # No other transaction can have inserted these lines: it would have had to lock their entry.
    await insert_rows(connection, LINES, new)
    await update_changed(connection, LINES, ("entry_id", "line_id"), lines)


def _changes(old: LedgerLine | LedgerEntry | Tally, new: LedgerLine | LedgerEntry | Tally) -> dict[str, Any]:
    """The fields that changed. A field that was not replaced is the same object, so most fields need no comparison."""
    return {name: now for name, was, now in zip(new._fields, old, new, strict=True) if was is not now and was != now}


def _entry_changes(old: LedgerEntry, new: LedgerEntry) -> dict[str, Any]:
    """The changed columns: sets of ids are stored as texts, and the tally as one column for each count."""
    changed = _changes(old, new)
    for name in ("unsettled", "unread"):
        if name in changed:
            changed[name] = " ".join(sorted(changed[name]))
    if changed.pop("tally", None):
        changed |= _changes(old.tally, new.tally)
    if changed and (state := new.state) is not old.state:
        changed["state"] = state
    return changed


def entry_of(row: Any) -> LedgerEntry:
    """The entry in a row that begins with the columns of a `LedgerEntry`, in their order."""
    entry_id, subject, name, kind, domain_id, initiated_by, published_by, term_to, region, *rest = row[: len(_ENTRY)]
    list_events, settled, unsettled, unread, ended, *tally = rest
    return LedgerEntry(
        entry_id,
        subject,
        name,
        _LIST_KINDS.get(kind),
        domain_id,
        initiated_by,
        published_by,
        term_to,
        region,
        list_events,
        settled,
        frozenset(unsettled.split()),
        frozenset(unread.split()),
        ended,
        Tally._make(tally),
    )


def line_of(row: Any) -> LedgerLine:
    """The line in a row that begins with the columns of a `LedgerLine`, in their order."""
    fields = list(row[: len(LedgerLine._fields)])
    for place, members in _MEMBERS:
        if fields[place] is not None:
            fields[place] = members[fields[place]]
    return LedgerLine._make(fields)


_LIST_KINDS = {kind.value: kind for kind in ListKind}
_UNDOINGS = {undoing.value: undoing for undoing in Undoing}
_MEMBERS: list[tuple[int, dict[str, Any]]] = [
    (LedgerLine._fields.index(name), members)
    for name, members in (
        ("on_end", _UNDOINGS),
        ("on_error", _UNDOINGS),
        ("end_mode", {mode.value: mode for mode in EndMode}),
        ("answer", {answer.value: answer for answer in Answer}),
        ("undone", {undone.value: undone for undone in Undone}),
    )
]
"""The index of each enum field in a `LedgerLine`, and the enum member for each text of its column."""
