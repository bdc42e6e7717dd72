"""What suspends an entry, and when its suspension is published (row 16).

Open cases and a decision that awaits confirmation suspend. `EntrySuspended` is published when the union of what they suspend
changes and is not empty, `EntryResumed` when it becomes empty. A red entry is never suspended: nothing gives it a suspension.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.repair.domain.state import OnList, State, list_event_head
from shared.contracts.event import DepartmentId, Event
from shared.contracts.listing import EntryResumed, EntrySuspended, Suspends
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Suspension:
    """One case or decision that suspends."""

    of: str
    """The id of the case or decision."""
    suspends: frozenset[Suspends]
    reason: str
    received_by: DepartmentId | None


def suspensions(state: OnList) -> tuple[Suspension, ...]:
    """Everything that suspends the entry now: cases in the order of filing, then the decision."""
    found = [
        Suspension(case_id, case.suspends, case.reason, case.received_by)
        for case_id, case in state.cases.items()
        if case.open and case.suspending and case.suspends
    ]
    if (awaiting := state.awaiting) is not None and awaiting.suspends:
        found.append(Suspension(awaiting.decision_id, awaiting.suspends, awaiting.content.reason, awaiting.department))
    return tuple(found)


def suspended_by(state: OnList) -> list[str]:
    """The ids of the cases and of the decision that suspend the entry, sorted."""
    return sorted(suspension.of for suspension in suspensions(state))


def suspension_changes(
    before: State, after: State, events: Sequence[Event], book: LawBook
) -> Iterator[EntrySuspended | EntryResumed]:
    """The suspension or resumption that follows from `events`, which lead from `before` to `after`. None off the list."""
    if not isinstance(before, OnList) or not isinstance(after, OnList):
        return
    known, now = suspensions(before), suspensions(after)
    wanted = frozenset[Suspends]().union(*(suspension.suspends for suspension in now))
    if wanted == after.suspended:
        return
    head = list_event_head(after.entry, book)
    if not wanted:
        [ended, *_] = [one.of for one in known if one not in now] or [""]
        yield EntryResumed(**head, case_id=ended, reason=_reason(events))
        return
    newest = next((one for one in now if one not in known), now[-1])
    yield EntrySuspended(
        **head,
        case_id=newest.of,
        reason=newest.reason,
        suspends=tuple(one for one in Suspends if one in wanted),
        received_by=newest.received_by,
    )


def _reason(events: Sequence[Event]) -> str:
    """Why it resumes: the reason of the last event that has one."""
    return next((str(found) for event in reversed(events) if (found := getattr(event, "reason", None))), "")
