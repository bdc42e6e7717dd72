"""One entry of the ledger: the list events of it that were read beside those that the registry settled, and its lines in sum.

Closed loop (闭环) means: every list event of the entry that is known of is both read and settled, the entry is in force no
longer, every line that was ever named or directed has been directed, and every one is undone or was never applied.
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from services.feedback.domain.line import LedgerLine, LineState, Why
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
    """Where the loop of an entry stands."""

    WAITING = "waiting"
    """In force; somebody owes something."""
    ANSWERED = "answered"
    """In force, and every owed line is answered."""
    UNDOING = "undoing"
    """In force no longer, and something may be left in effect."""
    CLOSED = "closed"


class Tally(NamedTuple):
    """Lines by what they mean for the loop."""

    directed: int = 0
    not_directed: int = 0
    standing: int = 0
    waiting: int = 0
    undoing: int = 0

    def with_line(self, was: "Tally", now: "Tally") -> "Tally":
        """The tally after one line counts as `now` where it counted as `was`."""
        return Tally(*map(_moved, self, was, now))


def _moved(mine: int, was: int, now: int) -> int:
    return mine - was + now


NO_LINES = Tally()
_COUNTS_AS: dict[LineState, Tally] = {
    LineState.NOT_DIRECTED: Tally(not_directed=1),
    LineState.WAITING: Tally(directed=1, waiting=1),
    LineState.INVITED: Tally(directed=1),
    LineState.ANSWERED: Tally(directed=1),
    LineState.UNDOING: Tally(directed=1, undoing=1),
    LineState.CLOSED: Tally(directed=1),
}
_STANDING_AS = {state: tally._replace(standing=1) for state, tally in _COUNTS_AS.items()}


def counts_as(line: LedgerLine | None) -> Tally:
    """What one line adds to the tally of its entry."""
    if line is None:
        return NO_LINES
    return (_STANDING_AS if line.directed and not line.ended else _COUNTS_AS)[line.state]


class LedgerEntry(NamedTuple):
    """An entry as the ledger knows it; of an entry whose publication was not read yet, only the id."""

    entry_id: EntryId
    subject: SubjectKey | None = None
    subject_name: str = ""
    list_kind: ListKind | None = None
    domain_id: DomainId | None = None
    initiated_by: DepartmentId | None = None
    published_by: DepartmentId | None = None
    term_to: date | None = None
    list_events: int = 0
    settled: int = 0
    unsettled: frozenset[EventId] = frozenset()
    """List events that were read and not settled."""
    unread: frozenset[EventId] = frozenset()
    """List events that were settled and not read."""
    ended: bool = False
    """A list event ended it, or the registry says that it is in force no longer. It is never in force again."""
    tally: Tally = NO_LINES

    @property
    def whys(self) -> tuple[Why, ...]:
        """Why the loop is not closed, as far as the entry itself and the sum of its lines say."""
        grounds = (
            (not self.ended, Why.IN_FORCE),
            (bool(self.unsettled) or not self.settled, Why.NOT_SETTLED),
            (bool(self.unread) or not self.list_events, Why.LIST_EVENT_UNREAD),
            (self.tally.not_directed > 0, Why.NOT_DIRECTED),
            (self.tally.standing > 0, Why.END_NOT_ORDERED),
            (self.tally.undoing > 0, Why.UNDOING_OWED),
        )
        return tuple(why for holds, why in grounds if holds)

    @property
    def state(self) -> EntryState:
        if self.ended:
            return EntryState.UNDOING if self.whys else EntryState.CLOSED
        tally = self.tally
        owing = self.unsettled or self.unread or tally.not_directed or tally.waiting or tally.undoing
        return EntryState.WAITING if owing or not self.settled else EntryState.ANSWERED


def listed(entry: LedgerEntry, event: ListEvent, event_id: EventId) -> LedgerEntry:
    """The entry after a list event was read."""
    known = event_id in entry.unread
    described = _described(entry, event) if isinstance(event, EntryPublished | EntryCorrected) else entry
    return described._replace(
        subject=event.subject,
        list_events=entry.list_events + 1,
        unread=entry.unread - {event_id} if known else entry.unread,
        unsettled=entry.unsettled if known else entry.unsettled | {event_id},
        ended=entry.ended or isinstance(event, EntryRevoked | EntryRepaired | EntryEnded),
    )


def _described(entry: LedgerEntry, event: EntryPublished | EntryCorrected) -> LedgerEntry:
    told = event.entry
    return entry._replace(
        subject_name=told.subject.name,
        list_kind=told.list_kind,
        domain_id=told.domain_id,
        initiated_by=told.initiated_by,
        published_by=told.published_by,
        term_to=told.term_to,
    )


def settled(entry: LedgerEntry, event: Settled) -> LedgerEntry:
    """The entry after the registry has dealt with one of its list events."""
    event_id = event.list_event_id
    known = event_id in entry.unsettled
    return entry._replace(
        settled=entry.settled + 1,
        unsettled=entry.unsettled - {event_id} if known else entry.unsettled,
        unread=entry.unread if known else entry.unread | {event_id},
        ended=entry.ended or event.ended,
    )
