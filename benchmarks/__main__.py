"""`python -m benchmarks [names…] [--quick | --full] [--loop asyncio | uvloop]`; without names, all of them."""

import argparse
import asyncio
import importlib
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import uvloop
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Figure
from benchmarks.memory import watched
from benchmarks.sandbox import Sandbox, Servers, dsn, sandbox, servers
from benchmarks.scale import Scale
from liandong.running import tune_garbage_collector

BENCHES = (
    *("append_batched", "append_single", "relay", "consume", "check", "check_growth", "latency"),
    *("rebuild", "resident", "resolution", "loop"),
)

log = logging.getLogger("benchmarks")

Run = Callable[[Sandbox, Scale], Awaitable[list[Figure]]]


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    arguments = _arguments(sys.argv[1:])
    loop = uvloop.new_event_loop if arguments.loop == "uvloop" else None
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # stop as by Ctrl-C, so that databases and topics are removed
    tune_garbage_collector()  # as in every process of the system; both sides are measured with it
    with asyncio.Runner(loop_factory=loop) as runner:
        failed = runner.run(_main(arguments.names or BENCHES, Scale(arguments.scale), arguments.loop))
    sys.exit(1 if failed else 0)


def _arguments(given: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    sizes = parser.add_mutually_exclusive_group()
    for scale in (Scale.QUICK, Scale.FULL):
        sizes.add_argument(f"--{scale}", dest="scale", action="store_const", const=scale.value)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="event loop of both sides")
    parser.set_defaults(scale=Scale.USUAL.value)
    parsed = parser.parse_args(given)
    if unknown := set(parsed.names) - set(BENCHES):
        parser.error(f"unknown bench: {', '.join(sorted(unknown))}; available: {', '.join(BENCHES)}")
    return parsed


async def _main(names: Sequence[str], scale: Scale, loop: str) -> list[str]:
    """Run the benches one after the other; returns those that failed. The results of the others are still shown."""
    progress = Console(stderr=True, highlight=False)
    async with servers(progress.print) as on:
        facts = await machine.facts(dsn(on.database_url), on.kafka_version, loop)
        figures: list[Figure] = []
        failed: list[str] = []
        resident: dict[str, dict[str, float]] = {}
        for name in names:
            start = time.perf_counter()
            progress.print(f"{name} …")
            try:
                async with watched(on) as watch:
                    figures += await _bench(on, name, scale)
                resident[name] = watch.peaks
            except Exception:
                failed.append(name)
                log.exception("%s failed", name)
            progress.print(f"{name}: {time.perf_counter() - start:.0f} s")
    facts["load_after"] = machine.load()
    facts["resident_mib"] = resident
    facts["failed"] = failed
    facts["sources_changed"] = machine.sources() != facts["sources"]
    if facts["sources_changed"]:
        progress.print(
            "The source code changed during this run, so its figures do not belong to one version.", style="bold red"
        )
    console = Console(width=None if sys.stdout.isatty() else 180)
    report.show(figures, console)
    report.show_memory(resident, console)
    report.show_verdict(figures, BENCHES, scale.value, console)
    progress.print(f"written to {report.save(figures, scale.value, facts, BENCHES)}")
    return failed


async def _bench(on: Servers, name: str, scale: Scale) -> list[Figure]:
    run = cast("Run", importlib.import_module(f"benchmarks.{name}").run)
    async with sandbox(on) as made:
        return await run(made, scale)


if __name__ == "__main__":
    main()
