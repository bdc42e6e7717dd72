"""A random schedule of faults. The same seed gives the same random choices; the timing depends on the machine."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
from aiokafka.errors import KafkaError

from liandong.soak.faults import KINDS, Kind
from liandong.soak.system import System
from shared.database import is_outage
from shared.messaging.failures import describe

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.6, 2.4
"""Seconds between two faults: about forty faults per minute."""

Say = Callable[[str], None]


@dataclass
class Schedule:
    """Chooses faults at random and injects them. Several can be active at the same time, but only one of a kind."""

    system: System
    chance: random.Random
    say: Say
    kinds: Sequence[Kind] = KINDS
    injected: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])
    """Faults that could not be injected because another fault had stopped what they need; they do not count."""
    _last: dict[str, float] = field(default_factory=dict[str, float])
    _active: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    async def run(self, seconds: float) -> None:
        """Inject faults for this many seconds, and return when no fault is active any more."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                await asyncio.sleep(self.chance.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))
                self._draw()
            await asyncio.gather(*self._active.values())
        finally:
            for task in self._active.values():
                task.cancel()
            if self._active:
                await asyncio.wait(self._active.values())

    def _draw(self) -> None:
        kinds = [kind for kind in self.kinds if self._may(kind)]
        if not kinds:
            return
        [kind] = self.chance.choices(kinds, [kind.weight for kind in kinds])
        self._last[kind.of_class or kind.name] = time.monotonic()
        chance = random.Random(self.chance.random())  # noqa: S311 - a schedule, not a secret
        self._active[kind.name] = asyncio.create_task(self._inject(kind, chance), name=kind.name)

    def _may(self, kind: Kind) -> bool:
        active = self._active.get(kind.name)
        if active is not None and not active.done():
            return False
        if active is not None and (error := active.exception()):
            raise error
        return time.monotonic() - self._last.get(kind.of_class or kind.name, float("-inf")) >= kind.min_interval

    async def _inject(self, kind: Kind, chance: random.Random) -> None:
        try:
            description = await kind.inject(self.system, chance)
        except Exception as error:
            if not (is_outage(error) or isinstance(error, KafkaError | httpx.TransportError)):
                raise
            self.failed[kind.name] += 1
            self.say(f"     {kind.name} not possible: {describe(error)}")
            return
        self.injected[kind.name] += 1
        self.say(f"{self.injected.total():4} {kind.name}: {description}")
