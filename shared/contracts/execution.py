"""What departments did: the topic `liandong.execution`. One event for each response and kind of answer, with its lines."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.event import (
    DepartmentId,
    EntryId,
    LineId,
    PublicEvent,
    ResponseId,
    SubjectKey,
    Topic,
)


class Undone(StrEnum):
    """How an effect was undone, or why there was nothing to undo."""

    STOPPED = "stopped"
    RESTORED = "restored"
    NOTHING_TO_UNDO = "nothing_to_undo"
    NEVER_APPLIED = "never_applied"


class ExecutionEvent(PublicEvent):
    TOPIC: ClassVar[Topic] = Topic.EXECUTION
    entry_id: EntryId
    response_id: ResponseId
    department: DepartmentId
    subject: SubjectKey
    lines: tuple[LineId, ...]
    done_at: datetime = Field(description="When the department did it; may be before the report")

    @property
    def partition_key(self) -> str:
        return self.subject


class Acknowledged(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.acknowledged.v1"


class Armed(ExecutionEvent):
    """An occasion measure is set up: a check in its matter shows it from now on."""

    TYPE: ClassVar[str] = "execution.armed.v1"
    note: str = ""


class Applied(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.applied.v1"
    note: str = ""
    late: bool = Field(default=False, description="Reported after the end was ordered: accepted, but must be undone")


class NotApplicable(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.not_applicable.v1"
    reason: str


class Refused(ExecutionEvent):
    """A recommended measure was declined, with the reason."""

    TYPE: ClassVar[str] = "execution.refused.v1"
    reason: str


class Failed(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.failed.v1"
    reason: str


class EffectUndone(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.undone.v1"
    how: Undone
    evidence: str = Field(description="Evidence: a document number, a reference, or the reason why nothing is owed")


ExecutionChange = Acknowledged | Armed | Applied | NotApplicable | Refused | Failed | EffectUndone
