"""A long random schedule of faults: the same for the same seed, as far as what is drawn goes; the machine's time is its own."""

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
"""Seconds between two faults: some forty in a minute."""

Tell = Callable[[str], None]


@dataclass
class Schedule:
    """Draws faults and injects them; several may be under way at once, of one kind only one."""

    system: System
    chance: random.Random
    tell: Tell
    kinds: Sequence[Kind] = KINDS
    injected: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])
    """Faults that could not be injected, because another had taken what they need; they do not count."""
    _last: dict[str, float] = field(default_factory=dict[str, float])
    _under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    async def run(self, seconds: float) -> None:
        """Inject for so long, and return when no fault is under way any more."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                await asyncio.sleep(self.chance.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))
                self._draw()
            await asyncio.gather(*self._under_way.values())
        finally:
            for task in self._under_way.values():
                task.cancel()
            if self._under_way:
                await asyncio.wait(self._under_way.values())

    def _draw(self) -> None:
        kinds = [kind for kind in self.kinds if self._may(kind)]
        if not kinds:
            return
        [kind] = self.chance.choices(kinds, [kind.weight for kind in kinds])
        self._last[kind.of_class or kind.name] = time.monotonic()
        chance = random.Random(self.chance.random())  # noqa: S311 - a schedule, not a secret
        self._under_way[kind.name] = asyncio.create_task(self._inject(kind, chance), name=kind.name)

    def _may(self, kind: Kind) -> bool:
        under_way = self._under_way.get(kind.name)
        if under_way is not None and not under_way.done():
            return False
        if under_way is not None and (error := under_way.exception()):
            raise error
        return time.monotonic() - self._last.get(kind.of_class or kind.name, float("-inf")) >= kind.apart

    async def _inject(self, kind: Kind, chance: random.Random) -> None:
        try:
            told = await kind.do(self.system, chance)
        except Exception as error:
            if not (is_outage(error) or isinstance(error, KafkaError | httpx.TransportError)):
                raise
            self.failed[kind.name] += 1
            self.tell(f"     {kind.name} in vain: {describe(error)}")
            return
        self.injected[kind.name] += 1
        self.tell(f"{self.injected.total():4} {kind.name}: {told}")
