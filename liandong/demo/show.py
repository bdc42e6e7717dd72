"""Progress output for people: bars on a terminal, otherwise lines. All of it goes to standard error."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from liandong.demo.wording import word

_LINE_SECONDS = 5.0
"""Minimum time between two progress lines of the same work, when there are no bars."""


class Meter(Protocol):
    """Receives the progress of some work."""

    def __call__(self, done: int, total: int) -> None: ...


class Show(Protocol):
    """The progress output of the demo."""

    def say(self, line: str) -> None: ...

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        """Shows the progress of the block; `code` is its name in the wording."""
        ...


class PlainShow:
    """Prints lines, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        started = printed = time.monotonic()
        last = (0, 0)
        self.say(f"{word(code)} …")

        def meter(done: int, total: int) -> None:
            nonlocal printed, last
            if (done, total) != last and time.monotonic() - printed >= _LINE_SECONDS:
                printed = time.monotonic()
                self.say(f"{word(code)}: {done}/{total} ({printed - started:.0f} s)")
            last = (done, total)

        yield meter
        counted = f": {last[0]}/{last[1]}" if last[1] else ""
        self.say(f"{word(code)}{counted} ({time.monotonic() - started:.1f} s)")


class BarShow:
    """Shows progress bars, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        columns = (
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(word(code), total=None)

            def meter(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total or None)

            yield meter
            total = progress.tasks[0].total or 1
            progress.update(task, completed=total, total=total)


def show_for(console: Console, *, plain: bool) -> Show:
    return PlainShow(console) if plain or not console.is_terminal else BarShow(console)
