"""A child of the guard: what to run, and how to end it. It crosses the guard's pipe as JSON."""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from liandong.stack import processes
from liandong.stack.state import Mark

Farewell = tuple[tuple[int, float], ...]
"""Signals in order, each with the seconds it is given before the next one; SIGKILL comes last."""


@dataclass(frozen=True)
class Child:
    """`user` is whom it runs as, if not as the guard; `ports` are told to the state only."""

    name: str
    command: list[str]
    folder: str
    log: str
    environment: dict[str, str]
    ports: list[int]
    farewell: Farewell
    user: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Child":
        raw: dict[str, Any] = json.loads(text)
        raw["farewell"] = tuple((int(number), float(limit)) for number, limit in raw["farewell"])
        return cls(**raw)


def end(known: list[Mark], farewell: Farewell) -> None:
    """End these processes as gently as they let us, and in any case."""
    left = known
    for number, limit in farewell:
        left = processes.end(left, number, limit)
    processes.end(left, signal.SIGKILL, 10)


def keep_one_old_log(log: Path) -> None:
    """A log holds one run, and the run before is kept beside it: neither grows over the years."""
    if log.exists():
        log.replace(log.with_suffix(log.suffix + ".1"))


def run_once(command: list[str], folder: Path | str, log: Path, user: str | None = None) -> int:
    """Run what makes a server's data, as it will run itself; what it prints goes to the log. Its exit status."""
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
    """What both servers need of the user's environment, and nothing that would change how they behave."""
    kept = ("PATH", "HOME", "USER", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8"} | more
