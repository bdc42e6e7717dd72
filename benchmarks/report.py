"""Prints figures as tables, and writes them as JSON so that runs can be compared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.scale import Scale

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Target:
    """A performance target. `bench`: the bench that measures it."""

    bench: str
    bar: str
    description: str


TARGETS = (
    Target("append_batched", "≥ 0.6 ×", "append in batches, decided, with outbox, against bare multi-row inserts"),
    Target("append_batched", "≥ 5 ×", "the same against the eventsourcing library's batched save"),
    Target("append_single", "≥ 1.5 ×", "append one by one, 16 writers, against bare one-row transactions"),
    Target("relay", "≥ 1 ×", "relay against a bare idempotent send() loop"),
    Target("consume", "≥ 0.5 ×", "consume and project against bare inserts of the rows that it writes"),
    Target("loop", "≥ 0.6 ×", "the whole loop against a bare loop"),
    Target("latency", "≤ 4 ×", "publish to applied, p50, against a bare Kafka round trip"),
    Target("latency", "≤ 10 ×", "publish to applied, p99, against a bare Kafka round trip"),
    Target("rebuild", "≥ 10 ×", "rebuild of the registry against reading as many with eventsourcing"),
    Target("check", "≥ 0.8 ×", "a check, recorded, against a bare point read over HTTP"),
    Target("check_batch", "≥ 10 ×", "a batch of 1,000 checks against 1,000 single ones"),
    Target("check_growth", "≤ 1.3 ×", "p99 of a check at 10^6 subjects against 10^4"),
    Target("resident", "≤ 1.2 ×", "resident memory flat from 10^4 to 10^6 events: append, consume"),
    Target("rebuild", "≤ 1.2 ×", "resident memory flat from 10^4 to 10^6 events: rebuild"),
)
"""Every performance target, whether or not this run measured it."""


def verdict(figures: Sequence[Figure], built: Collection[str]) -> list[tuple[Target, str, str]]:
    """Each target with its measured ratios (one per service, if several are measured) and its verdict."""
    return [(target, *_judge(target, figures, built)) for target in TARGETS]


def _judge(target: Target, figures: Sequence[Figure], built: Collection[str]) -> tuple[str, str]:
    if target.bench not in built:
        return "", "not built"
    found = [figure for figure in figures if figure.bench == target.bench and str(figure.bar or "") == target.bar]
    if not found:
        return "", "not run"
    ratios = " / ".join(f"{figure.ratio:.2f}" for figure in found)
    return ratios, "met" if all(figure.met for figure in found) else "missed"


_STYLES = {"met": "green", "missed": "red"}


def show_verdict(figures: Sequence[Figure], built: Collection[str], scale: str, console: Console) -> None:
    """One line per target, met or missed."""
    sizes = "" if scale == Scale.FULL else f", with the sizes of a {scale} run (the targets are for --full)"
    table = Table(title=f"Performance targets{sizes}", title_justify="left")
    for heading in ("bench", "target"):
        table.add_column(heading, overflow="fold")
    for heading in ("bar", "ratio", "verdict"):
        table.add_column(heading, justify="right", no_wrap=True)
    for target, ratios, result in verdict(figures, built):
        style = _STYLES.get(result, "dim")
        table.add_row(target.bench, target.description, target.bar, ratios, f"[{style}]{result}[/{style}]")
    console.print(table)


def show_memory(resident: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """The highest resident memory of each kind of process, one line per bench."""
    kinds = sorted({kind for peaks in resident.values() for kind in peaks})
    table = Table("bench", *kinds, title="Resident memory, MiB, peak", title_justify="left")
    for bench, peaks in resident.items():
        table.add_row(bench, *(f"{peaks[kind]:.0f}" if kind in peaks else "" for kind in kinds))
    console.print(table)


def show(figures: Sequence[Figure], console: Console) -> None:
    """One line per figure; for a figure with a bar it shows whether the bar is met."""
    table = Table(title="Each figure and its bare operation, measured alternately in this run", title_justify="left")
    for heading in ("bench", "work", "bare"):
        table.add_column(heading, overflow="fold")
    for heading in ("measured", "bare value", "unit", "ratio", "bar", "met"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        table.add_row(figure.bench, _described(figure), figure.bare, *_values(figure))
    console.print(table)


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


def save(figures: Sequence[Figure], scale: str, machine: dict[str, Any], built: Collection[str]) -> Path:
    """Write a run; the file's name is its time (UTC)."""
    now = datetime.now(UTC)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "scale": scale,
        "machine": machine,
        "figures": [figure.as_json() for figure in figures],
        "promises": [
            {"bench": target.bench, "what": target.description, "bar": target.bar, "ratio": ratios, "verdict": result}
            for target, ratios, result in verdict(figures, built)
        ],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}-{scale}.json"
    path.write_bytes(orjson.dumps(run, option=orjson.OPT_INDENT_2))
    return path
