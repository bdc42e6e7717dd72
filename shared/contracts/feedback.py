"""Events of the ledger: the topic `liandong.feedback`."""

from datetime import date
from typing import ClassVar

from shared.contracts.event import DepartmentId, EntryId, LineId, PublicEvent, SubjectKey, Topic


class FeedbackEvent(PublicEvent):
    TOPIC: ClassVar[Topic] = Topic.FEEDBACK
    entry_id: EntryId
    subject: SubjectKey

    @property
    def partition_key(self) -> str:
        return self.subject


class ObligationOverdue(FeedbackEvent):
    """A department has not answered a line, or not undone it, by the deadline."""

    TYPE: ClassVar[str] = "feedback.obligation_overdue.v1"
    line_id: LineId
    department: DepartmentId
    owes: str
    due_on: date


class LoopClosed(FeedbackEvent):
    """The entry left the list, and every line ever directed for it is undone or was never applied (N1)."""

    TYPE: ClassVar[str] = "feedback.loop_closed.v1"
    lines: int


FeedbackChange = ObligationOverdue | LoopClosed
