"""The ledger in tables: a row an entry, a row a line. Loaded, folded (domain/ledger) and written in a constant number of
statements, however many events a batch has.

The row of an entry is the lock of its lines. Whoever changes any of them takes it first, entries in sorted order.
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
from services.feedback.domain.ledger import Heard, Ledger, lines_of, named_by
from services.feedback.domain.line import Answer, LedgerLine
from services.feedback.schema import METADATA
from shared.contracts.event import EntryId, LineId
from shared.contracts.execution import Undone
from shared.contracts.lawbook import ListKind, Undoing
from shared.contracts.response import EndMode
from shared.database import among, insert_rows, update_rows

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
"""`unsettled` and `unread` are event ids with spaces between; `closings` and `closed_at` come from this service's own events."""

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
"""The columns up to `noticed` are a LedgerLine, in its order; the others follow from them and are there to be asked for.

The key begins with the entry: every event names it, an entry's lines then stand together in the index, and entries come in
order. By the line alone, whose id is a hash, each change would touch another page.
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
"""Whether a line is one of those that `wanted` names."""
_WANTED_LINES = select(*_LINE).where(IS_WANTED)
_KNOWN = select(LINES.c.line_id).where(IS_WANTED)


def wanted(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The parameters of IS_WANTED: entry and line of each."""
    found = sorted(pairs)
    return {"entries": [entry_id for entry_id, _ in found], "ids": [line_id for _, line_id in found]}


async def load(connection: AsyncConnection, heard: Sequence[Heard]) -> Ledger:
    """The part of the ledger that these events touch, locked for this transaction."""
    changed = {(one.event.entry_id, line_id) for one in heard for line_id in lines_of(one.event)}
    named = {(one.event.entry_id, line_id) for one in heard for line_id in named_by(one.event)} - changed
    entries = await _lock(connection, {one.event.entry_id for one in heard})
    lines = await connection.execute(_WANTED_LINES, wanted(changed)) if changed else ()
    known = await connection.scalars(_KNOWN, wanted(named)) if named else ()
    return Ledger(entries, {line.line_id: line for line in map(line_of, lines)}, frozenset(map(LineId, known)))


async def _lock(connection: AsyncConnection, ids: set[EntryId]) -> dict[EntryId, LedgerEntry]:
    """Lock the entries, in sorted order; first make those that the ledger does not have, so that there are rows to lock.

    All are offered, not only the missing ones: to look first and insert the rest breaks the order, and deadlocks.
    """
    rows = [{"entry_id": entry_id} for entry_id in sorted(ids)]
    await insert_rows(connection, ENTRIES, rows, conflict=("entry_id",), keep=True)
    locked = await connection.execute(_LOCK, {"ids": list(ids)})
    return {entry.entry_id: entry for entry in map(entry_of, locked)}


async def write(connection: AsyncConnection, before: Ledger, after: Ledger) -> None:
    """Write what changed: of rows that stand, only the columns that are others now."""
    entries, lines = _Patches("entry_id"), _Patches("entry_id", "line_id")
    new: list[dict[str, Any]] = []
    for entry_id, entry in after.entries.items():
        old = before.entries.get(entry_id)
        if entry is not old:
            entries.add((entry_id,), _entry_changes(old or LedgerEntry(entry_id), entry))
    for line_id, line in after.lines.items():
        was = before.lines.get(line_id)
        if was is None:
            new.append(line._asdict() | line.following._asdict())
        elif line is not was:
            lines.add((line.entry_id, line_id), _changes(was, line) | line.following._asdict())
    await entries.write(connection, ENTRIES)
    # No other transaction can have made these lines: it would have had to lock their entry.
    await insert_rows(connection, LINES, new)
    await lines.write(connection, LINES)


class _Patches:
    """What changes of rows that stand, by the set of columns that change together: events of one kind change the same ones."""

    def __init__(self, *key: str) -> None:
        self._key = key
        self._shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}

    def add(self, row: tuple[str, ...], changed: dict[str, Any]) -> None:
        if changed:
            key = dict(zip(self._key, row, strict=True))
            self._shapes.setdefault(tuple(changed), []).append(key | changed)

    async def write(self, connection: AsyncConnection, table: Table) -> None:
        for rows in self._shapes.values():
            await update_rows(connection, table, self._key, rows)


def _changes(old: LedgerLine | LedgerEntry | Tally, new: LedgerLine | LedgerEntry | Tally) -> dict[str, Any]:
    """The fields that are others now. What was not replaced is the same object, and need not be compared."""
    return {name: now for name, was, now in zip(new._fields, old, new, strict=True) if was is not now and was != now}


def _entry_changes(old: LedgerEntry, new: LedgerEntry) -> dict[str, Any]:
    """By column: sets of ids are texts there, and the tally is spread."""
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
    """The entry in a row of the columns of a LedgerEntry, in their order; it may have others behind them."""
    entry_id, subject, name, kind, domain_id, initiated_by, published_by, term_to, *rest = row[: len(_ENTRY)]
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
        list_events,
        settled,
        frozenset(unsettled.split()),
        frozenset(unread.split()),
        ended,
        Tally._make(tally),
    )


def line_of(row: Any) -> LedgerLine:
    """The line in a row of the columns of a LedgerLine, which may have others behind them."""
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
"""By its place in a LedgerLine, what a text of the table stands for."""
