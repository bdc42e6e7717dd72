"""The event store: streams in PostgreSQL, appended with an expected version, with an outbox in the same transaction."""

from shared.eventstore.changes import (
    AlreadyAnswered,
    Append,
    Change,
    Metadata,
    Projection,
    Recorded,
    StoredResponse,
    Timer,
    VersionConflict,
)
from shared.eventstore.session import Session
from shared.eventstore.store import EventStore

__all__ = [
    "AlreadyAnswered",
    "Append",
    "Change",
    "EventStore",
    "Metadata",
    "Projection",
    "Recorded",
    "Session",
    "StoredResponse",
    "Timer",
    "VersionConflict",
]
