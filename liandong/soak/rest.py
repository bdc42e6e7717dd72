"""Load for the length of a block, and the moment after it at which all is at rest."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.demo.client import Client, RequestRefused
from liandong.demo.ledger import ledger, off_list, states
from liandong.soak.load import Load
from shared.messaging.invariants import at_rest

PATIENCE_SECONDS = 120.0
_ASK_EVERY = 0.5


class NeverAtRest(Exception):
    """The load has ended and for a long time nothing came nearer to rest. `missing` says what is lacking."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = tuple(missing)
        super().__init__("never came to rest:\n" + "\n".join(missing))


@asynccontextmanager
async def under(
    load: Load, engines: Mapping[str, AsyncEngine], patience: float = PATIENCE_SECONDS
) -> AsyncGenerator[Load]:
    """The load works as long as the block; then it finishes its round, departments answer all, and everything comes to rest.

    Raises NeverAtRest, and whatever ended the load or the systems of the departments before their time.
    """
    load.begin()
    try:
        async with asyncio.TaskGroup() as group:
            systems = group.create_task(load.systems.run(), name="systems of departments")
            working = group.create_task(load.run(), name="load")
            yield load
            load.finish()
            await working
            load.systems.hurry()
            await come_to_rest(load.client, engines, patience)
            systems.cancel()
    except BaseExceptionGroup as failed:  # the first says it: the others were cancelled because of it
        raise failed.exceptions[0] from None


async def come_to_rest(client: Client, engines: Mapping[str, AsyncEngine], patience: float) -> None:
    """Wait as long as something moves: until all that was told is heard, and everything asked is answered and undone."""
    seen: list[str] = []
    moved_at = time.monotonic()
    while missing := await _missing(client, engines):
        if missing != seen:
            seen, moved_at = missing, time.monotonic()
        elif time.monotonic() - moved_at > patience:
            raise NeverAtRest(missing)
        await asyncio.sleep(_ASK_EVERY)


async def _missing(client: Client, engines: Mapping[str, AsyncEngine]) -> list[str]:
    with suppress(SQLAlchemyError, OSError, httpx.TransportError):  # a server may still be coming back
        return await at_rest(engines) or await _unanswered(client, engines["feedback"])
    return ["a server does not answer"]


_WAITING = text("SELECT count(*) FROM lines WHERE state = 'waiting' AND NOT suspended")
"""While an objection is open nobody is asked."""


async def _unanswered(client: Client, feedback: AsyncEngine) -> list[str]:
    """What departments or timers have not done yet, as the services tell it."""
    try:
        now, left, found = await ledger(client), len(await off_list(client)), await states(client)
    except RequestRefused as refused:
        return [str(refused)]
    async with feedback.connect() as connection:
        waiting = await connection.scalar(_WAITING) or 0
    due = {service: state["timers_due"] for service, state in found.items() if state["timers_due"]}
    counts = {
        "lines wait for an answer": waiting,
        "lines wait for their undoing": now.undoing,
        "entries wait for their undoing": now.undoing_entries,
        "entries left their list and are not closed": left - now.closed_entries,
    }
    return [f"{count} {what}" for what, count in counts.items() if count] + [
        f"{service}: {count} timers are due" for service, count in due.items()
    ]
