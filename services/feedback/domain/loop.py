"""The aggregate `loop`: the loop of one entry closed, or is open again (row N1).

Each change is published once: a closed loop does not close again before it was reopened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.feedback.domain.events import LoopReopened
from shared.contracts.event import EntryId, Event, SubjectKey
from shared.contracts.feedback import LoopClosed
from shared.decider import Decider


@dataclass(frozen=True, slots=True)
class Loop:
    """The loop of one entry, as last published."""

    closed: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """The ledger finds the loop closed. `lines`: how many lines were directed for the entry."""

    entry_id: EntryId
    subject: SubjectKey
    lines: int


@dataclass(frozen=True, slots=True)
class Reopen:
    """The ledger finds the loop open."""

    entry_id: EntryId


Command = Close | Reopen

INITIAL = Loop()


def decide(loop: Loop, command: Command, now: datetime) -> Sequence[Event]:
    """A command that changes nothing gives no event."""
    match command:
        case Close() if not loop.closed:
            return [LoopClosed(entry_id=command.entry_id, subject=command.subject, lines=command.lines)]
        case Reopen() if loop.closed:
            return [LoopReopened(entry_id=command.entry_id)]
        case _:
            return []


def evolve(loop: Loop, event: Event) -> Loop:
    match event:
        case LoopClosed():
            return replace(loop, closed=True)
        case LoopReopened():
            return replace(loop, closed=False)
        case _:
            return loop


LOOP: Decider[Loop, Command] = Decider("loop", INITIAL, decide, evolve)
"""Streams `loop-<entry_id>`. Each closing is a version of its own."""
