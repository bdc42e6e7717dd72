"""`liandong verify`: whether the services agree with one another, with Kafka, and with their own events.

It is asked of a system at rest, whose services run: what is still under way is told as such. To compare read models with a
fold of their events it rebuilds them, beside whoever is at work.
"""

from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.node import SERVICES
from liandong.soak import verdict
from shared.database import connect
from shared.messaging.invariants import at_rest
from shared.runtime.settings import Settings


async def verify(settings: Settings, *, folds: bool) -> list[str]:
    """What is not as it must be, in sentences; none when all is well.

    Every stream and every numbering is without gaps, what was published was heard, stands on Kafka and is known alike by those
    whom it concerns, and no ledger is closed over what is owed. With `folds`, read models are what their events say.
    """
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in SERVICES:
            engines[name] = engine = connect(settings.database(name), pool_size=2)
            after.push_async_callback(engine.dispose)
        if waiting := await at_rest(engines):
            return waiting
        found = await verdict.agreement(engines) + await verdict.log(engines, settings)
        return found + (await verdict.folds(engines, settings) if folds else [])
