"""`liandong`: the command line. `liandong up` runs everything on this machine; `liandong --help` lists all commands.

Each command imports its modules when it runs: `liandong token` in a script must not wait until the whole system is loaded.
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

from liandong.cannot_start import CannotStart
from liandong.node_file import NODE_FILE
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
    """The entry point. Errors that an operator can repair are printed in one sentence, without a traceback."""
    if sys.argv[1:2] == ["demo"]:
        app.command("demo")(import_module("liandong.demo.command").demo)
    else:
        app.command("demo", help="演示整个流程 / Run the whole loop once, from list files to a closed ledger")(
            _not_loaded
        )
    try:
        app()
    except (StackError, CannotStart) as error:
        sys.exit(f"liandong: {error}")


def _not_loaded() -> None:
    """A placeholder in the list of commands: the demo is imported only when `demo` is called."""


def say(line: str) -> None:
    typer.echo(line, err=True)


@app.command()
def up(
    folder: Folder = DEFAULT_FOLDER,
    port: Port = 8080,
    empty: Annotated[bool, typer.Option("--empty", help="不加载示例目录 / Do not load the shipped law book")] = False,
) -> None:
    """启动全部服务 / Start PostgreSQL, Kafka and every service on this machine; Ctrl-C stops them."""
    from liandong import home, running

    running.start_telemetry(running.Level.WARNING)
    raise typer.Exit(running.run(running.run_node(home.Home(folder), port, say, load=not empty)))


@app.command()
def down(folder: Folder = DEFAULT_FOLDER) -> None:
    """停止服务 / Stop the node of a data folder."""
    try:
        os.kill(json.loads((folder / NODE_FILE).read_text(encoding="utf-8"))["pid"], signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        say("no node is running / 没有正在运行的服务")


@app.command()
def rebuild(service: Name, folder: Folder = DEFAULT_FOLDER) -> None:
    """重建读模型 / Rebuild the read models of a service while it runs; continues a rebuild that was interrupted."""
    from liandong import operating

    asyncio.run(operating.rebuild(service, folder))


Address = Annotated[str, typer.Option(envvar="LIANDONG_ADDRESS", help="节点地址 / Address of the node or gateway")]
DEFAULT_ADDRESS = "http://127.0.0.1:8080"


@app.command()
def state(service: Name, address: Address = DEFAULT_ADDRESS, folder: Folder = DEFAULT_FOLDER) -> None:
    """服务状态 / Show the backlog of a service and its offset in each partition."""
    from liandong import operating

    operating.show_state(service, operating.Operator(address, service, folder).get("/state"))


@app.command()
def parked(
    service: Name,
    key: Annotated[str | None, typer.Option(help="只看一个键 / Show one key only")] = None,
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """搁置清单 / List parked events: those that failed, and later ones that wait behind them."""
    from liandong import operating

    operating.show_parked(operating.Operator(address, service, folder).get("/parked", key=key))


@app.command()
def retry(
    service: Name,
    key: Annotated[str, typer.Argument(help="键 / Key")],
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """重试搁置的事件 / Handle the parked events of a key in order; stops at the first that fails again."""
    from liandong import operating

    answer = operating.Operator(address, service, folder).post("/parked/retry", uuid.uuid4().hex, {"key": key})
    typer.echo(f"handled {answer['handled']}; {answer['stopped_because'] or 'nothing is left'}")


@app.command()
def discard(
    service: Name,
    parked_id: Annotated[int, typer.Argument(help="搁置编号 / Id of a parked event")],
    reason: Annotated[str, typer.Option(help="理由，存档 / Reason; it is recorded")],
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """放弃一个搁置的事件 / Discard one parked event permanently."""
    from liandong import operating

    body = {"parked_id": parked_id, "reason": reason}
    answer = operating.Operator(address, service, folder).post("/parked/discard", uuid.uuid4().hex, body)
    typer.echo(f"discarded; now retry the key / 已放弃，请重试该键: {answer['key']}")


@app.command()
def resume(
    service: Name,
    topic: Annotated[str, typer.Argument(help="主题 / Topic, as printed by `state`")],
    partition: Annotated[int, typer.Argument(help="分区 / Partition")],
    reason: Annotated[str, typer.Option(help="理由，存档 / Reason; it is recorded")],
    pass_over: Annotated[
        int | None, typer.Option(help="放弃该偏移量的记录 / Skip the record at this offset permanently")
    ] = None,
    accept_loss: Annotated[
        tuple[str, int] | None,
        typer.Option(
            help="来源与序号：承认此前的丢失 / Source and sequence number: accept that records up to it are lost"
        ),
    ] = None,
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """恢复已停止的分区 / Resume a stopped partition: after a repair, or by skipping a record or accepting a loss."""
    from liandong import operating

    body: dict[str, object] = {"topic": topic, "partition": partition, "reason": reason, "pass_over": pass_over}
    if accept_loss is not None:
        body["accept_loss"] = {"source": accept_loss[0], "up_to": accept_loss[1]}
    operating.Operator(address, service, folder).post("/partitions/resume", uuid.uuid4().hex, body)
    typer.echo(f"resumed / 已恢复: {topic}/{partition}")


@app.command()
def timers(service: Name, address: Address = DEFAULT_ADDRESS, folder: Folder = DEFAULT_FOLDER) -> None:
    """失败的定时任务 / List failed timers and the reason of each failure."""
    from liandong import operating

    operating.show_timers(operating.Operator(address, service, folder).get("/timers"))


@app.command("retry-timer")
def retry_timer(
    service: Name,
    timer_id: Annotated[
        str | None, typer.Argument(help="编号，缺省为全部 / Id of a failed timer; default: all")
    ] = None,
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """重试失败的定时任务 / Retry failed timers, after the cause was repaired."""
    from liandong import operating

    body = {"timer_id": timer_id}
    answer = operating.Operator(address, service, folder).post("/timers/retry", uuid.uuid4().hex, body)
    typer.echo(f"to be retried / 将再次触发: {answer['retried']}")


@app.command("discard-timer")
def discard_timer(
    service: Name,
    timer_id: Annotated[str, typer.Argument(help="编号 / Id of a failed timer")],
    reason: Annotated[str, typer.Option(help="理由，存档 / Reason; it is recorded")],
    address: Address = DEFAULT_ADDRESS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """放弃一个失败的定时任务 / Discard one failed timer permanently."""
    from liandong import operating

    body = {"timer_id": timer_id, "reason": reason}
    answer = operating.Operator(address, service, folder).post("/timers/discard", uuid.uuid4().hex, body)
    typer.echo(f"discarded / 已放弃: {answer['timer_id']}")


@app.command()
def doctor(
    services: Annotated[list[str] | None, typer.Argument(help="服务，缺省为全部 / Services; default: all")] = None,
    folder: Folder = DEFAULT_FOLDER,
    timeout: Annotated[
        float, typer.Option("--patience", help="观察停滞的秒数 / Seconds to watch work that makes no progress")
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="供程序读取 / JSON output for programs")] = False,
) -> None:
    """体检 / Report problems and how to repair them; changes nothing. Exit status 1 when there is a problem."""
    from liandong.doctor import command

    raise typer.Exit(command.doctor(services or (), folder, timeout, as_json=as_json))


@app.command()
def secrets(folder: Annotated[Path, typer.Argument(help="目录 / Folder")]) -> None:
    """生成密钥 / Create the secrets of a deployment, one file each; existing files are kept."""
    from liandong import secret_files

    secret_files.make(folder, say)


@app.command()
def topics(
    accounts: Annotated[
        Path | None,
        typer.Option(help="口令目录 / Folder with one password file per service: also creates accounts and rights"),
    ] = None,
) -> None:
    """建主题 / Create the topics, and the accounts and rights of the services; settings from LIANDONG_…"""
    from liandong import container, running

    running.start_telemetry()
    running.run(container.prepare_topics(accounts))


@app.command()
def migrate(service: Name) -> None:
    """建库建表 / Create or migrate the database of one service; settings from LIANDONG_…"""
    from liandong import container, running

    running.start_telemetry()
    running.run(container.migrate_service(service))


@app.command()
def serve(
    service: Name,
    port: Port = 8080,
    host: Annotated[str, typer.Option(envvar="LIANDONG_HOST", help="监听地址 / Address to listen on")] = "127.0.0.1",
) -> None:
    """运行一个服务 / Run one service; settings from LIANDONG_…"""
    from liandong import container, running

    running.start_telemetry()
    running.run(container.serve_service(service, host, port))


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(help="分钟数 / Minutes of fault injection")] = 10,
    seed: Annotated[
        int | None, typer.Option(help="随机种子 / Seed of the schedule; default: random, printed at the start")
    ] = None,
) -> None:
    """故障注入 / Inject random faults into a private system under load, then check all invariants: exit status 0 or 1."""
    from liandong.soak import command

    chosen = seed if seed is not None else uuid.uuid4().int % 1_000_000
    raise typer.Exit(asyncio.run(command.soak(minutes, chosen)))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="目录，须为空 / Folder; must be new or empty")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """备份 / Dump all databases into a folder, while services run; `restore --from` restores the system from it."""
    from liandong import backup as backups
    from liandong import target as targets

    async def run() -> None:
        async with targets.with_servers(folder, say) as settings:
            await backups.backup(settings, target, say)
            say(f"complete / 备份完成: {target}")

    try:
        asyncio.run(run())
    except backups.BackupFailed as failed:
        sys.exit(f"liandong: {failed}")


@app.command()
def restore(
    source: Annotated[
        Path | None,
        typer.Option("--from", help="`liandong backup` 的目录 / Folder of a backup; its databases are restored first"),
    ] = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """恢复 / Stop services first. Restore databases from a backup (--from), then refill Kafka from them, in a new epoch."""
    _rebuild_log(folder, source)


@app.command()
def repartition(folder: Folder = DEFAULT_FOLDER) -> None:
    """增加分区 / Stop services first, when nothing is in flight. Recreate the topics with LIANDONG_PARTITIONS partitions."""
    _rebuild_log(folder, None, repartition=True)


def _rebuild_log(folder: Path, source: Path | None, *, repartition: bool = False) -> None:
    from liandong import restore as restores
    from liandong import target as targets
    from liandong.backup import BackupFailed

    async def run() -> None:
        async with targets.with_servers(folder, say) as settings:
            if repartition:
                restored = await restores.repartition(settings, say)
            elif source is None:
                restored = await restores.restore(settings, say)
            else:
                restored = await restores.from_backup(settings, source, say)
            say(f"records refilled / 已回填记录: {dict(restored.records)}")
            say("now start the services, then: liandong verify / 现在启动各服务，然后运行 liandong verify")

    try:
        asyncio.run(run())
    except restores.RestoreRefused as refused:
        sys.exit("liandong: " + "\n  ".join(refused.reasons))
    except BackupFailed as failed:
        sys.exit(f"liandong: {failed}")


@app.command()
def verify(
    folds: Annotated[bool, typer.Option(help="重建读模型并比较 / Also rebuild and compare the read models")] = True,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """核对 / Check an idle system: services, Kafka and events agree, ledgers are complete. Exit status 1 if not."""
    from liandong import target as targets
    from liandong import verify as verifying

    async def run() -> list[str]:
        async with targets.with_servers(folder, say) as settings:
            return await verifying.verify(settings, folds=folds)

    found = asyncio.run(run())
    for sentence in found:
        typer.echo(sentence)
    say(f"{len(found)} 处不符 / {len(found)} violations" if found else "全部相符 / everything holds")
    raise typer.Exit(int(bool(found)))
