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


class WithoutBasis(StrEnum):
    """Why an effect had no basis at the time when it was done (未经公布的信用惩戒措施不得实施, 004 四(三))."""

    AFTER_END = "after_end"
    """The end of the line had been ordered."""
    SUSPENDED = "suspended"
    """The punishment was suspended (row 16)."""
    BASIS_GONE = "basis_gone"
    """The basis gate bars the measure on that day (row 5)."""


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
    lawbook_version: int | None = Field(
        default=None, description="The law book by which the basis was tested; null: an older event, unknown"
    )


class Applied(ExecutionEvent):
    TYPE: ClassVar[str] = "execution.applied.v1"
    note: str = ""
    late: bool = Field(default=False, description="Reported after the end was ordered: accepted, but must be undone")
    evidence: str = Field(default="", description="Evidence of an effect that could not be applied any more when told")
    without_basis: WithoutBasis | None = Field(
        default=None, description="Applied without a basis: never lawful, to be undone at once; null: it had a basis"
    )
    lawbook_version: int | None = Field(
        default=None, description="The law book by which the basis was tested; null: an older event, unknown"
    )


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
