"""One entry with every step since its publication. Folded from its own stream on request, so it has no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.repair.domain.entry import ENTRY
from services.repair.domain.state import Adopted, NotAdopted, OnList, State, Status, status_of
from services.repair.domain.suspension import suspended_by
from services.repair.views.decisions import NOT_SHOWN
from services.repair.views.entries import status_after
from shared.contracts.event import Event
from shared.contracts.listing import Cause, Entry, EntryCorrected, Suspends
from shared.eventstore import Recorded


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an entry. `what`: its type. `corrected`: the fields that a correction changed."""

    version: int
    at: datetime
    what: str
    actor: str
    department: str | None
    details: dict[str, Any]
    corrected: list[str]


@dataclass(frozen=True, slots=True)
class History:
    """The current state of an entry, and its steps."""

    state: Adopted
    since: datetime
    """Since when it has its status."""
    cause: Cause | None
    """The cause of its status."""
    steps: list[Step]

    @property
    def status(self) -> Status:
        return status_of(self.state)

    @property
    def version(self) -> int:
        """The version of the stream."""
        return len(self.steps)

    @property
    def suspended_by(self) -> list[str]:
        """The cases and the decision that suspend it."""
        return suspended_by(self.state) if isinstance(self.state, OnList) else []

    @property
    def suspended(self) -> list[Suspends]:
        """What is suspended."""
        return [one for one in Suspends if one in self.state.suspended] if isinstance(self.state, OnList) else []

    @property
    def awaiting(self) -> str | None:
        """The decision that awaits confirmation."""
        return self.state.awaiting.decision_id if self.state.awaiting else None

    @property
    def open_cases(self) -> list[str]:
        return sorted(case_id for case_id, case in self.state.cases.items() if case.open)


_NOT_SHOWN: Any = {"entry_id": True, "entry": True, "subject": True, "content": NOT_SHOWN}


def history(stream: Sequence[Recorded]) -> History | None:
    """The history of an entry; None for a stream without events."""
    state: State = ENTRY.initial
    steps: list[Step] = []
    since: tuple[datetime, Cause | None] | None = None
    for recorded in stream:
        before, state = state, ENTRY.evolve(state, recorded.event)
        steps.append(_step(recorded, before))
        if changed := status_after(recorded.event):
            since = recorded.effective_at, changed[1]
    if isinstance(state, NotAdopted) or since is None:
        return None
    return History(state, since[0], since[1], steps)


def _step(recorded: Recorded, before: State) -> Step:
    event = recorded.event
    return Step(
        version=recorded.version,
        at=recorded.effective_at,
        what=event.TYPE,
        actor=recorded.metadata.actor,
        department=recorded.metadata.department,
        details=event.model_dump(mode="json", exclude=_NOT_SHOWN, exclude_none=True),
        corrected=_corrected_fields(event, before),
    )


def _corrected_fields(event: Event, before: State) -> list[str]:
    """The fields in which a correction differs from the content before it; those of the decision as `decision.<field>`."""
    if not isinstance(event, EntryCorrected) or isinstance(before, NotAdopted):
        return []
    old, new = before.entry, event.entry
    changed = [name for name in Entry.model_fields if name != "decision" and getattr(old, name) != getattr(new, name)]
    of_decision = [
        f"decision.{name}"
        for name in type(new.decision).model_fields
        if getattr(old.decision, name) != getattr(new.decision, name)
    ]
    return changed + of_decision
