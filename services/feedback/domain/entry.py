"""One entry of the ledger: which list events were read, which of them the registry settled, and the sum of its lines.

The loop is closed (闭环) when every known list event of the entry is both read and settled, the entry is no longer in force,
every line that was ever named or answered is directed, and every line is undone or was never applied.
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from services.feedback.domain.line import LedgerLine
from services.feedback.domain.states import LineState, OpenReason
from shared.contracts.event import DepartmentId, DomainId, EntryId, EventId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import (
    EntryCorrected,
    EntryEnded,
    EntryPublished,
    EntryRepaired,
    EntryRevoked,
    ListEvent,
)
from shared.contracts.response import Settled


class EntryState(StrEnum):
    """The state of the loop of an entry."""

    WAITING = "waiting"
    """In force, and something is owed or not read yet."""
    ANSWERED = "answered"
    """In force, and every owed line is answered."""
    UNDOING = "undoing"
    """No longer in force, and an effect may be left."""
    CLOSED = "closed"


class Tally(NamedTuple):
    """Counts of the lines of an entry. `standing`: lines that are directed and whose end is not ordered."""

    directed: int = 0
    not_directed: int = 0
    standing: int = 0
    waiting: int = 0
    undoing: int = 0

    def with_line(self, was: "Tally", now: "Tally") -> "Tally":
        """The tally after one line changed its contribution from `was` to `now`."""
        return Tally(*map(_replaced, self, was, now))


def _replaced(total: int, was: int, now: int) -> int:
    return total - was + now


NO_LINES = Tally()
_BY_STATE: dict[LineState, Tally] = {
    LineState.NOT_DIRECTED: Tally(not_directed=1),
    LineState.WAITING: Tally(directed=1, waiting=1),
    LineState.INVITED: Tally(directed=1),
    LineState.ANSWERED: Tally(directed=1),
    LineState.UNDOING: Tally(directed=1, undoing=1),
    LineState.CLOSED: Tally(directed=1),
}
_BY_STATE_BEFORE_END = {state: tally._replace(standing=1) for state, tally in _BY_STATE.items()}


def tally_of(line: LedgerLine | None) -> Tally:
    """The contribution of one line to the tally of its entry."""
    if line is None:
        return NO_LINES
    return (_BY_STATE_BEFORE_END if line.directed and not line.ended else _BY_STATE)[line.state]


class LedgerEntry(NamedTuple):
    """An entry in the ledger. Before its publication is read, only the id is known."""

    entry_id: EntryId
    subject: SubjectKey | None = None
    subject_name: str = ""
    list_kind: ListKind | None = None
    domain_id: DomainId | None = None
    initiated_by: DepartmentId | None = None
    published_by: DepartmentId | None = None
    term_to: date | None = None
    jurisdiction: str | None = None
    list_events: int = 0
    settled: int = 0
    unsettled: frozenset[EventId] = frozenset()
    """List events that are read and not settled."""
    unread: frozenset[EventId] = frozenset()
    """List events that are settled and not read."""
    ended: bool = False
    """A list event ended the entry, or the registry states that it is no longer in force. It never comes into force again."""
    tally: Tally = NO_LINES

    @property
    def open_reasons(self) -> tuple[OpenReason, ...]:
        """Why the loop is open, from the entry itself and the sum of its lines."""
        reasons = (
            (not self.ended, OpenReason.IN_FORCE),
            (bool(self.unsettled) or not self.settled, OpenReason.NOT_SETTLED),
            (bool(self.unread) or not self.list_events, OpenReason.LIST_EVENT_UNREAD),
            (self.tally.not_directed > 0, OpenReason.NOT_DIRECTED),
            (self.tally.standing > 0, OpenReason.END_NOT_ORDERED),
            (self.tally.undoing > 0, OpenReason.UNDOING_OWED),
        )
        return tuple(reason for holds, reason in reasons if holds)

    @property
    def state(self) -> EntryState:
        if self.ended:
            return EntryState.UNDOING if self.open_reasons else EntryState.CLOSED
        tally = self.tally
        unfinished = self.unsettled or self.unread or tally.not_directed or tally.waiting or tally.undoing
        return EntryState.WAITING if unfinished or not self.settled else EntryState.ANSWERED


def after_list_event(entry: LedgerEntry, event: ListEvent, event_id: EventId) -> LedgerEntry:
    """The entry after a list event was read."""
    settled_before = event_id in entry.unread
    described = _described(entry, event) if isinstance(event, EntryPublished | EntryCorrected) else entry
    return described._replace(
        subject=event.subject,
        list_events=entry.list_events + 1,
        unread=entry.unread - {event_id} if settled_before else entry.unread,
        unsettled=entry.unsettled if settled_before else entry.unsettled | {event_id},
        ended=entry.ended or isinstance(event, EntryRevoked | EntryRepaired | EntryEnded),
    )


def _described(entry: LedgerEntry, event: EntryPublished | EntryCorrected) -> LedgerEntry:
    content = event.entry
    return entry._replace(
        subject_name=content.subject.name,
        list_kind=content.list_kind,
        domain_id=content.domain_id,
        initiated_by=content.initiated_by,
        published_by=content.published_by,
        term_to=content.term_to,
        jurisdiction=content.jurisdiction,
    )


def after_settlement(entry: LedgerEntry, event: Settled) -> LedgerEntry:
    """The entry after the registry has dealt with one of its list events."""
    event_id = event.list_event_id
    read_before = event_id in entry.unsettled
    return entry._replace(
        settled=entry.settled + 1,
        unsettled=entry.unsettled - {event_id} if read_before else entry.unsettled,
        unread=entry.unread if read_before else entry.unread | {event_id},
        ended=entry.ended or event.ended,
    )
