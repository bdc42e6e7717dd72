"""Request and response bodies of the operator routes (operations.py)."""

from datetime import datetime

from pydantic import BaseModel, Field


class PartitionBody(BaseModel):
    """The position of the service in one partition of a topic."""

    topic: str
    partition: int
    next_offset: int
    lag: int | None = Field(description="Records behind the end of the log; null if this instance does not read it")
    stopped_because: str | None


class StateBody(BaseModel):
    """The queues of a service: all zero when idle."""

    now: datetime
    outbox: int
    unacknowledged: int
    parked: int
    timers_due: int
    timers_failed: int
    partitions: list[PartitionBody]


class RetryBody(BaseModel):
    """The key whose parked events are retried, as the list of parked events shows it."""

    key: str = Field(min_length=1, description="`parked:<id>` for a natural person")


class RetriedBody(BaseModel):
    handled: int
    stopped_because: str | None = Field(description="Null: no parked event of the key is left")


class TimerBody(BaseModel):
    """The failed timer to retry; without an id all of them."""

    timer_id: str | None = Field(default=None, min_length=1)


class TimersBody(BaseModel):
    retried: int = Field(description="Failed timers that fire again within a second or two")


class DiscardTimerBody(BaseModel):
    """The failed timer to discard, and why. The reason is stored as an event."""

    timer_id: str = Field(min_length=1)
    reason: str = Field(min_length=1, max_length=1000)


class DiscardBody(BaseModel):
    """The parked event to discard, and why. The reason is stored as an event."""

    parked_id: int
    reason: str = Field(min_length=1, max_length=1000)


class Loss(BaseModel):
    """Events of a source, up to this sequence, that will never arrive."""

    source: str
    up_to: int


class ResumeBody(BaseModel):
    """The partition to resume. It may skip one record, or accept the loss of events, but not both."""

    topic: str
    partition: int
    reason: str = Field(min_length=1, max_length=1000)
    pass_over: int | None = Field(default=None, description="The offset of the record to skip")
    accept_loss: Loss | None = None


class ClockBody(BaseModel):
    now: datetime
