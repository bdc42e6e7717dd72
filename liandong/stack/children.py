"""A child process of the guard: the command, and how to stop it. It is sent over the guard's pipe as JSON."""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from liandong.stack import processes
from liandong.stack.state import Mark

StopSignals = tuple[tuple[int, float], ...]
"""Signals in order, each with the seconds to wait before the next one; SIGKILL follows at the end."""


@dataclass(frozen=True)
class Child:
    """`user`: the user to run as, if not the guard's. `ports` are only recorded in the state."""

    name: str
    command: list[str]
    folder: str
    log: str
    environment: dict[str, str]
    ports: list[int]
    stop_signals: StopSignals
    user: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Child":
        raw: dict[str, Any] = json.loads(text)
        raw["stop_signals"] = tuple((int(number), float(limit)) for number, limit in raw["stop_signals"])
        return cls(**raw)


def end(known: list[Mark], stop_signals: StopSignals) -> None:
    """Stop these processes: with their stop signals, and at last with SIGKILL."""
    left = known
    for number, limit in stop_signals:
        left = processes.end(left, number, limit)
    processes.end(left, signal.SIGKILL, 10)


def keep_one_old_log(log: Path) -> None:
    """Each log has one run, and the log of the previous run is kept beside it, so that logs do not grow for ever."""
    if log.exists():
        log.replace(log.with_suffix(log.suffix + ".1"))


def run_once(command: list[str], folder: Path | str, log: Path, user: str | None = None) -> int:
    """Run a command that prepares a server's data, as the server's user; output goes to the log. Returns the exit status."""
    with log.open("wb") as output:
        return subprocess.run(  # noqa: S603 - our own command
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        ).returncode


def environment(**more: str) -> dict[str, str]:
    """The variables that both servers need; others are left out, because they could change how the servers behave."""
    kept = ("PATH", "HOME", "USER", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8"} | more
