"""Where the loop stands, as the services tell it over HTTP; and waiting for it, as long as something moves."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client
from liandong.demo.wording import word

SERVICES = ("catalogue", "initiator", "registry", "executor", "feedback", "repair")
PATIENCE_SECONDS = 60.0
_ASK_EVERY = 0.5
_MOST_TOLD = 20
_OFF_LIST = ("revoked", "repaired", "ended")


class NothingMoves(Exception):
    """What was waited for did not come, and for a while nothing came nearer to it. `missing` says what is lacking."""

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        self.seconds = seconds
        self.missing = tuple(missing)
        super().__init__(word("stalled", seconds=int(seconds)))


@dataclass(frozen=True, slots=True)
class Ledger:
    """Feedback's counts, over all runs of the folder."""

    entries: int
    waiting_entries: int
    undoing_entries: int
    closed_entries: int
    directed: int
    waiting: int
    undoing: int
    suspended: int
    overdue: int
    answered_late: int
    undone_late: int
    answered: int
    undone: int
    by_department: tuple[dict[str, Any], ...]


async def ledger(client: Client) -> Ledger:
    """The counts now. An entry of which only others' events were read is not counted."""
    told = await client.get(CREDIT_OFFICE, "/feedback/v1/statistics")
    states: dict[str, int] = {}
    for one in told["entries"]:
        if one["list_kind"] is not None:
            states[one["state"]] = states.get(one["state"], 0) + one["entries"]

    def lines(name: str) -> int:
        return sum(one[name] for one in told["departments"])

    return Ledger(
        entries=sum(states.values()),
        waiting_entries=states.get("waiting", 0),
        undoing_entries=states.get("undoing", 0),
        closed_entries=states.get("closed", 0),
        directed=lines("directed"),
        waiting=lines("waiting"),
        undoing=lines("undoing"),
        suspended=lines("suspended"),
        overdue=lines("overdue"),
        answered_late=lines("answered_late"),
        undone_late=lines("undone_late"),
        answered=lines("answered"),
        undone=lines("undone"),
        by_department=tuple(told["departments"]),
    )


async def off_list(client: Client) -> dict[str, dict[str, Any]]:
    """The entries that left their list, by id, as repair knows them."""
    return {
        item["entry_id"]: item
        for status in _OFF_LIST
        async for item in client.pages(CREDIT_OFFICE, "/repair/v1/entries", {"status": status})
    }


async def states(client: Client) -> dict[str, dict[str, Any]]:
    """What waits in each service."""
    asked = [client.get(OPERATOR, f"/{service}/v1/operations/state") for service in SERVICES]
    return dict(zip(SERVICES, await asyncio.gather(*asked), strict=True))


Probe = Callable[[], Awaitable[tuple[bool, Hashable]]]
"""Whether it has come; and a value that changes when something moved."""


async def wait(client: Client, probe: Probe, patience: float = PATIENCE_SECONDS) -> None:
    """Ask until it has come. Raises NothingMoves when the answers stay the same for so many seconds."""
    seen: Hashable = None
    moved_at = time.monotonic()
    while True:
        come, mark = await probe()
        if come:
            return
        now = time.monotonic()
        if mark != seen:
            seen, moved_at = mark, now
        elif now - moved_at > patience:
            raise NothingMoves(patience, await missing(client))
        await asyncio.sleep(_ASK_EVERY)


async def missing(client: Client) -> list[str]:
    """What keeps the loop open, in words."""
    counted, left, found = await ledger(client), await off_list(client), await states(client)
    told = [word("counts", ledger=counted.entries, closed=counted.closed_entries, ended=len(left))]
    for service, state in found.items():
        told += _of_service(service, state)
    for one in counted.by_department:
        if one["waiting"] or one["undoing"]:
            told.append(word("owes", department=one["department"], waiting=one["waiting"], undoing=one["undoing"]))
    path, asked = "/feedback/v1/statistics/still-in-force", {"limit": _MOST_TOLD}
    for entry in (await client.get(CREDIT_OFFICE, path, asked))["items"]:
        for ground in entry["open"]:
            department = ground["department"] or "-"
            told.append(word("not_closed", entry=entry["entry_id"], department=department, why=ground["says"]))
    return told


def _of_service(service: str, state: dict[str, Any]) -> list[str]:
    told: list[str] = []
    if state["parked"]:
        told.append(word("parked", service=service, parked=state["parked"]))
    if timers := state["timers_due"] + state["timers_failed"]:
        told.append(word("late_timers", service=service, timers=timers))
    for place in state["partitions"]:
        if place["stopped_because"]:
            told.append(
                word(
                    "stopped",
                    service=service,
                    topic=place["topic"],
                    partition=place["partition"],
                    why=place["stopped_because"],
                )
            )
    return told
