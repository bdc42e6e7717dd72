"""Progress for people: bars on a terminal, a line now and then elsewhere. Everything goes to standard error."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from liandong.demo.wording import word

_SAID_EVERY = 5.0
"""Seconds between two lines about the same work, where there are no bars."""


class Meter(Protocol):
    """What work reports to."""

    def __call__(self, done: int, total: int) -> None: ...


class Show(Protocol):
    """Where the demo tells how far it is."""

    def say(self, line: str) -> None: ...

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        """Work that takes a while; `code` names it in the wording."""
        ...


class PlainShow:
    """Lines, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, code: str) -> Generator[Meter]:
        begun = said = time.monotonic()
        last = (0, 0)
        self.say(f"{word(code)} …")

        def meter(done: int, total: int) -> None:
            nonlocal said, last
            if (done, total) != last and time.monotonic() - said >= _SAID_EVERY:
                said = time.monotonic()
                self.say(f"{word(code)}: {done}/{total} ({said - begun:.0f} s)")
            last = (done, total)

        yield meter
        counted = f": {last[0]}/{last[1]}" if last[1] else ""
        self.say(f"{word(code)}{counted} ({time.monotonic() - begun:.1f} s)")


class BarShow:
    """Bars, for a terminal."""

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
            seen = progress.tasks[0]
            progress.update(task, completed=seen.total or 1, total=seen.total or 1)


def show_for(console: Console, *, plain: bool) -> Show:
    return PlainShow(console) if plain or not console.is_terminal else BarShow(console)
