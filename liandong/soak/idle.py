"""Runs load during a block, and waits after it until the system is idle."""

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

TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.5


class NeverIdle(Exception):
    """The load has ended, and the system made no progress towards being idle. `missing`: what still waits."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = tuple(missing)
        super().__init__("never became idle:\n" + "\n".join(missing))


@asynccontextmanager
async def under_load(
    load: Load, engines: Mapping[str, AsyncEngine], timeout: float = TIMEOUT_SECONDS
) -> AsyncGenerator[Load]:
    """Run the load as long as the block; then it completes its round, departments answer all tasks, and this waits for idle.

    `timeout`: seconds without progress. Raises NeverIdle, and any error of the load or of the departments' systems.
    """
    load.begin()
    try:
        async with asyncio.TaskGroup() as group:
            systems = group.create_task(load.systems.run(), name="systems of departments")
            working = group.create_task(load.run(), name="load")
            yield load
            load.finish()
            await working
            load.systems.answer_all()
            await wait_until_idle(load.client, engines, timeout)
            systems.cancel()
    except BaseExceptionGroup as failed:  # the first error is the cause: it cancelled the other tasks
        raise failed.exceptions[0] from None


async def wait_until_idle(client: Client, engines: Mapping[str, AsyncEngine], timeout: float) -> None:
    """Wait until all events are consumed, all tasks answered and all ended measures undone.

    Raises NeverIdle after `timeout` seconds without progress.
    """
    last: list[str] = []
    moved_at = time.monotonic()
    while missing := await _missing(client, engines):
        if missing != last:
            last, moved_at = missing, time.monotonic()
        elif time.monotonic() - moved_at > timeout:
            raise NeverIdle(missing)
        await asyncio.sleep(_POLL_SECONDS)


async def _missing(client: Client, engines: Mapping[str, AsyncEngine]) -> list[str]:
    with suppress(SQLAlchemyError, OSError, httpx.TransportError):  # a server may still be restarting
        return await at_rest(engines) or await _unanswered(client, engines["feedback"])
    return ["a server does not answer"]


_WAITING = text("SELECT count(*) FROM lines WHERE state = 'waiting' AND NOT suspended")
"""Suspended lines are left out: while an objection is open, no answer is due."""


async def _unanswered(client: Client, feedback: AsyncEngine) -> list[str]:
    """What departments and timers have not done yet, according to the services."""
    try:
        now, left, service_states = await ledger(client), len(await off_list(client)), await states(client)
    except RequestRefused as refused:
        return [str(refused)]
    async with feedback.connect() as connection:
        waiting = await connection.scalar(_WAITING) or 0
    due = {service: state["timers_due"] for service, state in service_states.items() if state["timers_due"]}
    counts = {
        "lines wait for an answer": waiting,
        "lines wait to be undone": now.undoing,
        "entries wait to be undone": now.undoing_entries,
        "entries left their list and are not closed": left - now.closed_entries,
    }
    return [f"{count} {what}" for what, count in counts.items() if count] + [
        f"{service}: {count} timers are due" for service, count in due.items()
    ]
