"""What is written to the event store, and what is read back: events, appends, timers, and the change of one command."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.eventstore.states import CachedState


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who caused an event, and by what."""

    actor: str
    department: str | None = None
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""

    def to_json(self) -> str:
        return orjson.dumps(self).decode()

    @classmethod
    def read(cls, stored: str) -> "Metadata":
        """Parse stored metadata. Fields that a newer version has added are ignored (rolling upgrade)."""
        return cls(**{name: value for name, value in orjson.loads(stored).items() if name in _METADATA_NAMES})


_METADATA_NAMES = frozenset(field.name for field in fields(Metadata))


class Recorded(NamedTuple):
    """A stored event."""

    position: int
    stream: str
    version: int
    event_id: str
    event: Event
    metadata: Metadata
    effective_at: datetime
    body: str
    """The event as stored, in JSON: for read models that keep it whole."""


class NewEvent(NamedTuple):
    """A decided event that is not written yet. A named tuple, because a batch creates thousands."""

    event: Event
    event_id: str
    metadata: Metadata


class Append(NamedTuple):
    """Events to add to a stream whose current version is `expected_version` (0: a new stream)."""

    stream: str
    expected_version: int
    events: tuple[NewEvent, ...]
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to a request, stored under its Idempotency-Key."""

    caller: str
    key: str
    request_hash: str
    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to do at `due_at`. Scheduling the same `timer_id` again moves it."""

    timer_id: str
    due_at: datetime
    payload: dict[str, Any]


Write = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one command writes, or nothing of it."""

    appends: tuple[Append, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[str, ...] = ()
    writes: tuple[Write, ...] = ()
    response: StoredResponse | None = None
    states: tuple[tuple[str, CachedState], ...] = ()
    """The loaded streams with their states after the commit."""


@dataclass(frozen=True, slots=True)
class UniqueFault:
    """What the violation of a unique constraint of a read model means to the caller: `Rejected` with this code.

    `find_facts` returns the facts of the fault. It runs after the violation, so it must use a connection of its own: the
    transaction of the violation is aborted. It must leave out what the caller of the change may not read.
    """

    code: str
    find_facts: Callable[[Change], Awaitable[Mapping[str, object]]] | None = None


class VersionConflict(Exception):
    """Another writer was faster. The command may be retried on the current state."""


class AlreadyAnswered(Exception):
    """Another request with this Idempotency-Key was committed first."""


class Projection(Protocol):
    """Updates a read model. It is called in the appending transaction, with events in order of position."""

    async def __call__(self, connection: AsyncConnection, events: Sequence[Recorded], /) -> None: ...
