"""What a data folder knows of its stack: `stack.json`.

Only the guard writes it while it lives, and a write replaces the file as a whole, so a reader never meets half a
state and a state that cannot be read means "nothing known", never a failed start.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mark:
    """A process that cannot be mistaken for another: its id and when it started (seconds since 1970)."""

    pid: int
    started: float


@dataclass
class Service:
    """One child: the ports it was given, the process that has them, and how that ended, if it did."""

    ports: list[int]
    process: Mark | None = None
    exit_code: int | None = None


@dataclass
class State:
    """`services` is keyed by name; `ready` once every service answered; `detached` once the parent let go."""

    guard: Mark | None = None
    ready: bool = False
    detached: bool = False
    services: dict[str, Service] = field(default_factory=dict[str, Service])

    def ports_of(self, name: str) -> list[int]:
        service = self.services.get(name)
        return service.ports if service else []

    def only_ports(self) -> "State":
        """What is worth keeping from one run to the next."""
        return State(services={name: Service(service.ports) for name, service in self.services.items()})


def path_in(folder: Path) -> Path:
    return folder / "stack.json"


def load(folder: Path) -> State:
    """The state of a folder; an empty one when there is none or it is damaged."""
    try:
        raw = json.loads(path_in(folder).read_text(encoding="utf-8"))
        return State(
            guard=_mark(raw["guard"]),
            ready=bool(raw["ready"]),
            detached=bool(raw["detached"]),
            services={name: _service(value) for name, value in raw["services"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def save(folder: Path, state: State) -> None:
    new = path_in(folder).with_suffix(f".json.{os.getpid()}")
    new.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    new.replace(path_in(folder))


def _mark(raw: Any) -> Mark | None:
    return None if raw is None else Mark(int(raw["pid"]), float(raw["started"]))


def _service(raw: Any) -> Service:
    exit_code = raw["exit_code"]
    return Service(
        ports=[int(port) for port in raw["ports"]],
        process=_mark(raw["process"]),
        exit_code=None if exit_code is None else int(exit_code),
    )
