"""The loop through the gateway, by the demo's client; and what is done to the servers when it comes to a certain phase."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import httpx

from liandong.demo.client import Client
from liandong.demo.ledger import NothingMoves
from liandong.demo.lists import RESERVED
from liandong.demo.run import Run, RunFile
from liandong.demo.show import Meter
from liandong.demo.story import Story
from liandong.home import Home
from liandong.law import load_demo_book
from tests.compose.project import Project
from tests.harness import eventually

Deed = Callable[[], object]


@dataclass
class Interrupted:
    """Shows nothing; when the work that is named begins to move, does what was asked for, beside the work."""

    deeds: dict[str, Deed]
    done: list[asyncio.Task[object]] = field(default_factory=list[asyncio.Task[object]])

    def say(self, line: str) -> None:
        pass

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        def meter(done: int, total: int) -> None:
            if done and (deed := self.deeds.pop(code, None)):
                self.done.append(asyncio.create_task(asyncio.to_thread(deed), name=code))

        yield meter


@asynccontextmanager
async def client_of(project: Project) -> AsyncGenerator[Client]:
    """With tokens of the development issuer whose key is among the secrets."""
    home = Home(project.folder / "client")
    home.adopt(project.folder / "secrets" / "issuer.jwk")
    async with httpx.AsyncClient(base_url=project.address(), timeout=60, trust_env=False) as http:
        yield Client(http, home.issuer())


async def load_the_law(client: Client) -> int:
    """The version of the law book, read by every service."""
    return (await load_demo_book(client.http, client.issuer, lambda _: None)).version


async def tell(project: Project, client: Client, subjects: int, deeds: Mapping[str, Deed]) -> Run:
    """From the files to a closed ledger. Raises what the story raises, and what a deed does.

    A machine with little to spare may need longer to bring a server back than the client waits for something to move: the
    story is then taken up once more, when all are healthy.
    """
    file = RunFile(project.folder / "client")
    run = file.begin(subjects, RESERVED)
    show = Interrupted(dict(deeds))
    try:
        await Story(client, file, run, show).tell()
    except NothingMoves:
        await asyncio.gather(*show.done)
        await eventually(lambda: project.is_healthy, seconds=180, every=1)
        await _again(Story(client, file, run, show))
    await asyncio.gather(*show.done)
    assert not show.deeds, f"these phases never moved: {', '.join(show.deeds)}"
    return run


async def _again(story: Story) -> None:
    try:
        await story.tell()
    except NothingMoves as stalled:
        raise AssertionError("\n".join(["nothing moves", *stalled.missing])) from None
