"""Starts, finds and stops the local stack of a data folder.

Invariant: whatever happened before (a kill -9 of parent or guard, a power failure, a lost `stack.json`, a port taken by another
program), a start either adopts the servers that run and are ready, or stops what is left of them before it starts new ones. At
no time do two servers use one data directory.
"""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from liandong.stack import LocalStack, children, folder_lock, guard, ports, processes, state
from liandong.stack.errors import StackError
from liandong.stack.folder_lock import FolderLock
from liandong.stack.guard_pipe import GuardPipe
from liandong.stack.kafka import Kafka
from liandong.stack.postgres import Postgres, url
from liandong.stack.startup import run

Say = Callable[[str], None]

_NEEDED_BYTES = 500 * 1024 * 1024
_GUARD_ANSWER_SECONDS = 30.0
_GUARD_STOP_SECONDS = 60.0

_SERVERS = (Postgres, Kafka)
_NAMES = tuple(server.name for server in _SERVERS)

_held: dict[Path, tuple[FolderLock, GuardPipe | None]] = {}
"""Locks and pipes of this process, held until `stop` or its end: a garbage-collected `LocalStack` must not stop the servers."""


async def start(folder: Path, say: Say, *, detached: bool) -> LocalStack:
    try:
        return await _start(folder, say, detached)
    except OSError as cause:
        raise _unusable(folder, cause) from cause


async def _start(folder: Path, say: Say, detached: bool) -> LocalStack:
    folder = await asyncio.to_thread(_usable, folder)
    lock = await folder_lock.acquire(folder, say, short=detached)
    try:
        stack, pipe = await _adopt(folder, say, detached) or await _begin(folder, say, detached)
    except BaseException:
        lock.release()
        raise
    if detached:
        lock.release()
        return replace(stack, holder=None)
    _held[folder] = lock, pipe
    return stack


async def stop(folder: Path) -> None:
    """`folder` must be resolved, as in a `LocalStack`."""
    lock, pipe = _held.pop(folder, (None, None))
    if pipe is not None:
        pipe.close()
    await _stop_remains(folder)
    if lock is not None:
        lock.release()


def running(folder: Path) -> LocalStack | None:
    folder = folder.resolve()
    known = state.load(folder)
    if _all_live(known) and all(ports.is_listening(known.ports_of(name)[0]) for name in _NAMES):
        return _stack(folder, known, adopted=True)
    return None


async def _begin(folder: Path, say: Say, detached: bool) -> tuple[LocalStack, GuardPipe]:
    """Start both servers under a new guard, at the same time."""
    await _stop_remains(folder, say)
    kept = state.load(folder).only_ports()
    state.save(folder, kept)  # exit codes of an earlier run must not be taken for this one's
    pipe = GuardPipe(folder)
    starts = [
        asyncio.create_task(run(server, pipe, kept.ports_of(server.name), say))
        for server in (Postgres(folder), Kafka(folder, say))
    ]
    try:
        await asyncio.gather(*starts)
        await _finish_start(folder, pipe, detached)
    except BaseException:
        for task in starts:
            task.cancel()
        pipe.close()
        await _stop_remains(folder)
        raise
    return _stack(folder, state.load(folder), adopted=False), pipe


async def _adopt(folder: Path, say: Say, detached: bool) -> tuple[LocalStack, GuardPipe | None] | None:
    """Adopt servers that run and are ready: under their guard if it is detached, otherwise under a new guard.

    None when there are none. A guard that is not detached and has lost its parent is stopping its servers, so those are not
    adopted.
    """
    known = state.load(folder)
    guarded = guard.is_running(folder)
    if not _all_live(known) or (guarded and not known.detached):
        return None
    postgres, kafka = Postgres(folder), Kafka(folder, say)
    both = (postgres, known.ports_of(postgres.name)), (kafka, known.ports_of(kafka.name))
    if not all(await asyncio.gather(*(server.is_ready(its_ports) for server, its_ports in both))):
        return None
    say("using the servers that are already running (接管已在运行的服务)")
    if guarded:
        return _stack(folder, known, adopted=True), None
    pipe = GuardPipe(folder)
    try:
        for server, its_ports in both:
            process = known.services[server.name].process
            assert process is not None  # _all_live
            pipe.adopt(process, await asyncio.to_thread(server.child, its_ports))
        await _finish_start(folder, pipe, detached)
    except BaseException:
        pipe.close()
        await _stop_remains(folder)
        raise
    return _stack(folder, state.load(folder), adopted=True), pipe


async def _finish_start(folder: Path, pipe: GuardPipe, detached: bool) -> None:
    """Report to the guard that the start is complete; detach it if the servers are to outlive this process."""
    pipe.report_ready(detached=detached)
    if not await _until(lambda: (known := pipe.state()).ready and known.detached == detached, _GUARD_ANSWER_SECONDS):
        raise pipe.problem("does not answer")
    if detached:
        pipe.close()


async def _stop_remains(folder: Path, say: Say | None = None) -> None:
    """Return when no process of an earlier stack runs in this folder: its guard stops them, or else this process does."""
    earlier = state.load(folder).guard
    if guard.is_running(folder):
        if say is not None:
            say("the previous run is still stopping: waiting for it (上次运行正在停止,请稍候)")
        if earlier is not None:
            processes.signal(earlier, signal.SIGTERM)
        await _until(lambda: not guard.is_running(folder), _GUARD_STOP_SECONDS)
        if earlier is not None:
            processes.signal(earlier, signal.SIGKILL)
    await asyncio.to_thread(_stop_servers, folder)


async def _until(condition: Callable[[], bool], limit: float) -> bool:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


def _stop_servers(folder: Path) -> None:
    known = state.load(folder)
    for server in _SERVERS:
        left = set(processes.working_in(folder / server.name, server.process_names))
        service = known.services.get(server.name)
        if service is not None and service.process is not None and processes.lives(service.process):
            left.add(service.process)
        if left:
            children.end(list(left), server.stop_signals)


def _all_live(known: state.State) -> bool:
    return known.ready and all(
        name in known.services and processes.lives(known.services[name].process) for name in _NAMES
    )


def _stack(folder: Path, known: state.State, *, adopted: bool) -> LocalStack:
    return LocalStack(
        database_url=url(known.ports_of(Postgres.name)[0]),
        kafka=f"127.0.0.1:{known.ports_of(Kafka.name)[0]}",
        folder=folder,
        detached=known.detached,
        adopted=adopted,
        holder=folder_lock.holder(folder),
    )


def _usable(folder: Path) -> Path:
    """The resolved folder, created if missing; it is writable and its disk has space. Raises StackError or OSError."""
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".trial-") as trial:  # two processes may try at the same time
        trial.write(b"-")
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise StackError(
            f"The disk of the data folder {folder} is nearly full.",
            why=f"{free // 2**20} MB are free; an empty stack needs {_NEEDED_BYTES // 2**20} MB.",
            remedy="Free disk space, or choose a folder on another disk.",
            chinese=f"数据目录 {folder} 所在磁盘空间不足:请清理磁盘或指定其他目录。",
        )
    return folder


def _unusable(folder: Path, cause: OSError) -> StackError:
    return StackError(
        f"The data folder {folder} cannot be used.",
        why=str(cause),
        remedy="Choose a writable folder on a disk with free space.",
        chinese=f"无法使用数据目录 {folder}:请指定一个可写且空间充足的目录。",
    )
