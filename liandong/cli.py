"""`liandong`: the command line. `liandong up` runs everything on this machine; `liandong --help` lists the rest.

Commands import what they run when they run: `liandong token` in a script must not wait for the whole system to load.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from liandong.stack.errors import StackError
from liandong.token import token

app = typer.Typer(
    help="守信联合激励与失信联合惩戒 / Joint rewards and punishments between departments",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("token")(token)

DEFAULT_FOLDER = Path(".data")
Folder = Annotated[
    Path, typer.Option("--folder", envvar="LIANDONG_FOLDER", help="数据目录 / Folder that holds all data")
]
Port = Annotated[int, typer.Option(help="端口，0 为任意空闲端口 / Port on loopback; 0 takes a free one")]
Name = Annotated[str, typer.Argument(help="catalogue, initiator, registry, executor, feedback, repair")]


def main() -> None:
    """The entry point: errors that have a remedy are said in words, without a traceback."""
    if sys.argv[1:2] == ["demo"]:
        app.command("demo")(import_module("liandong.demo.command").demo)
    else:
        app.command("demo", help="演示整个流程 / Run the whole loop once, from a list file to a closed ledger")(_absent)
    try:
        app()
    except StackError as error:
        sys.exit(f"liandong: {error}")


def _absent() -> None:
    """Stands in the list of commands until `demo` is asked for, so that others need not load it."""


def say(line: str) -> None:
    typer.echo(line, err=True)


@app.command()
def up(
    folder: Folder = DEFAULT_FOLDER,
    port: Port = 8080,
    empty: Annotated[
        bool, typer.Option("--empty", help="不加载示例目录 / Do not load the law book that ships")
    ] = False,
) -> None:
    """启动全部服务 / Start PostgreSQL, Kafka and every service on this machine; Ctrl-C ends them."""
    from liandong import home, running

    running.log_warnings()
    raise typer.Exit(running.run(running.run_node(home.Home(folder), port, say, load=not empty)))


@app.command()
def down(folder: Folder = DEFAULT_FOLDER) -> None:
    """停止服务 / Stop the node that runs in a folder."""
    try:
        os.kill(json.loads((folder / "node.json").read_text(encoding="utf-8"))["pid"], signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        say("nothing runs here / 没有正在运行的服务")


@app.command()
def rebuild(service: Name, folder: Folder = DEFAULT_FOLDER) -> None:
    """重建读模型 / Make a service's read models anew, live; a rebuild that was broken off is taken up again."""
    from liandong import operating

    asyncio.run(operating.rebuild(service, folder))


Address = Annotated[str, typer.Option(envvar="LIANDONG_ADDRESS", help="节点地址 / Address of the node or gateway")]
DEFAULT_ADDRESS = "http://127.0.0.1:8080"


@app.command()
def state(service: Name, address: Address = DEFAULT_ADDRESS, folder: Folder = DEFAULT_FOLDER) -> None:
    """服务状态 / What waits in a service, and where it stands in each partition."""
    from liandong import operating

    operating.show_state(service, operating.Operator(address, service, folder).get("/state"))


@app.command()
def parked(
    service: Name,
    key: Annotated[str | None, typer.Option(help="只看一个键 / Of one key only")] = None,
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """搁置清单 / What could not be handled, and what waits behind it."""
    from liandong import operating

    operating.show_parked(operating.Operator(address, service, folder).get("/parked", key=key))


@app.command()
def retry(
    service: Name,
    key: Annotated[str, typer.Argument(help="键 / Key")],
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """重试搁置的事件 / Handle what is parked under a key, up to the first that fails again."""
    from liandong import operating

    answer = operating.Operator(address, service, folder).post("/parked/retry", uuid.uuid4().hex, {"key": key})
    typer.echo(f"handled {answer['handled']}; {answer['stopped_because'] or 'nothing is left'}")


@app.command()
def discard(
    service: Name,
    parked_id: Annotated[int, typer.Argument(help="搁置编号 / Id of a parked event")],
    reason: Annotated[str, typer.Option(help="理由，存档 / Why; it is kept")],
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """放弃一个搁置的事件 / Give one parked event up for good."""
    from liandong import operating

    body = {"parked_id": parked_id, "reason": reason}
    answer = operating.Operator(address, service, folder).post("/parked/discard", uuid.uuid4().hex, body)
    typer.echo(f"discarded; now retry the key / 已放弃，请重试该键: {answer['key']}")


@app.command()
def migrate(service: Name) -> None:
    """建库建表 / Create topics, the database of one service, and its tables; settings from LIANDONG_…"""
    from liandong import running

    asyncio.run(running.prepare_service(service))


@app.command()
def serve(
    service: Name,
    port: Port = 8080,
    host: Annotated[str, typer.Option(help="监听地址 / Address to listen on")] = "127.0.0.1",
) -> None:
    """运行一个服务 / Run one service; settings from LIANDONG_…"""
    from liandong import running

    running.log_warnings()
    running.run(running.run_service(service, host, port))


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(help="分钟数 / How long faults are injected")] = 10,
    seed: Annotated[
        int | None, typer.Option(help="随机种子 / Of the schedule; drawn and printed when not given")
    ] = None,
) -> None:
    """故障注入 / Faults at random against a running system of its own, under load; then a verdict: exit status 0 or 1."""
    from liandong.soak import command

    chosen = seed if seed is not None else uuid.uuid4().int % 1_000_000
    raise typer.Exit(asyncio.run(command.soak(minutes, chosen)))


@app.command()
def restore(folder: Folder = DEFAULT_FOLDER) -> None:
    """恢复之后 / After all databases were restored from backup: refill Kafka, raise the epochs (docs: liandong/restore.py)."""
    from liandong import home
    from liandong import restore as after_restore

    async def run() -> None:
        async with home.servers(home.Home(folder), say) as settings:
            restored = await after_restore.restore(settings, say)
            say(f"records refilled / 已回填记录: {dict(restored.records)}")

    try:
        asyncio.run(run())
    except after_restore.RestoreRefused as refused:
        sys.exit("liandong: " + "\n  ".join(refused.reasons))
