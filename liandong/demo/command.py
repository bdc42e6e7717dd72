"""`liandong demo`: runs the whole loop once, from list files to a closed ledger.

It starts the servers and the node, unless `--address` names running services. After that it is only an HTTP client of the
services.
"""

import asyncio
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Annotated

import httpx
import typer
from rich.console import Console

from liandong.demo.client import Client, RequestRefused
from liandong.demo.figures import figures
from liandong.demo.ledger import SERVICES, Stalled
from liandong.demo.lists import FEWEST, RESERVED
from liandong.demo.run import RunFile
from liandong.demo.scenario import FileRefused, Scenario
from liandong.demo.show import Show, show_for
from liandong.demo.summary import print_summary
from liandong.demo.wording import word
from liandong.home import Home, listening, servers
from liandong.law import load_demo_book
from liandong.node import Node, prepare
from liandong.node_file import announced
from liandong.serving import on_signals, serve

_WIDTH_WITHOUT_TERMINAL = 140
_TIMEOUT_SECONDS = 120
_CONNECTIONS = 24
_INTERRUPTED = 130


def demo(
    once: Annotated[bool, typer.Option("--once", help="演示完即退出 / Exit after the summary")] = False,
    folder: Annotated[Path, typer.Option(help="数据目录 / Folder that holds all data")] = Path(".data/demo"),
    port: Annotated[int, typer.Option(help="端口，0 为任意空闲端口 / Port on loopback; 0: any free port")] = 0,
    subjects: Annotated[
        int, typer.Option(min=FEWEST, max=100_000, help="名单条数 / Number of entries, without the 20 bad rows")
    ] = 1_000,
    plain: Annotated[bool, typer.Option("--plain", help="不用进度条 / Print lines instead of progress bars")] = False,
    address: Annotated[
        str | None, typer.Option(help="已有服务的地址 / Address of services that are already running")
    ] = None,
    issuer_key: Annotated[
        Path | None, typer.Option(help="开发用签发密钥 / Key of the development issuer that these services trust")
    ] = None,
) -> None:
    """运行演示 / Run the whole loop once: list, respond, execute, undo; then keep running until Ctrl-C.

    Exit status: 0 when the ledger is closed, 1 when it is not, 130 when interrupted before the end.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # A broker that has just started needs a second to find its coordinator; clients would log errors meanwhile.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
    keep_running = not once and sys.stdin.isatty() and sys.stdout.isatty()
    console = _console(stderr=True)
    command = _Demo(Home(folder), subjects, keep_running, show_for(console, plain=plain), asyncio.Event())
    if issuer_key:
        command.home.adopt(issuer_key)
    raise typer.Exit(asyncio.run(command.as_client_of(address) if address else command.run(port)))


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDTH_WITHOUT_TERMINAL)


@dataclass
class _Demo:
    """The running command."""

    home: Home
    subjects: int
    keep_running: bool
    show: Show
    stop: asyncio.Event

    async def as_client_of(self, address: str) -> int:
        """Run the demo on services that are already running. Returns the exit status."""
        on_signals(self.stop)
        self.home.folder.mkdir(parents=True, exist_ok=True)
        return await self._until_stopped(address)

    async def run(self, port: int) -> int:
        """Start servers and node, and run the demo on them. Returns the exit status."""
        on_signals(self.stop)
        try:
            listener = listening(port)
        except OSError as error:
            self.show.say(f"端口 {port} 不可用 / port {port} is not free: {error.strerror}")
            return 1
        self.home.folder.mkdir(parents=True, exist_ok=True)
        async with servers(self.home, self.show.say) as settings:
            node = Node(settings)
            try:
                with self.show.phase("starting"):
                    await prepare(settings)
                    await node.start()
                return await self._serve(node, listener)
            finally:
                await node.stop()

    async def _serve(self, node: Node, listener: socket) -> int:
        """Run the node as long as the demo needs it."""
        done, ready = asyncio.Event(), asyncio.Event()

        async def set_ready() -> None:
            ready.set()

        serving = asyncio.create_task(serve(node.app, listener, until=done, ready=set_ready))
        try:
            await ready.wait()
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with announced(self.home.folder, address):
                return await self._until_stopped(address)
        finally:
            done.set()
            await serving

    async def _until_stopped(self, address: str) -> int:
        running = asyncio.create_task(self._run_scenario(address))
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                self.show.say(word("kept"))
                return _INTERRUPTED
            status = running.result()
            if self.keep_running:
                self._say_addresses(address)
                await stopping
            return status
        finally:
            for task in (running, stopping):
                task.cancel()
            await asyncio.wait({running, stopping})

    async def _run_scenario(self, address: str) -> int:
        """Run the demo; errors are printed. Returns the exit status."""
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        http = httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_SECONDS, trust_env=False, limits=limits)
        async with http:
            try:
                return await self._as_client(Client(http, self.home.issuer()))
            except* (RequestRefused, FileRefused) as refused:
                for error in _flat(refused):
                    self.show.say(f"{word('refused')}: {error}")
            except* Stalled as stalled:
                for error in _flat(stalled):
                    self._say_missing(error)
        return 1

    async def _as_client(self, client: Client) -> int:
        with self.show.phase("lawbook"):
            await load_demo_book(client.http, self.home.issuer(), lambda _: None)
        file = RunFile(self.home.folder)
        run = file.begin(self.subjects, RESERVED)
        code, facts = ("resumes", {"phase": run.phase}) if run.interruptions else ("begins", {"subjects": run.subjects})
        self.show.say(word(code, run=run.number, **facts))
        if run.subjects != self.subjects:
            self.show.say(word("other_size", subjects=run.subjects))
        scenario = Scenario(client, file, run, self.show)
        await scenario.play()
        with self.show.phase("reading"):
            result = await figures(client, run, scenario.entries)
        print_summary(_console(stderr=False), run, result)
        return 1 if "left_over" in result.in_force else 0

    def _say_missing(self, stalled: BaseException) -> None:
        self.show.say(str(stalled))
        self.show.say(word("missing"))
        for line in stalled.missing if isinstance(stalled, Stalled) else ():
            self.show.say(f"  {line}")

    def _say_addresses(self, address: str) -> None:
        self.show.say(word("addresses"))
        for service in SERVICES:
            self.show.say(f"  {address}/{service}/docs")
        self.show.say(word("how_to_end"))


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors of a group and of its nested groups."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]  # pyright: ignore[reportUnknownArgumentType]
    return found
