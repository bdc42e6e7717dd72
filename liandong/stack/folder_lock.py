"""The lock of a data folder: one parent process at a time. The operating system releases it when its holder ends."""

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
_BUSY_SECONDS = 1.0
"""Before the folder counts as in use: `holder` takes the lock for a moment, and a dying parent needs a moment to end."""


@dataclass
class FolderLock:
    """The exclusive use of one folder, until `release` or the end of this process."""

    _file: IO[str]

    def release(self) -> None:
        self._file.close()


async def acquire(folder: Path, say: Callable[[str], None], *, short: bool) -> FolderLock:
    """Take the lock. `short`: this process keeps it only while it starts a detached stack.

    If another process has a short lock, this waits for it. Raises StackError if another process has a long one.
    """
    file = (folder / "lock").open("a+")
    since = time.monotonic()
    reported = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            pid, is_short = _read(file)
            waited = time.monotonic() - since
            if waited > (_WAIT_SECONDS if is_short else _BUSY_SECONDS):
                file.close()
                raise _in_use(folder, pid) from None
        if is_short and not reported:
            say(f"process {pid} is starting this stack: waiting for it (另一进程正在启动,请稍候)")
            reported = True
        await asyncio.sleep(0.1)
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "passing": short}))
    file.flush()
    return FolderLock(file)


def holder(folder: Path) -> int | None:
    """The id of the process that uses the folder now; None if no process does."""
    try:
        with (folder / "lock").open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file)[0]
    except FileNotFoundError:
        pass
    return None


def _read(file: IO[str]) -> tuple[int, bool]:
    """The holder's process id, and whether its lock is short. A holder that has not written yet counts as short."""
    try:
        file.seek(0)
        raw = json.loads(file.read())
        return int(raw["pid"]), bool(raw["passing"])
    except (ValueError, KeyError):
        return 0, True


def _in_use(folder: Path, pid: int) -> StackError:
    return StackError(
        f"The data folder {folder} is in use.",
        why=f"Process {pid} runs a stack in it, and two stacks would overwrite each other's data.",
        remedy=f"Use the running stack, stop process {pid}, or choose another folder.",
        chinese=f"数据目录 {folder} 正被进程 {pid} 使用:请使用已运行的实例、结束该进程,或指定其他目录。",
    )
