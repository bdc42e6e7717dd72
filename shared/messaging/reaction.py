"""What a service does about the events of others: the unit of work of a batch, and the signals that a reaction may give."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.eventstore import Metadata, Session
from shared.messaging.message import Message


class NotYet(Exception):
    """This event cannot be judged before something else was read (a law book version). Its partition waits, in order."""


@dataclass
class Batch:
    """The transaction of one batch, and the unit of work in which its events are answered."""

    connection: AsyncConnection
    session: Session

    def because_of(self, message: Message) -> None:
        """What is decided from here on was caused by this message; the session's events say so."""
        envelope = message.envelope
        self.session.metadata = Metadata(
            actor=self.session.metadata.actor,
            correlation=envelope.correlation,
            causation=envelope.event_id,
            traceparent=envelope.traceparent,
        )


React = Callable[[Batch, Sequence[Message]], Awaitable[None]]
"""Handles messages of one partition in order. What it decides it leaves in `batch.session`; it may also write its own
tables through `batch.connection`. It raises `NotYet`, or an error; then nothing of the batch stands."""


@dataclass(frozen=True)
class Reactions:
    """What a service consumes. `never_parked` topics stop instead: the law book has to be complete."""

    topics: tuple[str, ...]
    react: React
    never_parked: frozenset[str] = frozenset()
