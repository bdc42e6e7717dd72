"""Runs the demo's scenario through the gateway, and runs actions, such as restarts of servers, during named phases."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx

from liandong.demo.client import Client
from liandong.demo.ledger import Stalled
from liandong.demo.lists import RESERVED
from liandong.demo.run import Run, RunFile
from liandong.demo.scenario import Scenario
from liandong.demo.show import Meter
from liandong.home import Home
from liandong.law import load_demo_book
from tests.compose.project import Project
from tests.harness import eventually

Action = Callable[[], object]


@dataclass
class RunActions:
    """Prints no progress. When a named phase makes its first progress, runs the action of that phase in a thread."""

    actions: dict[str, Action]
    done: list[asyncio.Task[object]] = field(default_factory=list[asyncio.Task[object]])

    def say(self, line: str) -> None:
        pass

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        def meter(done: int, total: int) -> None:
            if done and (action := self.actions.pop(code, None)):
                self.done.append(asyncio.create_task(asyncio.to_thread(action), name=code))

        yield meter


@asynccontextmanager
async def client_of(project: Project) -> AsyncGenerator[Client]:
    """A client with tokens of the development issuer, whose key is in the secrets folder."""
    home = Home(project.folder / "client")
    home.adopt(project.folder / "secrets" / "issuer.jwk")
    async with httpx.AsyncClient(base_url=project.address(), timeout=60, trust_env=False) as http:
        yield Client(http, home.issuer())


async def load_the_law(client: Client) -> int:
    """Load the law book of the demo; returns its version, when every service has read it."""
    return (await load_demo_book(client.http, client.issuer, lambda _: None)).version


async def play(project: Project, client: Client, subjects: int, actions: Mapping[str, Action]) -> Run:
    """Run the scenario from the files to a closed ledger. Raises the errors of the scenario and of the actions.

    A slow machine may need longer to restart a server than the client waits for progress: the scenario is then continued
    once, when all containers are healthy.
    """
    file = RunFile(project.folder / "client")
    run = file.begin(subjects, RESERVED)
    show = RunActions(dict(actions))
    try:
        await Scenario(client, file, run, show).play()
    except Stalled:
        await asyncio.gather(*show.done)
        await eventually(lambda: project.is_healthy, seconds=180, every=1)
        await _continue(Scenario(client, file, run, show))
    await asyncio.gather(*show.done)
    assert not show.actions, f"these phases made no progress: {', '.join(show.actions)}"
    return run


async def _continue(scenario: Scenario) -> None:
    try:
        await scenario.play()
    except Stalled as stalled:
        raise AssertionError("\n".join(["the scenario makes no progress", *stalled.missing])) from None
