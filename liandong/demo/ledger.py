"""Reads the state of the loop from the services over HTTP, and waits for it as long as there is progress."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client
from liandong.demo.wording import word

SERVICES = ("catalogue", "initiator", "registry", "executor", "feedback", "repair")
TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.5
_MAX_NAMED = 20
_OFF_LIST = ("revoked", "repaired", "ended")


class Stalled(Exception):
    """The awaited state was not reached, and there was no progress for `seconds`. `missing`: what is still open."""

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        self.seconds = seconds
        self.missing = tuple(missing)
        super().__init__(word("stalled", seconds=int(seconds)))


@dataclass(frozen=True, slots=True)
class Ledger:
    """The counts of feedback's ledger, over all runs of the folder."""

    entries: int
    waiting_entries: int
    undoing_entries: int
    closed_entries: int
    directed: int
    waiting: int
    undoing: int
    suspended: int
    overdue: int
    uncertain: int
    answered_late: int
    undone_late: int
    answered: int
    undone: int
    by_department: tuple[dict[str, Any], ...]


async def ledger(client: Client) -> Ledger:
    """The current counts. An entry is not counted until feedback has read its publication (`list_kind` is null before)."""
    statistics = await client.get(CREDIT_OFFICE, "/feedback/v1/statistics")
    states: dict[str, int] = {}
    for one in statistics["entries"]:
        if one["list_kind"] is not None:
            states[one["state"]] = states.get(one["state"], 0) + one["entries"]

    def lines(name: str) -> int:
        return sum(one[name] for one in statistics["departments"])

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
        uncertain=lines("uncertain"),
        answered_late=lines("answered_late"),
        undone_late=lines("undone_late"),
        answered=lines("answered"),
        undone=lines("undone"),
        by_department=tuple(statistics["departments"]),
    )


async def off_list(client: Client) -> dict[str, dict[str, Any]]:
    """The entries that left their list, by id, from repair."""
    return {
        item["entry_id"]: item
        for status in _OFF_LIST
        async for item in client.pages(CREDIT_OFFICE, "/repair/v1/entries", {"status": status})
    }


async def states(client: Client) -> dict[str, dict[str, Any]]:
    """The operator's state of each service."""
    requests = [client.get(OPERATOR, f"/{service}/v1/operations/state") for service in SERVICES]
    return dict(zip(SERVICES, await asyncio.gather(*requests), strict=True))


Probe = Callable[[], Awaitable[tuple[bool, Hashable]]]
"""Returns whether the awaited state is reached, and a value that changes whenever there is progress."""


async def wait(client: Client, probe: Probe, timeout: float = TIMEOUT_SECONDS) -> None:
    """Probe until the state is reached. Raises Stalled after `timeout` seconds without progress."""
    last: Hashable = None
    moved_at = time.monotonic()
    while True:
        reached, mark = await probe()
        if reached:
            return
        now = time.monotonic()
        if mark != last:
            last, moved_at = mark, now
        elif now - moved_at > timeout:
            raise Stalled(timeout, await missing(client))
        await asyncio.sleep(_POLL_SECONDS)


async def missing(client: Client) -> list[str]:
    """The reasons why the loop is not closed, one sentence each."""
    counted, left, service_states = await ledger(client), await off_list(client), await states(client)
    reasons = [word("counts", ledger=counted.entries, closed=counted.closed_entries, ended=len(left))]
    for service, state in service_states.items():
        reasons += _of_service(service, state)
    for one in counted.by_department:
        if one["waiting"] or one["undoing"]:
            reasons.append(word("owes", department=one["department"], waiting=one["waiting"], undoing=one["undoing"]))
    path, query = "/feedback/v1/statistics/still-in-force", {"limit": _MAX_NAMED}
    for entry in (await client.get(CREDIT_OFFICE, path, query))["items"]:
        for ground in entry["open"]:
            department = ground["department"] or "-"
            reasons.append(word("not_closed", entry=entry["entry_id"], department=department, why=ground["says"]))
    return reasons


def _of_service(service: str, state: dict[str, Any]) -> list[str]:
    reasons: list[str] = []
    if state["parked"]:
        reasons.append(word("parked", service=service, parked=state["parked"]))
    if timers := state["timers_due"] + state["timers_failed"]:
        reasons.append(word("late_timers", service=service, timers=timers))
    for one in state["partitions"]:
        if because := one["stopped_because"]:
            stopped = {"topic": one["topic"], "partition": one["partition"], "why": because}
            reasons.append(word("stopped", service=service, **stopped))
    return reasons
