"""The ledger, or the part of it that some events touch, and how it takes them in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import UnionType
from typing import NamedTuple, cast

from services.feedback.domain.entry import LedgerEntry, counts_as, listed, settled
from services.feedback.domain.line import LedgerLine, executed, ordered
from shared.contracts.event import EntryId, Event, EventId, LineId
from shared.contracts.execution import ExecutionEvent
from shared.contracts.listing import ListEvent
from shared.contracts.response import (
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
    Settled,
)

Orders = ResponseDirected | ResponseSuspended | ResponseResumed | ResponseEnded
Followed = ListEvent | Orders | Settled | ExecutionEvent
"""What changes the ledger. An amended term and the refusals of the basis gate do not: nobody owes anything by them."""


@cache
def _is_a(kind: type[Event], wanted: "type[Event] | UnionType") -> bool:
    """Asked of the type once: for events, `isinstance` is a costly question."""
    return issubclass(kind, wanted)


class Heard(NamedTuple):
    """An event of another service: which, what, and at which instant its service says that it happened."""

    event_id: EventId
    event: Followed
    at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries and lines by their ids."""

    entries: Mapping[EntryId, LedgerEntry] = field(default_factory=dict[EntryId, LedgerEntry])
    lines: Mapping[LineId, LedgerLine] = field(default_factory=dict[LineId, LedgerLine])
    known: frozenset[LineId] = frozenset()
    """Lines that stand in the ledger and are not in this part of it: to be named changes nothing of them."""


def is_followed(event: Event) -> bool:
    return _is_a(type(event), Followed)


def lines_of(event: Followed) -> Sequence[LineId]:
    """The lines that an event changes."""
    kind = type(event)
    if kind is ResponseDirected:
        return [line.line_id for line in cast("ResponseDirected", event).lines]
    return cast("ExecutionEvent", event).lines if _is_a(kind, ExecutionEvent | Orders) else ()


def named_by(event: Followed) -> Sequence[LineId]:
    """The lines of which an event says that they exist."""
    return event.lines if type(event) is Settled else ()


def fold(ledger: Ledger, heard: Iterable[Heard]) -> Ledger:
    """The ledger after these events: those of one topic and key in their order, otherwise in any.

    `ledger` holds every entry and line that the events touch, as far as they exist; `known` those that are only named.
    """
    entries, lines = dict(ledger.entries), dict(ledger.lines)
    for one in heard:
        event, entry_id = one.event, one.event.entry_id
        entry = entries.get(entry_id) or LedgerEntry(entry_id)
        entries[entry_id] = _entry_after(entry, one)
        for line_id in lines_of(event):
            line = lines.get(line_id) or LedgerLine(line_id, entry_id)
            lines[line_id] = _line_after(line, one)
        for line_id in named_by(event):
            if line_id not in lines and line_id not in ledger.known:
                lines[line_id] = LedgerLine(line_id, entry_id)
    return _summed_up(ledger, entries, lines)


def _entry_after(entry: LedgerEntry, heard: Heard) -> LedgerEntry:
    event, kind = heard.event, type(heard.event)
    if kind is Settled:
        return settled(entry, cast("Settled", event))
    return listed(entry, cast("ListEvent", event), heard.event_id) if _is_a(kind, ListEvent) else entry


def _line_after(line: LedgerLine, heard: Heard) -> LedgerLine:
    if _is_a(type(heard.event), ExecutionEvent):
        return executed(line, cast("ExecutionEvent", heard.event), heard.at)
    return ordered(line, cast("Orders", heard.event), heard.at)


def _summed_up(before: Ledger, entries: dict[EntryId, LedgerEntry], lines: dict[LineId, LedgerLine]) -> Ledger:
    """Count each changed line for its entry anew, and forget a notice when something else is owed now."""
    for line_id, line in lines.items():
        old = before.lines.get(line_id)
        if line is old:
            continue
        if line.noticed and old is not None and old.obligation != line.obligation:
            lines[line_id] = line._replace(noticed=False)
        was, now = counts_as(old), counts_as(line)
        if was != now:
            entry = entries[line.entry_id]
            entries[line.entry_id] = entry._replace(tally=entry.tally.with_line(was, now))
    return Ledger(entries, lines, before.known)
