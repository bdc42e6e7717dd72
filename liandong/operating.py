"""What operators do from the command line: rebuild read models, see and move what is parked."""

import os
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from liandong import stack
from liandong.home import Home
from liandong.node import build
from shared.eventstore.rebuild import Progress as Rebuilt
from shared.runtime.settings import Settings
from shared.trust import OfficerRole


def settings_of(folder: Path) -> Settings:
    """Settings from the environment, or of the node whose servers run in this folder."""
    settings = Settings()
    if "database_url" in settings.model_fields_set:
        return settings
    running = stack.running(folder)
    if running is None:
        raise typer.BadParameter("nothing runs in this folder, and LIANDONG_DATABASE_URL is not set")
    return Home(folder).settings(running.database_url, running.kafka)


async def rebuild(name: str, folder: Path) -> None:
    """Rebuild one service's read models, with a bar; instances of the service may be at work."""
    service = build(name, settings_of(folder))
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"{name}", total=None)

        def report(reached: Rebuilt) -> None:
            progress.update(bar, completed=reached.done, total=reached.total)

        folded = await service.rebuild(report).run()
    await service.core.engine.dispose()
    typer.echo(f"{name}: rebuilt from {folded} positions / 已由 {folded} 条记录重建", err=True)


class Operator:
    """The operator's routes of one service, over HTTP: with the token in `LIANDONG_TOKEN`, or one of the folder's issuer."""

    def __init__(self, address: str, service: str, folder: Path) -> None:
        given = os.environ.get("LIANDONG_TOKEN")
        token = given or Home(folder).issuer().issue(None, [OfficerRole.OPERATOR], "operator")
        self._http = httpx.Client(
            base_url=f"{address}/{service}/v1/operations",
            headers={"Authorization": f"Bearer {token}"},
            timeout=120,
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> Any:
        return _body(self._http.get(path, params={k: v for k, v in query.items() if v is not None}))

    def post(self, path: str, key: str, body: dict[str, Any]) -> Any:
        return _body(self._http.post(path, json=body, headers={"Idempotency-Key": key}))


def _body(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise typer.BadParameter(answer.text)
    return answer.json()


def show_parked(rows: list[dict[str, Any]]) -> None:
    """What waits, the culprit of each key marked."""
    table = Table("id", Column("key", overflow="fold"), "topic", "type", "reason")
    for row in rows:
        mark = "[red]●[/red] " if row["is_culprit"] else "  "
        table.add_row(str(row["parked_id"]), row["key"], row["topic"], row["type"], mark + row["reason"])
    Console().print(table)


def show_timers(rows: list[dict[str, Any]]) -> None:
    """Timers that could not fire, and why."""
    table = Table(Column("id", overflow="fold"), "due at", "failed because")
    for row in rows:
        table.add_row(row["timer_id"], row["due_at"], row["failed_because"])
    Console().print(table)


def show_state(name: str, state: dict[str, Any]) -> None:
    """What waits in a service, and where it stands in each partition."""
    waits = ("outbox", "unacknowledged", "parked", "timers_due", "timers_failed")
    Console().print(f"[bold]{name}[/bold]  " + "  ".join(f"{what} {state[what]}" for what in waits))
    table = Table("topic", "partition", "offset", "lag", "stopped because")
    for place in state["partitions"]:
        cells = (place["topic"], place["partition"], place["next_offset"], place["lag"], place["stopped_because"] or "")
        table.add_row(*map(str, cells))
    Console().print(table)
