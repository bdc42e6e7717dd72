"""The guard: a process between a parent and its servers. It outlives the parent until it has stopped the servers.

It reads orders, one per line, from its standard input, a pipe from the parent. When the pipe closes, because the parent ended
for whatever reason, the guard stops both servers, unless the parent sent `detach` before. Only the guard writes `stack.json`.
It holds `guard.lock`, inherited from the parent, during its whole life: a process that gets this lock can be sure that no guard
runs, and that no guard which was just started will begin to work later.

A server that ends after the stack was `ready` is restarted, at most 5 times per minute.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from liandong.stack import children, processes, state
from liandong.stack.children import Child
from liandong.stack.state import Mark, Service

LOCK = "guard.lock"
_TICK_SECONDS = 0.2
_RESTARTS, _RESTARTS_WITHIN_SECONDS = 5, 60.0


class Guard:
    """Runs servers for the parent with process id `parent`."""

    def __init__(self, folder: Path, parent: int) -> None:
        self._folder = folder
        self._parent = parent
        self._state = state.load(folder).only_ports()
        self._state.guard = processes.mark(os.getpid())
        self._children: dict[str, Child] = {}
        self._own: dict[str, subprocess.Popen[bytes]] = {}
        self._restarted: list[float] = []
        self._unread = b""
        self._asked_to_stop = False

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def watch(self) -> None:
        """Run until the parent ends or SIGTERM arrives; then stop both servers."""
        try:
            while not self._asked_to_stop and self._folder.is_dir():
                if not self._state.detached and not self._read_orders():
                    return
                if self._state.detached:
                    time.sleep(_TICK_SECONDS)
                self._check_children()
        finally:
            self._stop()

    def _read_orders(self) -> bool:
        """Execute the parent's orders that arrive within a tick; False when the parent has ended.

        The parent's process id is checked too: a process that the parent forked may keep the pipe open.
        """
        readable, _, _ = select.select([sys.stdin], [], [], _TICK_SECONDS)
        if not readable:
            return os.getppid() == self._parent
        received = os.read(sys.stdin.fileno(), 65536)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            self._execute(*line.decode().split(" ", 1))
        return bool(received) or self._state.detached

    def _execute(self, order: str, text: str = "") -> None:
        match order:
            case "run":
                self._run(Child.from_json(text))
            case "adopt":
                pid, started, child = text.split(" ", 2)
                self._adopt(Mark(int(pid), float(started)), Child.from_json(child))
            case "ready":
                self._state.ready = True
            case "detach":
                self._state.detached = True
            case _:
                raise ValueError(f"unknown order: {order}")
        self._save()

    def _run(self, child: Child) -> None:
        self._children[child.name] = child
        with Path(child.log).open("ab") as log:
            started = subprocess.Popen(  # noqa: S603 - the parent's own orders
                child.command,
                cwd=child.folder,
                env=child.environment,
                user=child.user,
                group=child.user,
                extra_groups=None if child.user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._own[child.name] = started
        self._state.services[child.name] = Service(child.ports, processes.mark(started.pid))
        if self._state.services[child.name].process is None:  # it ended before its start time could be read
            self._state.services[child.name].exit_code = started.wait()

    def _adopt(self, process: Mark, child: Child) -> None:
        self._children[child.name] = child
        self._state.services[child.name] = Service(child.ports, process)

    def _check_children(self) -> None:
        for name, child in self._children.items():
            service = self._state.services[name]
            if service.process is None or self._is_alive(name, service.process):
                continue
            own = self._own.pop(name, None)
            service.process, service.exit_code = None, -1 if own is None else own.returncode
            note(f"{name} ended with {service.exit_code}")
            if self._state.ready and self._may_restart():
                note(f"{name} is restarted")
                time.sleep(1)  # its own child processes need a moment to end
                self._run(child)
            self._save()

    def _is_alive(self, name: str, process: Mark) -> bool:
        own = self._own.get(name)
        return processes.lives(process) if own is None else own.poll() is None

    def _may_restart(self) -> bool:
        now = time.monotonic()
        self._restarted = [*(then for then in self._restarted if now - then < _RESTARTS_WITHIN_SECONDS), now]
        return len(self._restarted) <= _RESTARTS

    def _stop(self) -> None:
        """Stop both servers at the same time, each with its own signals."""
        threads = [
            threading.Thread(target=children.end, args=([process], child.stop_signals))
            for name, child in self._children.items()
            if (process := self._state.services[name].process) is not None
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for own in self._own.values():
            own.wait()
        for service in self._state.services.values():
            service.process = None
        self._state.guard, self._state.ready, self._state.detached = None, False, False
        if self._children:  # without children the state belongs to another guard
            with contextlib.suppress(OSError):  # the folder may have been deleted
                self._save()

    def _save(self) -> None:
        state.save(self._folder, self._state)


def note(text: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%S%z"), text, file=sys.stderr, flush=True)


def is_running(folder: Path) -> bool:
    """Whether a guard of this folder runs."""
    try:
        with (folder / LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two processes may check at the same time
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def main() -> None:
    # The third argument is the file descriptor of the lock: it only has to stay open until this process ends.
    guard = Guard(Path(sys.argv[1]), parent=int(sys.argv[2]))
    signal.signal(signal.SIGTERM, guard.ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    guard.watch()


if __name__ == "__main__":
    main()
