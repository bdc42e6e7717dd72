"""The parent's end of the pipe to the guard. The servers run as long as it is open; see `guard`."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import liandong
from liandong.stack import state
from liandong.stack.children import Child, keep_one_old_log
from liandong.stack.errors import StackError, last_lines
from liandong.stack.guard import LOCK
from liandong.stack.state import Mark, State

_released: list[subprocess.Popen[bytes]] = []
"""Guards that may outlive this process. The references keep Python from warning about processes that are not waited for."""


class GuardPipe:
    """Starts the guard of a folder, in which no guard may run, and sends it orders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "guard.log"
        keep_one_old_log(self._log)
        source = str(Path(liandong.__file__).parents[1])
        with self._log.open("wb") as log, (folder / LOCK).open("a") as lock:
            self._lock(lock)
            self._guard = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "liandong.stack.guard", str(folder), str(os.getpid()), str(lock.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])},
                pass_fds=[lock.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is handled by the parent only
            )

    def _lock(self, lock: IO[str]) -> None:
        """No guard runs, so only a short check by `guard.is_running` can hold the lock. Raises StackError."""
        for _ in range(100):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return
        raise self.problem("of an earlier run cannot be stopped")

    def run(self, child: Child) -> None:
        self._order(f"run {child.to_json()}")

    def adopt(self, process: Mark, child: Child) -> None:
        self._order(f"adopt {process.pid} {process.started} {child.to_json()}")

    def report_ready(self, *, detached: bool) -> None:
        self._order("ready")
        if detached:
            self._order("detach")  # the last order: the guard reads no more after it

    def state(self) -> State:
        """The state that the guard has written. Raises StackError when the guard has ended."""
        if self._guard.poll() is not None:
            raise self.problem("has ended")
        return state.load(self._folder)

    def close(self) -> None:
        """Close the pipe: the guard stops the servers, unless they are detached, and ends."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        _released.append(self._guard)

    def _order(self, line: str) -> None:
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(line.encode() + b"\n")
            self._guard.stdin.flush()
        except BrokenPipeError:
            raise self.problem("has ended") from None

    def problem(self, what: str) -> StackError:
        return StackError(
            f"The guard process of the local stack {what}.",
            why=f"the end of {self._log}:\n{last_lines(self._log)}",
            remedy="Read the lines above, then start again: nothing needs to be cleaned up.",
            chinese="守护进程异常:请查看上面的日志后重新启动,无需手工清理。",
        )
