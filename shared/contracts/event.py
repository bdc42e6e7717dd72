"""What every event is: a frozen model with a type name; a public one also has a topic and a key."""

from abc import abstractmethod
from enum import StrEnum
from typing import ClassVar, NewType

from pydantic import BaseModel, ConfigDict

SubjectKey = NewType("SubjectKey", str)
"""The stable, opaque name of a subject: `uscc:…`, `person:<keyed hash>` or `<scheme>:…`. See shared.identity."""

EntryId = NewType("EntryId", str)
ResponseId = NewType("ResponseId", str)
LineId = NewType("LineId", str)
DepartmentId = NewType("DepartmentId", str)
MeasureId = NewType("MeasureId", str)
DomainId = NewType("DomainId", str)
InstrumentId = NewType("InstrumentId", str)
EventId = NewType("EventId", str)


class Topic(StrEnum):
    """The five topics of the system (DESIGN section 4); `LAWBOOK` has one partition, the others share one count."""

    LAWBOOK = "liandong.lawbook"
    LIST = "liandong.list"
    RESPONSE = "liandong.response"
    EXECUTION = "liandong.execution"
    FEEDBACK = "liandong.feedback"


class Contract(BaseModel):
    """A value inside an event. Frozen; unknown fields are ignored on reading, so that a field may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """Something that a decider decided. Private unless it is a `PublicEvent`."""

    TYPE: ClassVar[str]


class PublicEvent(Event):
    """An event that other services read: it goes through the outbox to its topic, keyed by `partition_key`."""

    TOPIC: ClassVar[Topic]

    @property
    @abstractmethod
    def partition_key(self) -> str:
        """What orders this event: events of one key arrive in the order in which they were committed."""
