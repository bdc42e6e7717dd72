"""`liandong`: the command line. `liandong up` runs everything on this machine; `liandong --help` lists the rest."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer

from liandong.home import DEFAULT, Home, listening, servers, stop_node
from liandong.law import load_shipped
from liandong.node import SERVICES, Node, build, prepare
from liandong.serving import on_signals, serve
from liandong.stack import StackError
from liandong.token import token
from shared.settings import Settings

app = typer.Typer(
    help="守信联合激励与失信联合惩戒 / Joint rewards and punishments between departments",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("token")(token)

Folder = Annotated[
    Path, typer.Option("--folder", envvar="LIANDONG_FOLDER", help="数据目录 / Folder that holds all data")
]
Port = Annotated[int, typer.Option(help="端口，0 为任意空闲端口 / Port on loopback; 0 takes a free one")]


def main() -> None:
    """The entry point: errors that have a remedy are said in words, without a traceback."""
    try:
        app()
    except StackError as error:
        sys.exit(f"liandong: {error}")


def say(line: str) -> None:
    typer.echo(line, err=True)


@app.command()
def up(
    folder: Folder = DEFAULT,
    port: Port = 8080,
    empty: Annotated[
        bool, typer.Option("--empty", help="不加载示例目录 / Do not load the law book that ships")
    ] = False,
) -> None:
    """启动全部服务 / Start PostgreSQL, Kafka and every service on this machine; Ctrl-C ends them."""
    _log()
    raise typer.Exit(asyncio.run(_up(Home(folder), port, load=not empty)))


async def _up(home: Home, port: int, *, load: bool) -> int:
    stop = asyncio.Event()
    on_signals(stop)
    try:
        listener = listening(port)
    except OSError as error:
        say(f"端口 {port} 不可用 / port {port} is not free: {error.strerror}; choose another with --port, or 0")
        return 1
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with servers(home, say) as settings:
        await prepare(settings)
        node = Node(settings)
        await node.start()
        try:
            with home.announced(address):
                await serve(node.app, listener, until=stop, ready=lambda: _ready(home, address, load=load))
        finally:
            say("stopping the services / 正在停止各服务")
            await node.stop()
    return 0


async def _ready(home: Home, address: str, *, load: bool) -> None:
    if load:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
            loaded = await load_shipped(http, home.issuer(), say)
        say(f"law book: version {loaded.version} / 法规与措施目录：第 {loaded.version} 版")
    say(f"ready / 已就绪: {address}")
    for name in SERVICES:
        say(f"  {address}/{name}/docs")
    say("Ctrl-C ends it / 按 Ctrl-C 停止")


@app.command()
def down(folder: Folder = DEFAULT) -> None:
    """停止服务 / Stop the node of a folder."""
    if not stop_node(Home(folder)):
        say("nothing runs here / 没有正在运行的服务")


@app.command()
def migrate(service: Annotated[str, typer.Argument(help=", ".join(SERVICES))]) -> None:
    """建库建表 / Create topics, the database of one service, and its tables; settings from LIANDONG_…"""
    asyncio.run(prepare(Settings(), [service]))


@app.command("serve")
def serve_one(
    service: Annotated[str, typer.Argument(help=", ".join(SERVICES))],
    port: Port = 8080,
    host: Annotated[str, typer.Option(help="监听地址 / Address to listen on")] = "127.0.0.1",
) -> None:
    """运行一个服务 / Run one service; settings from LIANDONG_…"""
    _log()
    asyncio.run(_serve_one(service, host, port))


async def _serve_one(name: str, host: str, port: int) -> None:
    stop = asyncio.Event()
    on_signals(stop)
    service = build(name, Settings())
    await service.start()
    try:
        await serve(service.app, listening(port, host), until=stop)
    finally:
        await service.stop()


def _log() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
