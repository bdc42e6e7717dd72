"""Who may use a data folder: one parent at a time, by a lock that the system lets go when its holder ends."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from liandong.stack.errors import StackError

_WAIT_SECONDS = 300.0
_LOOK_SECONDS = 1.0
"""So long the lock may seem to be held for good: `holder` looks at it, and a dying parent takes a moment."""


@dataclass
class Hold:
    """The right to use one folder, until `release` or the end of this process."""

    _file: IO[str]

    def release(self) -> None:
        self._file.close()


async def take(folder: Path, say: Callable[[str], None], *, passing: bool) -> Hold:
    """Take the folder.

    Somebody who is only `passing` (starts a stack that is to outlive it) lets go soon: such a one is waited for.
    Anybody else is there to stay, and that is an error.
    """
    file = (folder / "lock").open("a+")
    since = time.monotonic()
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            pid, soon = _written(file)
            waited = time.monotonic() - since
            if waited > (_WAIT_SECONDS if soon else _LOOK_SECONDS):
                file.close()
                raise _taken(folder, pid) from None
        if soon and not told:
            say(f"process {pid} is starting this stack: waiting for it (另一进程正在启动,请稍候)")
            told = True
        await asyncio.sleep(0.1)
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "passing": passing}))
    file.flush()
    return Hold(file)


def holder(folder: Path) -> int | None:
    """The number of the process that uses the folder now, if one does."""
    try:
        with (folder / "lock").open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _written(file)[0]
    except FileNotFoundError:
        pass
    return None


def _written(file: IO[str]) -> tuple[int, bool]:
    """What the holder wrote; a holder that has just begun is about to write, so it counts as passing."""
    try:
        file.seek(0)
        raw = json.loads(file.read())
        return int(raw["pid"]), bool(raw["passing"])
    except (ValueError, KeyError):
        return 0, True


def _taken(folder: Path, pid: int) -> StackError:
    return StackError(
        f"The data folder {folder} is in use.",
        why=f"Process {pid} runs a stack in it, and two at once would write over each other.",
        remedy=f"Use the one that runs, end process {pid}, or name another folder.",
        chinese=f"数据目录 {folder} 正被进程 {pid} 使用:请使用已运行的实例、结束该进程,或指定其他目录。",
    )
