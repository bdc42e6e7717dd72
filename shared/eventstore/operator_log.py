"""Operator actions, recorded as events with the operator's name in the service's own store.

The caller decides whether an action is allowed, on the rows that it changes and has locked, and then records it here in the same
transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.decider import Decider
from shared.eventstore.changes import Metadata
from shared.eventstore.session import Session
from shared.eventstore.store import EventStore


def _decide(_: None, command: Event, __: datetime) -> Sequence[Event]:
    return (command,)


def _evolve(_: None, __: Event) -> None:
    return None


_OPERATOR_LOG: Decider[None, Event] = Decider("operated", None, _decide, _evolve)
"""A log without a state: the command is the event to record."""


async def record(
    store: EventStore, connection: AsyncConnection, now: datetime, actions: Mapping[str, Event], *, by: str
) -> None:
    """Record actions, each under the name of its object (a key, a partition, a timer). `by` names the operator."""
    session = Session(store, now, Metadata(actor=by), connection)
    await session.load(_OPERATOR_LOG, list(actions))
    for name, action in actions.items():
        session.do_loaded(_OPERATOR_LOG, name, action)
    await store.write(connection, [session.change()])
