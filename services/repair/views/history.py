"""One entry with all that became of it, step by step: folded from its own stream when it is asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from services.repair.domain import INITIAL, OffList, OnList, State, Status, Unread, evolve, status_of
from services.repair.views.entries import standing_after
from shared.contracts.event import Event
from shared.contracts.listing import Cause, Entry, EntryCorrected
from shared.eventstore import Recorded


class Step(BaseModel):
    """One event of an entry."""

    version: int
    at: datetime
    what: str = Field(description="The type of the event")
    actor: str
    department: str | None
    details: dict[str, Any] = Field(description="Cause, reason, document number and case, as the event has them")
    corrected: list[str] = Field(description="The fields that a correction changed")


class EntryHistory(BaseModel):
    """An entry as it is now, and its steps. `version` is what `If-Match` expects."""

    entry_id: str
    version: int
    status: Status
    since: datetime
    cause: Cause | None
    suspended_by: list[str] = Field(description="The open cases that keep the measures from being applied")
    open_cases: list[str]
    entry: dict[str, Any]
    steps: list[Step]


_SEALED = {"sealed_name", "sealed_number"}
_NOT_SHOWN: Any = {"subject": _SEALED, "responsible": {"__all__": {"subject": _SEALED}}}
_IN_EVERY_STEP = {"entry_id", "entry", "subject"}


def history(stream: Sequence[Recorded]) -> tuple[OnList | OffList, EntryHistory] | None:
    """The state and the steps; None for a stream that does not exist."""
    state: State = INITIAL
    steps: list[Step] = []
    since: tuple[datetime, Cause | None] | None = None
    for recorded in stream:
        before, state = state, evolve(state, recorded.event)
        steps.append(_step(recorded, before))
        if standing := standing_after(recorded.event):
            since = recorded.effective_at, standing[1]
    if isinstance(state, Unread) or since is None:
        return None
    entry = state.entry
    return state, EntryHistory(
        entry_id=entry.entry_id,
        version=len(steps),
        status=status_of(state),
        since=since[0],
        cause=since[1],
        suspended_by=sorted(state.suspended_by) if isinstance(state, OnList) else [],
        open_cases=sorted(case_id for case_id, case in state.cases.items() if case.open),
        entry=entry.model_dump(mode="json", exclude=_NOT_SHOWN),
        steps=steps,
    )


def _step(recorded: Recorded, before: State) -> Step:
    event = recorded.event
    return Step(
        version=recorded.version,
        at=recorded.effective_at,
        what=event.TYPE,
        actor=recorded.metadata.actor,
        department=recorded.metadata.department,
        details=event.model_dump(mode="json", exclude=_IN_EVERY_STEP, exclude_none=True),
        corrected=_corrected(event, before),
    )


def _corrected(event: Event, before: State) -> list[str]:
    if not isinstance(event, EntryCorrected) or isinstance(before, Unread):
        return []
    old, new = before.entry, event.entry
    changed = [name for name in Entry.model_fields if name != "decision" and getattr(old, name) != getattr(new, name)]
    of_decision = [
        f"decision.{name}"
        for name in type(new.decision).model_fields
        if getattr(old.decision, name) != getattr(new.decision, name)
    ]
    return changed + of_decision
