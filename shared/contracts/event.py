"""Base types of all events: a frozen model with a type name. A public event also has a topic and a key."""

from abc import abstractmethod
from enum import StrEnum
from typing import ClassVar, NewType

from pydantic import BaseModel, ConfigDict

SubjectKey = NewType("SubjectKey", str)
"""The stable name of a subject: `uscc:…`, `person:<keyed hash>` or `<scheme>:…` (shared/identity/keys.py)."""

EntryId = NewType("EntryId", str)
ResponseId = NewType("ResponseId", str)
LineId = NewType("LineId", str)
DepartmentId = NewType("DepartmentId", str)
MeasureId = NewType("MeasureId", str)
DomainId = NewType("DomainId", str)
InstrumentId = NewType("InstrumentId", str)
EventId = NewType("EventId", str)


class Topic(StrEnum):
    """The five topics (docs/architecture.md). `LAWBOOK` has one partition; the others all have the configured count."""

    LAWBOOK = "liandong.lawbook"
    LIST = "liandong.list"
    RESPONSE = "liandong.response"
    EXECUTION = "liandong.execution"
    FEEDBACK = "liandong.feedback"


class Contract(BaseModel):
    """A value inside an event. Frozen. Unknown fields are ignored on reading, so that a field may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """The result of a decision. Private unless it is a `PublicEvent`."""

    TYPE: ClassVar[str]


class PublicEvent(Event):
    """An event for other services: it goes through the outbox to its topic, with `partition_key` as its key."""

    TOPIC: ClassVar[Topic]

    @property
    @abstractmethod
    def partition_key(self) -> str:
        """The key of the record. Events of one key arrive in the order of their commits."""
