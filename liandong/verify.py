"""`liandong verify`: checks that the services agree with one another, with Kafka, and with their own events.

Precondition: the services run and the system is idle; work that is still in flight is reported as a violation. To compare
read models with a fold of their events it rebuilds them; services may go on working meanwhile.
"""

from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.node import SERVICES
from liandong.soak import verdict
from liandong.soak.lawful import lawful
from shared.database import connect
from shared.messaging.invariants import at_rest
from shared.runtime.settings import Settings


async def verify(settings: Settings, *, folds: bool) -> list[str]:
    """The violations, one sentence each; an empty list when there are none.

    Checked: streams and sequence numbers have no gaps; every published event is on Kafka, was consumed, and leads to the same
    state in all services concerned; no closed ledger has an open obligation; the law holds (liandong/soak/lawful.py). With
    `folds`: read models equal a fold of their events.
    """
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in SERVICES:
            engines[name] = engine = connect(settings.database(name), pool_size=2)
            after.push_async_callback(engine.dispose)
        if in_flight := await at_rest(engines):
            return in_flight
        found = await verdict.agreement(engines) + await verdict.log(engines, settings) + await lawful(engines)
        return found + (await verdict.folds(engines, settings) if folds else [])
