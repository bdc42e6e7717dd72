"""The results of a bench: the measured value, the bare value, and the bar for their ratio.

Both are measured alternately (A B, B A, A B, …), so that other load of the machine affects both alike; the ratio is the median
of the ratios of the turns, never the ratio of two averages.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Measure = Callable[[], Awaitable[float]]
"""Does the work once and returns the value: a rate (per second) or a duration (milliseconds)."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """For rates: at least this multiple of the bare one."""

    ratio: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.ratio

    def __str__(self) -> str:
        return f"≥ {self.ratio:g} ×"


@dataclass(frozen=True, slots=True)
class AtMost:
    """For durations: at most this multiple of the bare one."""

    ratio: float

    def met(self, ratio: float) -> bool:
        return ratio <= self.ratio

    def __str__(self) -> str:
        return f"≤ {self.ratio:g} ×"


Bar = AtLeast | AtMost


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: the measured value and the bare value, taken directly after each other."""

    measured: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.measured / self.bare if self.bare else float("nan")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `bare`: the operation that it is compared with; a line without a bar is for information."""

    bench: str
    work: str
    unit: str
    turns: tuple[Turn, ...]
    bare: str
    bar: Bar | None = None
    percentiles: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def measured_value(self) -> float:
        return median(turn.measured for turn in self.turns)

    @property
    def bare_value(self) -> float:
        return median(turn.bare for turn in self.turns)

    @property
    def ratio(self) -> float:
        return median(turn.ratio for turn in self.turns)

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.bar.met(self.ratio)

    def as_json(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "work": self.work,
            "unit": self.unit,
            "measured": self.measured_value,
            "bare": self.bare_value,
            "bare_is": self.bare,
            "ratio": self.ratio,
            "bar": str(self.bar) if self.bar else None,
            "met": self.met,
            "turns": [[turn.measured, turn.bare] for turn in self.turns],
            "percentiles": self.percentiles,
            "facts": self.facts,
        }


async def in_turns(turns: int, measured: Measure, bare: Measure) -> tuple[Turn, ...]:
    """Measure both this number of times, alternating which is first."""
    taken: list[Turn] = []
    for turn in range(turns):
        if turn % 2 == 0:
            ours, theirs = await measured(), await bare()
        else:
            theirs, ours = await bare(), await measured()
        taken.append(Turn(ours, theirs))
    return tuple(taken)


def percentile(values: Sequence[float], share: float) -> float:
    """The quantile: this share of the values does not exceed it."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the average, rounded for reading."""
    if not values:
        return {}
    found = {f"p{share}": percentile(values, share / 100) for share in (50, 95, 99)}
    return {name: round(value, 3) for name, value in {**found, "avg": sum(values) / len(values)}.items()}
