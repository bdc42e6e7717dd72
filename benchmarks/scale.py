"""The size of a run: `--quick`, usual, or `--full`."""

from dataclasses import dataclass
from enum import StrEnum


class Scale(StrEnum):
    QUICK = "quick"
    """All benches together in less than a minute: shows that they run; the figures are imprecise."""
    USUAL = "usual"
    FULL = "full"
    """The sizes for which the performance targets are defined."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """A value for each size."""

    quick: int
    usual: int
    full: int

    def at(self, scale: Scale) -> int:
        return {Scale.QUICK: self.quick, Scale.USUAL: self.usual, Scale.FULL: self.full}[scale]
