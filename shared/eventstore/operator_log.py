"""What operators did by hand to the machinery of a service: an event each, with a name, in the service's own store.

Whether they may is decided on the rows that they change, under lock, before it is recorded here, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.decider import Decider
from shared.eventstore import EventStore, Metadata, Session


def _decide(_: None, command: Event, __: datetime) -> Sequence[Event]:
    return (command,)


def _evolve(_: None, __: Event) -> None:
    return None


_OPERATED: Decider[None, Event] = Decider("operated", None, _decide, _evolve)
"""A log, without a state: what was done is what is recorded."""


async def record(
    store: EventStore, connection: AsyncConnection, now: datetime, deeds: Mapping[str, Event], *, by: str
) -> None:
    """Record what was done, by the name of what it was done to. `by` names the operator."""
    session = Session(store, now, Metadata(actor=by), connection)
    await session.load(_OPERATED, list(deeds))
    for name, deed in deeds.items():
        session.do_loaded(_OPERATED, name, deed)
    await store.write(connection, [session.change()])
