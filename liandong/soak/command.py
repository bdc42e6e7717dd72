"""`liandong soak`: hours of faults against the running system under load, and a verdict at the end."""

import asyncio
import logging
import random
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import typer

from liandong.serving import on_signals
from liandong.soak.load import Load, load_of
from liandong.soak.rest import NeverAtRest, under
from liandong.soak.schedule import Schedule
from liandong.soak.system import System, system
from liandong.soak.verdict import verdict
from shared.database import is_outage
from shared.messaging.invariants import always

_INTERRUPTED = 130
_LOOK_EVERY_SECONDS = 30.0


class Teller:
    """Lines on standard error, each with the minutes and seconds since the beginning."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        typer.echo(f"{minutes:3}:{seconds:02} {line}", err=True)


async def soak(minutes: float, seed: int) -> int:
    """The exit status: 0 all is well, 1 something is broken, 130 interrupted. The folder is kept unless all is well."""
    logging.basicConfig(level=logging.CRITICAL)  # what services log is in the folder; our own clients meet every fault
    stop, tell = asyncio.Event(), Teller()
    on_signals(stop)
    folder = Path(tempfile.mkdtemp(prefix="liandong-soak-"))
    tell(f"seed {seed}, folder {folder} / 种子 {seed}，目录 {folder}")
    soaking = asyncio.create_task(_soak(folder, minutes, seed, tell))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({soaking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not soaking.done():
        tell("interrupted, cleaning up / 已中断，正在清理")
        soaking.cancel()
        with suppress(asyncio.CancelledError):
            await soaking
        shutil.rmtree(folder, ignore_errors=True)
        return _INTERRUPTED
    broken = soaking.result()
    for sentence in broken:
        tell(f"BROKEN: {sentence}")
    if broken:
        tell(f"kept for a look / 保留现场: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    tell("all invariants hold / 所有不变量均成立")
    return 0


async def _soak(folder: Path, minutes: float, seed: int, tell: Teller) -> list[str]:
    """What is broken, in sentences."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    async with system(folder, tell) as hurt:
        load, schedule = await load_of(hurt.client), Schedule(hurt, chance, tell)
        tell(f"faults for {minutes:g} minutes / 注入故障 {minutes:g} 分钟")
        broken: list[str] = []
        try:
            async with under(load, hurt.engines):
                broken += await _inject(schedule, minutes * 60, hurt, load, tell)
                tell("no more faults: coming to rest / 停止注入，等待静止")
        except NeverAtRest as never:
            return [*broken, *never.missing]
        finally:
            _sum_up(schedule, load, tell)
        tell("judging / 正在核对")
        return [*broken, *await verdict(hurt.engines, hurt.settings, load.published)]


async def _inject(schedule: Schedule, seconds: float, hurt: System, load: Load, tell: Teller) -> list[str]:
    """Faults for so long; what must hold at any moment is looked at meanwhile."""
    broken: list[str] = []

    async def look() -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            try:
                found = await always(hurt.engines)
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            broken.extend(found)
            tell(f"     {load.rounds} rounds, {load.published} entries; broken: {len(found)}")

    looking = asyncio.create_task(look())
    try:
        await schedule.run(seconds)
        if looking.done():
            await looking
    finally:
        looking.cancel()
    return broken


def _sum_up(schedule: Schedule, load: Load, tell: Teller) -> None:
    tell(f"{load.rounds} rounds of lists, {load.published} entries; refused by repair: {dict(load.refused)}")
    for kind in schedule.kinds:
        tell(f"{schedule.injected[kind.name]:5} x {kind.name} (+{schedule.failed[kind.name]} in vain)")
    tell(f"{schedule.injected.total():5} faults injected / 共注入故障")
