"""Operator commands: rebuild read models; show and handle parked events, stopped partitions and failed timers."""

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
    """Settings from the environment, or of the node whose servers run in this folder. Raises typer.BadParameter."""
    settings = Settings()
    if "database_url" in settings.model_fields_set:
        return settings
    running = stack.running(folder)
    if running is None:
        raise typer.BadParameter("no node runs in this folder, and LIANDONG_DATABASE_URL is not set")
    return Home(folder).settings(running.database_url, running.kafka)


async def rebuild(name: str, folder: Path) -> None:
    """Rebuild the read models of one service, with a progress bar; instances of the service may run meanwhile."""
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
    """A client of the operator routes of one service. Uses the token in `LIANDONG_TOKEN`, or one of the folder's issuer."""

    def __init__(self, address: str, service: str, folder: Path) -> None:
        token = os.environ.get("LIANDONG_TOKEN")
        token = token or Home(folder).issuer().issue(None, [OfficerRole.OPERATOR], "operator")
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


def _body(response: httpx.Response) -> Any:
    if response.is_error:
        raise typer.BadParameter(response.text)
    return response.json()


def show_parked(rows: list[dict[str, Any]]) -> None:
    """A table of parked events; a red dot marks the event of each key that failed, the others wait behind it."""
    table = Table("id", Column("key", overflow="fold"), "topic", "type", "reason")
    for row in rows:
        mark = "[red]●[/red] " if row["is_culprit"] else "  "
        table.add_row(str(row["parked_id"]), row["key"], row["topic"], row["type"], mark + row["reason"])
    Console().print(table)


def show_timers(rows: list[dict[str, Any]]) -> None:
    """A table of failed timers and the reason of each failure."""
    table = Table(Column("id", overflow="fold"), "due at", "failed because")
    for row in rows:
        table.add_row(row["timer_id"], row["due_at"], row["failed_because"])
    Console().print(table)


def show_state(name: str, state: dict[str, Any]) -> None:
    """The backlog of a service, and a table of its offset in each partition."""
    counts = ("outbox", "unacknowledged", "parked", "timers_due", "timers_failed")
    Console().print(f"[bold]{name}[/bold]  " + "  ".join(f"{count} {state[count]}" for count in counts))
    table = Table("topic", "partition", "offset", "lag", "stopped because")
    for one in state["partitions"]:
        cells = (one["topic"], one["partition"], one["next_offset"], one["lag"], one["stopped_because"] or "")
        table.add_row(*map(str, cells))
    Console().print(table)
