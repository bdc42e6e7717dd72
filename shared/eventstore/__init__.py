"""The event store: streams in PostgreSQL, appended with an expected version, with an outbox in the same transaction."""

from shared.eventstore.session import Session
from shared.eventstore.store import (
    Append,
    Change,
    EventStore,
    Metadata,
    Projection,
    Recorded,
    Remembered,
    Timer,
    VersionConflict,
)

__all__ = [
    "Append",
    "Change",
    "EventStore",
    "Metadata",
    "Projection",
    "Recorded",
    "Remembered",
    "Session",
    "Timer",
    "VersionConflict",
]
