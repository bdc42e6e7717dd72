"""`liandong soak`: random faults against a running system under load, and a check of all invariants at the end."""

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
from liandong.soak.idle import NeverIdle, under_load
from liandong.soak.load import Load, load_of
from liandong.soak.schedule import Schedule
from liandong.soak.system import System, system
from liandong.soak.verdict import verdict
from shared.database import is_outage
from shared.messaging.invariants import always

_INTERRUPTED = 130
_CHECK_SECONDS = 30.0


class Reporter:
    """Prints lines to standard error, each with the minutes and seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        typer.echo(f"{minutes:3}:{seconds:02} {line}", err=True)


async def soak(minutes: float, seed: int) -> int:
    """The exit status: 0 all invariants hold, 1 a violation, 130 interrupted. The folder is kept after a violation."""
    logging.basicConfig(
        level=logging.CRITICAL
    )  # services log to the folder; this process's clients would log every fault
    stop, say = asyncio.Event(), Reporter()
    on_signals(stop)
    folder = Path(tempfile.mkdtemp(prefix="liandong-soak-"))
    say(f"seed {seed}, folder {folder} / 种子 {seed}，目录 {folder}")
    soaking = asyncio.create_task(_soak(folder, minutes, seed, say))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({soaking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not soaking.done():
        say("interrupted, cleaning up / 已中断，正在清理")
        soaking.cancel()
        with suppress(asyncio.CancelledError):
            await soaking
        shutil.rmtree(folder, ignore_errors=True)
        return _INTERRUPTED
    violations = soaking.result()
    for sentence in violations:
        say(f"BROKEN: {sentence}")
    if violations:
        say(f"data kept for inspection / 保留现场: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    say("all invariants hold / 所有不变量均成立")
    return 0


async def _soak(folder: Path, minutes: float, seed: int, say: Reporter) -> list[str]:
    """The violations, one sentence each."""
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    async with system(folder, say) as tested:
        load, schedule = await load_of(tested.client), Schedule(tested, chance, say)
        say(f"faults for {minutes:g} minutes / 注入故障 {minutes:g} 分钟")
        violations: list[str] = []
        try:
            async with under_load(load, tested.engines):
                violations += await _inject(schedule, minutes * 60, tested, load, say)
                say("no more faults: waiting until the system is idle / 停止注入，等待静止")
        except NeverIdle as never:
            return [*violations, *never.missing]
        finally:
            _print_summary(schedule, load, say)
        say("checking / 正在核对")
        return [*violations, *await verdict(tested.engines, tested.settings, load.published)]


async def _inject(schedule: Schedule, seconds: float, tested: System, load: Load, say: Reporter) -> list[str]:
    """Inject faults for this many seconds; meanwhile check the invariants that must hold at any moment."""
    violations: list[str] = []

    async def check() -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            try:
                found = await always(tested.engines)
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            violations.extend(found)
            say(f"     {load.rounds} rounds, {load.published} entries; violations: {len(found)}")

    checking = asyncio.create_task(check())
    try:
        await schedule.run(seconds)
        if checking.done():
            await checking
    finally:
        checking.cancel()
    return violations


def _print_summary(schedule: Schedule, load: Load, say: Reporter) -> None:
    say(f"{load.rounds} rounds of lists, {load.published} entries; refused by repair: {dict(load.refused)}")
    for kind in schedule.kinds:
        say(f"{schedule.injected[kind.name]:5} x {kind.name} (+{schedule.failed[kind.name]} not possible)")
    say(f"{schedule.injected.total():5} faults injected / 共注入故障")
