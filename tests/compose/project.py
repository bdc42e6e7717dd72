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
_TIMEOUT_SECONDS = 600
_CLEAR_LINE = "\x1b[2K"
"""Compose writes this control sequence before log lines, even without a terminal."""


class ComposeFailed(AssertionError):
    """A command failed, or succeeded unexpectedly; the message is its output."""


@dataclass(frozen=True)
class Output:
    """The exit status of a command, and its output."""

    status: int
    text: str

    @property
    def reasons(self) -> list[str]:
        """The lines in which `liandong` gives the reason of its end."""
        return [line for line in self.text.splitlines() if line.startswith("liandong: ")]


@dataclass
class Project:
    """The project, and the duration of each of its steps."""

    folder: Path
    """The folder of the secrets and of the client's state."""
    name: str = field(default_factory=lambda: f"liandong-test-{uuid.uuid4().hex[:8]}")
    more: dict[str, str] = field(default_factory=dict[str, str])
    """Additional environment variables, as a site would set them."""
    seconds: dict[str, float] = field(default_factory=dict[str, float])

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
        self.seconds[step] = time.monotonic() - begun

    def run(self, *arguments: str, timeout: float = _TIMEOUT_SECONDS) -> Output:
        """Run `docker compose` with these arguments; returns its output, whatever its exit status."""
        return _run(
            ["docker", "compose", "--ansi", "never", "--progress", "plain", "-p", self.name, *arguments],
            self.environment(),
            timeout,
        )

    def compose(self, *arguments: str, timeout: float = _TIMEOUT_SECONDS) -> str:
        """Run `docker compose`; returns its output. Raises ComposeFailed when the exit status is not 0."""
        return _require_success(self.run(*arguments, timeout=timeout), arguments)

    def docker(self, *arguments: str) -> str:
        """Run `docker`; returns its output. Raises ComposeFailed when the exit status is not 0."""
        return _require_success(_run(["docker", *arguments], self.environment(), _TIMEOUT_SECONDS), arguments)

    def up(self, *services: str) -> None:
        """Start the containers that do not run, and wait until all are healthy. Raises ComposeFailed."""
        output = self.run("up", "--detach", "--wait", "--wait-timeout", "300", *services)
        if output.status:
            raise ComposeFailed(f"{output.text[-3000:]}\n{self.run('logs', '--tail', '15').text[-20000:]}")

    def run_one(self, service: str, *command: str, **environment: str) -> Output:
        """Run one additional container of a service, which may fail; returns its exit status and output."""
        given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return self.run("run", "--rm", "--no-deps", "--no-TTY", *given, service, *command, timeout=120)

    def operator(self, *command: str) -> str:
        """Run a command in the operator's container; returns its output. Raises ComposeFailed."""
        return self.compose("run", "--rm", "--no-deps", "--no-TTY", "operator", *command)

    def python(self, service: str, program: str, *arguments: str) -> str:
        """Run a Python program as this service, with its secrets, on its network; returns its output. Raises ComposeFailed."""
        inside = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "python")
        return self.compose(*inside, service, "-c", program, *arguments)

    def address(self) -> str:
        """The URL at which the gateway is published now."""
        return f"http://{self.compose('port', 'gateway', '8080').strip().splitlines()[-1]}"

    def containers(self) -> list[dict[str, Any]]:
        """All containers of the project, including stopped ones, in the format of `docker inspect`."""
        ids = self.docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={self.name}").split()
        return json.loads(self.docker("inspect", *ids)) if ids else []

    @property
    def is_healthy(self) -> bool:
        """Whether every running container that has a health check passes it."""
        checked = [one["State"] for one in self.containers() if one["State"]["Running"] and "Health" in one["State"]]
        return bool(checked) and all(state["Health"]["Status"] == "healthy" for state in checked)

    def left_behind(self) -> list[str]:
        """Ids of the containers, networks and volumes that have the label of the project."""
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        queries = [(*kind, "--quiet", "--filter", f"label={LABEL}={self.name}") for kind in kinds]
        return [line for query in queries for line in self.docker(*query).split()]

    def remove(self) -> None:
        """Remove everything, including the images; built layers stay in the engine's cache."""
        profiles = ("--profile", "example", "--profile", "scale", "--profile", "setup", "--profile", "operator")
        self.run(*profiles, "down", "--volumes", "--remove-orphans", "--timeout", "20")
        images = ("image", "rm", "--force", self.image, self.operator_image)
        _run(["docker", *images], self.environment(), _TIMEOUT_SECONDS)


def _run(command: list[str], environment: dict[str, str], timeout: float) -> Output:
    try:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise ComposeFailed(
            f"{' '.join(command)}: not finished within {timeout:.0f} s\n{late.stdout or b''!r}"
        ) from None
    lines = ended.stdout.decode("utf-8", "replace").replace(_CLEAR_LINE, "").splitlines()
    # Warnings of the engine about its host are not output of the command.
    return Output(ended.returncode, "\n".join(line for line in lines if not line.startswith("WARNING: ")))


def _require_success(output: Output, arguments: tuple[str, ...]) -> str:
    if output.status:
        raise ComposeFailed(f"{' '.join(arguments)}: status {output.status}\n{output.text[-5000:]}")
    return output.text
