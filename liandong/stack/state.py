"""The state of a stack, stored in its data folder: `stack.json`.

While a guard runs, only the guard writes the file. A write replaces the whole file, so a reader never sees a partial state.
A file that cannot be read counts as an empty state; it never makes a start fail.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mark:
    """Identity of a process: its id and its start time (seconds since 1970). The id alone may be reused."""

    pid: int
    started: float


@dataclass
class Service:
    """One server: its ports, its process while it runs, and the exit code after it ended."""

    ports: list[int]
    process: Mark | None = None
    exit_code: int | None = None


@dataclass
class State:
    """`services` by name. `ready`: every service was ready once. `detached`: the servers outlive their parent."""

    guard: Mark | None = None
    ready: bool = False
    detached: bool = False
    services: dict[str, Service] = field(default_factory=dict[str, Service])

    def ports_of(self, name: str) -> list[int]:
        service = self.services.get(name)
        return service.ports if service else []

    def only_ports(self) -> "State":
        """The part that is kept from one run to the next."""
        return State(services={name: Service(service.ports) for name, service in self.services.items()})


def path_in(folder: Path) -> Path:
    return folder / "stack.json"


def load(folder: Path) -> State:
    """The state of a folder; an empty one when the file is missing or damaged."""
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
