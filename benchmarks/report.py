"""Figures as a table for people and as JSON for comparing runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure

RESULTS = Path(__file__).with_name("results")

NOT_BUILT_YET = (
    ("check_batch", "a batch of 1,000 checks against one by one", "≥ 10 ×"),
    ("check_growth", "p99 of a check at 10^6 subjects against 10^4", "≤ 1.3 ×"),
    ("rebuild", "registry from 10^6 events against reading them with eventsourcing", "≥ 10 ×"),
)
"""Bars of the design that nothing measures so far."""


def show(figures: Sequence[Figure], console: Console) -> None:
    """A line a figure; what has a bar says whether it is met."""
    table = Table(title="Each figure beside the bare thing, measured in turns in this run", title_justify="left")
    for heading in ("bench", "work", "bare"):
        table.add_column(heading, overflow="fold")
    for heading in ("measured", "bare value", "unit", "ratio", "bar", "met"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        table.add_row(figure.bench, _described(figure), figure.bare, *_values(figure))
    console.print(table)
    for name, work, bar in NOT_BUILT_YET:
        console.print(f"not built yet: {name} ({work}), bar {bar}", style="dim", highlight=False)


def _described(figure: Figure) -> str:
    lines = [figure.work]
    unit = figure.facts.get("percentiles of", figure.unit)
    for side, found in figure.percentiles.items():
        values = "  ".join(f"{name} {value:g}" for name, value in found.items())
        lines.append(f"[dim]{side}, {unit}: {values}[/dim]")
    lines += [f"[dim]{name}: {value}[/dim]" for name, value in figure.facts.items() if name != "percentiles of"]
    return "\n".join(lines)


def _values(figure: Figure) -> tuple[str, ...]:
    met = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}[figure.met]
    return (
        _number(figure.measured_value),
        _number(figure.bare_value),
        figure.unit,
        f"{figure.ratio:.2f}",
        str(figure.bar or ""),
        met,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def save(figures: Sequence[Figure], scale: str, machine: dict[str, Any]) -> Path:
    """Write a run; the file's name is its time (UTC)."""
    now = datetime.now(UTC)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "scale": scale,
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
        "not_built_yet": [name for name, _, _ in NOT_BUILT_YET],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}-{scale}.json"
    path.write_bytes(orjson.dumps(run, option=orjson.OPT_INDENT_2))
    return path
