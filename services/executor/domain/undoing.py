"""Undoings that this service declares itself, because the department has nothing to do."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from services.executor.domain.response_state import Response
from services.executor.domain.task import TaskState, ToConfirm, ToUndo, Unfounded
from shared.contracts import execution
from shared.contracts.event import Event, LineId
from shared.contracts.lawbook import Undoing

_NO_ANSWER = frozenset({TaskState.DIRECTED, TaskState.ACKNOWLEDGED})
"""The department has not reported about the effect. It may have applied the line, so it must confirm."""


def undone_at_once(response: Response, lines: Iterable[LineId], now: datetime) -> Iterator[Event]:
    """Of lines that have just ended, or whose effect was just reported to be undone: those whose measure leaves nothing to undo,
    and those that were answered without an effect."""
    found: dict[tuple[execution.Undone, str], list[LineId]] = {}
    for line_id in lines:
        held = response.tasks[line_id]
        match held.state:
            case ToUndo(demand=Undoing.NOTHING) | Unfounded(demand=Undoing.NOTHING):
                key = execution.Undone.NOTHING_TO_UNDO, held.line.nothing_to_undo_because
            case ToConfirm(before=before, reason=reason) if before not in _NO_ANSWER:
                key = execution.Undone.NEVER_APPLIED, reason
            case _:
                continue
        found.setdefault(key, []).append(line_id)
    for (how, evidence), line_ids in found.items():
        yield execution.EffectUndone(
            entry_id=response.entry_id,
            response_id=response.response_id,
            department=response.department,
            subject=response.subject,
            lines=tuple(line_ids),
            done_at=now,
            how=how,
            evidence=evidence,
        )
