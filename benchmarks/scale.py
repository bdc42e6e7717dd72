"""How much a run does: a look (`--quick`), the usual, or the whole (`--full`)."""

from dataclasses import dataclass
from enum import StrEnum


class Scale(StrEnum):
    QUICK = "quick"
    """All benches together in less than a minute: they run, the figures are rough."""
    USUAL = "usual"
    FULL = "full"
    """The sizes that the bars name."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """A number for each scale."""

    quick: int
    usual: int
    full: int

    def at(self, scale: Scale) -> int:
        return {Scale.QUICK: self.quick, Scale.USUAL: self.usual, Scale.FULL: self.full}[scale]
