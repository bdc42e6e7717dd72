"""A separate compose project with its own name, secrets, port and image; everything is removed at the end.

The caller's variables for Docker and compose (`DOCKER_HOST`, `COMPOSE_FILE`, package indexes for the build) are used.
"""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LABEL = "com.docker.compose.project"
_LONGEST_SECONDS = 600
_CLEAR_LINE = "\x1b[2K"
"""Compose writes this before log lines, also without a terminal."""


class ComposeFailed(AssertionError):
    """A command failed, or succeeded unexpectedly; the message is its output."""


@dataclass(frozen=True)
class Said:
    """The exit status of a command, and its output."""

    status: int
    text: str

    @property
    def words(self) -> list[str]:
        """The lines in which `liandong` says why it ended."""
        return [line for line in self.text.splitlines() if line.startswith("liandong: ")]


@dataclass
class Project:
    """The project, and how long each step of it took."""

    folder: Path
    """Of the secrets, and of what the client remembers."""
    name: str = field(default_factory=lambda: f"liandong-test-{uuid.uuid4().hex[:8]}")
    more: dict[str, str] = field(default_factory=dict[str, str])
    """What a site would set, beside that."""
    took: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def image(self) -> str:
        return f"{self.name}:test"

    @property
    def operator_image(self) -> str:
        return f"{self.name}-operator:test"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANDONG_")}
        return kept | {
            "LIANDONG_IMAGE": self.image,
            "LIANDONG_OPERATOR_IMAGE": self.operator_image,
            "LIANDONG_SECRETS": str(self.folder / "secrets"),
            "LIANDONG_PORT": "127.0.0.1:0",
            "LIANDONG_MOVABLE_CLOCK": "true",
            **self.more,
        }

    @contextmanager
    def timed(self, step: str) -> Generator[None]:
        begun = time.monotonic()
        yield
        self.took[step] = time.monotonic() - begun

    def tried(self, *arguments: str, patience: float = _LONGEST_SECONDS) -> Said:
        """`docker compose` with these arguments, however it ends."""
        return _run(
            ["docker", "compose", "--ansi", "never", "--progress", "plain", "-p", self.name, *arguments],
            self.environment(),
            patience,
        )

    def compose(self, *arguments: str, patience: float = _LONGEST_SECONDS) -> str:
        """What it printed. Raises ComposeFailed."""
        return _succeeded(self.tried(*arguments, patience=patience), arguments)

    def docker(self, *arguments: str) -> str:
        """`docker` itself. Raises ComposeFailed."""
        return _succeeded(_run(["docker", *arguments], self.environment(), _LONGEST_SECONDS), arguments)

    def up(self, *services: str) -> None:
        """Start what does not run, and wait until all is healthy."""
        said = self.tried("up", "--detach", "--wait", "--wait-timeout", "300", *services)
        if said.status:
            raise ComposeFailed(f"{said.text[-3000:]}\n{self.tried('logs', '--tail', '15').text[-20000:]}")

    def alone(self, service: str, *command: str, **environment: str) -> Said:
        """One more container of a service, which may not work; its end, and what it said."""
        given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return self.tried("run", "--rm", "--no-deps", "--no-TTY", *given, service, *command, patience=120)

    def operator(self, *command: str) -> str:
        """What a command of an operator's says. Raises ComposeFailed."""
        return self.compose("run", "--rm", "--no-deps", "--no-TTY", "operator", *command)

    def python(self, service: str, program: str, *arguments: str) -> str:
        """What a program prints that runs as this service: with its secrets, on its network."""
        inside = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "python")
        return self.compose(*inside, service, "-c", program, *arguments)

    def address(self) -> str:
        """Where the gateway is published now."""
        return f"http://{self.compose('port', 'gateway', '8080').strip().splitlines()[-1]}"

    def containers(self) -> list[dict[str, Any]]:
        """All containers of the project, those that ended included, as `docker inspect` tells of them."""
        ids = self.docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={self.name}").split()
        return json.loads(self.docker("inspect", *ids)) if ids else []

    @property
    def is_healthy(self) -> bool:
        """Whatever has a health check and runs passes it."""
        checked = [one["State"] for one in self.containers() if one["State"]["Running"] and "Health" in one["State"]]
        return bool(checked) and all(state["Health"]["Status"] == "healthy" for state in checked)

    def left_behind(self) -> list[str]:
        """Containers, networks and volumes that bear the project's name."""
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        asked = [(*kind, "--quiet", "--filter", f"label={LABEL}={self.name}") for kind in kinds]
        return [line for kind in asked for line in self.docker(*kind).split()]

    def remove(self) -> None:
        """Everything, its image included; what was built of it stays in the engine's cache."""
        profiles = ("--profile", "example", "--profile", "scale", "--profile", "setup", "--profile", "operator")
        self.tried(*profiles, "down", "--volumes", "--remove-orphans", "--timeout", "20")
        images = ("image", "rm", "--force", self.image, self.operator_image)
        _run(["docker", *images], self.environment(), _LONGEST_SECONDS)


def _run(command: list[str], environment: dict[str, str], patience: float) -> Said:
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ComposeFailed(f"{' '.join(command)}: not done within {patience:.0f} s\n{late.stdout or b''!r}") from None
    lines = ended.stdout.decode("utf-8", "replace").replace(_CLEAR_LINE, "").splitlines()
    # The engine's remarks about its host are not what the command said.
    return Said(ended.returncode, "\n".join(line for line in lines if not line.startswith("WARNING: ")))


def _succeeded(said: Said, arguments: tuple[str, ...]) -> str:
    if said.status:
        raise ComposeFailed(f"{' '.join(arguments)}: status {said.status}\n{said.text[-5000:]}")
    return said.text
