"""What a service does about consumed events: the unit of work of a batch, and its reactions."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.eventstore import Metadata, Session
from shared.messaging.message import Message


class NotYet(Exception):
    """The event needs something that this service has not read yet (a law book version). Its partition waits, in order."""


@dataclass
class Batch:
    """The transaction of one batch, and the unit of work that collects what its reactions decide."""

    connection: AsyncConnection
    session: Session

    def because_of(self, message: Message) -> None:
        """Record this message as the cause of what is decided from here on (correlation, causation, trace)."""
        envelope = message.envelope
        self.session.metadata = Metadata(
            actor=self.session.metadata.actor,
            correlation=envelope.correlation,
            causation=envelope.event_id,
            traceparent=envelope.traceparent,
        )


React = Callable[[Batch, Sequence[Message]], Awaitable[None]]
"""Handles messages of one partition, in order. Its decisions are collected in `batch.session`; it may also write its service's
own tables through `batch.connection`. If it raises (`NotYet` or any error), the transaction of the batch is rolled back."""


@dataclass(frozen=True)
class Reactions:
    """What a service consumes. A partition of a `never_parked` topic stops instead of parking: the law book must be complete."""

    topics: tuple[str, ...]
    react: React
    never_parked: frozenset[str] = frozenset()
