"""The ledger, or the part of it that some events change, and how events are folded into it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import UnionType
from typing import NamedTuple, cast

from services.feedback.domain.entry import LedgerEntry, after_list_event, after_settlement, tally_of
from services.feedback.domain.line import LedgerLine
from services.feedback.domain.line_changes import after_order, after_report
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
LedgerEvent = ListEvent | Orders | Settled | ExecutionEvent
"""Events that change the ledger. An amended term and a refusal of the basis gate do not: they create no obligation."""


@cache
def _is_a(kind: type[Event], wanted: "type[Event] | UnionType") -> bool:
    """`issubclass`, computed once for each type: for event classes `isinstance` is slow."""
    return issubclass(kind, wanted)


class ReceivedEvent(NamedTuple):
    """An event of another service that changes the ledger. `at`: the time of the event, from its envelope."""

    event_id: EventId
    event: LedgerEvent
    at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries and lines by their ids."""

    entries: Mapping[EntryId, LedgerEntry] = field(default_factory=dict[EntryId, LedgerEntry])
    lines: Mapping[LineId, LedgerLine] = field(default_factory=dict[LineId, LedgerLine])
    known: frozenset[LineId] = frozenset()
    """Lines that exist in the ledger but are not loaded into this part: naming them changes nothing."""


def changes_ledger(event: Event) -> bool:
    return _is_a(type(event), LedgerEvent)


def changed_lines(event: LedgerEvent) -> Sequence[LineId]:
    """The lines that an event changes."""
    kind = type(event)
    if kind is ResponseDirected:
        return [line.line_id for line in cast("ResponseDirected", event).lines]
    return cast("ExecutionEvent", event).lines if _is_a(kind, ExecutionEvent | Orders) else ()


def named_lines(event: LedgerEvent) -> Sequence[LineId]:
    """The lines that an event names as existing, without changing them."""
    return event.lines if type(event) is Settled else ()


def fold(ledger: Ledger, received: Iterable[ReceivedEvent]) -> Ledger:
    """The ledger after these events. Events of one topic and key must be in order; otherwise any order will do.

    `ledger` holds every existing entry and line that the events change; its `known` holds the lines that are only named.
    """
    entries, lines = dict(ledger.entries), dict(ledger.lines)
    for one in received:
        event, entry_id = one.event, one.event.entry_id
        entry = entries.get(entry_id) or LedgerEntry(entry_id)
        entries[entry_id] = _entry_after(entry, one)
        for line_id in changed_lines(event):
            line = lines.get(line_id) or LedgerLine(line_id, entry_id)
            lines[line_id] = _line_after(line, one)
        for line_id in named_lines(event):
            if line_id not in lines and line_id not in ledger.known:
                lines[line_id] = LedgerLine(line_id, entry_id)
    return _with_tallies(ledger, entries, lines)


def _entry_after(entry: LedgerEntry, received: ReceivedEvent) -> LedgerEntry:
    event, kind = received.event, type(received.event)
    if kind is Settled:
        return after_settlement(entry, cast("Settled", event))
    return after_list_event(entry, cast("ListEvent", event), received.event_id) if _is_a(kind, ListEvent) else entry


def _line_after(line: LedgerLine, received: ReceivedEvent) -> LedgerLine:
    if _is_a(type(received.event), ExecutionEvent):
        return after_report(line, cast("ExecutionEvent", received.event), received.at)
    return after_order(line, cast("Orders", received.event), received.at)


def _with_tallies(before: Ledger, entries: dict[EntryId, LedgerEntry], lines: dict[LineId, LedgerLine]) -> Ledger:
    """Update the tally of each entry for its changed lines, and reset `noticed` where the obligation changed."""
    for line_id, line in lines.items():
        old = before.lines.get(line_id)
        if line is old:
            continue
        if line.noticed and old is not None and old.obligation != line.obligation:
            lines[line_id] = line._replace(noticed=False)
        was, now = tally_of(old), tally_of(line)
        if was != now:
            entry = entries[line.entry_id]
            entries[line.entry_id] = entry._replace(tally=entry.tally.with_line(was, now))
    return Ledger(entries, lines, before.known)
