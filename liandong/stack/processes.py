"""Processes by identity. A process id alone is not enough, because the system reuses ids."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from liandong.stack.state import Mark

_CLOCK_SLACK = 2.0
"""Seconds by which a start time may differ when read twice: it is derived from the clock, which may be adjusted."""


def mark(pid: int) -> Mark | None:
    """The identity of a running process; None when there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Mark(pid, process.create_time())
    except psutil.Error:
        return None


def lives(known: Mark | None) -> bool:
    """Whether exactly this process still runs, not a later one with the same id."""
    if known is None:
        return False
    now = mark(known.pid)
    return now is not None and abs(now.started - known.started) < _CLOCK_SLACK


def signal(known: Mark, number: int) -> None:
    """Send a signal to exactly this process; does nothing when it has ended."""
    if lives(known):
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            psutil.Process(known.pid).send_signal(number)


def end(known: Sequence[Mark], number: int, limit: float) -> list[Mark]:
    """Send a signal to all of them, wait at most `limit` seconds, and return those that still run."""
    for one in known:
        signal(one, number)
    until = time.monotonic() + limit
    left = [one for one in known if lives(one)]
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = [one for one in left if lives(one)]
    return left


def working_in(folder: Path, names: frozenset[str]) -> list[Mark]:
    """Running processes with these names whose working directory is this folder.

    Both servers work in their own data directory, so this finds a server even when `stack.json` is lost.
    """
    found: list[Mark] = []
    for process in psutil.process_iter():
        try:
            if process.name() not in names or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if Path(process.cwd()) == folder:
                found.append(Mark(process.pid, process.create_time()))
        except (psutil.Error, OSError):
            continue  # it has ended meanwhile, or belongs to another user
    return found
