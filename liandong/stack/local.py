"""Starting, finding and stopping the local stack of a data folder.

The invariant: whatever happened before (a kill -9 of parent or guard, a power cut, a lost `stack.json`, a port taken
by somebody else), a start either takes over the servers that live and answer, or ends what is left of them before it
starts new ones. At no time do two servers hold one data directory.
"""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from liandong.stack import LocalStack, children, guard, holding, ports, processes, state
from liandong.stack.errors import StackError
from liandong.stack.guard_pipe import GuardPipe
from liandong.stack.holding import Hold
from liandong.stack.kafka import Kafka
from liandong.stack.postgres import Postgres, url
from liandong.stack.startup import run

Say = Callable[[str], None]

_ROOM_NEEDED = 500 * 1024 * 1024
_GUARD_HEARS_SECONDS = 30.0
_GUARD_STOPS_SECONDS = 60.0

_SERVERS = (Postgres, Kafka)
_NAMES = tuple(server.name for server in _SERVERS)

_held: dict[Path, tuple[Hold, GuardPipe | None]] = {}
"""What this process holds until `stop` or its end; to forget a `LocalStack` must not stop the servers."""


async def start(folder: Path, say: Say, *, detached: bool) -> LocalStack:
    try:
        return await _start(folder, say, detached)
    except OSError as cause:
        raise _unusable(folder, cause) from cause


async def _start(folder: Path, say: Say, detached: bool) -> LocalStack:
    folder = await asyncio.to_thread(_usable, folder)
    hold = await holding.take(folder, say, passing=detached)
    try:
        stack, pipe = await _take_over(folder, say, detached) or await _begin(folder, say, detached)
    except BaseException:
        hold.release()
        raise
    if detached:
        hold.release()
        return replace(stack, holder=None)
    _held[folder] = hold, pipe
    return stack


async def stop(folder: Path) -> None:
    """`folder` as a `LocalStack` has it: resolved."""
    hold, pipe = _held.pop(folder, (None, None))
    if pipe is not None:
        pipe.close()
    await _clear(folder)
    if hold is not None:
        hold.release()


def running(folder: Path) -> LocalStack | None:
    folder = folder.resolve()
    known = state.load(folder)
    if _all_live(known) and all(ports.answers(known.ports_of(name)[0]) for name in _NAMES):
        return _stack(folder, known, adopted=True)
    return None


async def _begin(folder: Path, say: Say, detached: bool) -> tuple[LocalStack, GuardPipe]:
    """Start both servers under a new guard, side by side."""
    await _clear(folder, say)
    kept = state.load(folder).only_ports()
    state.save(folder, kept)  # how servers ended in an earlier run says nothing about this one
    pipe = GuardPipe(folder)
    starts = [
        asyncio.create_task(run(server, pipe, kept.ports_of(server.name), say))
        for server in (Postgres(folder), Kafka(folder, say))
    ]
    try:
        await asyncio.gather(*starts)
        await _settle(folder, pipe, detached)
    except BaseException:
        for one in starts:
            one.cancel()
        pipe.close()
        await _clear(folder)
        raise
    return _stack(folder, state.load(folder), adopted=False), pipe


async def _take_over(folder: Path, say: Say, detached: bool) -> tuple[LocalStack, GuardPipe | None] | None:
    """Servers that live and answer are taken over: under their guard if it was detached, or under a new one.

    The guard of a parent that is gone is about to stop them, or should be: it is not taken over.
    """
    known = state.load(folder)
    guarded = guard.is_there(folder)
    if not _all_live(known) or (guarded and not known.detached):
        return None
    postgres, kafka = Postgres(folder), Kafka(folder, say)
    both = (postgres, known.ports_of(postgres.name)), (kafka, known.ports_of(kafka.name))
    if not all(await asyncio.gather(*(server.answers(its_ports) for server, its_ports in both))):
        return None
    say("taking over the servers that run already (接管已在运行的服务)")
    if guarded:
        return _stack(folder, known, adopted=True), None
    pipe = GuardPipe(folder)
    try:
        for server, its_ports in both:
            process = known.services[server.name].process
            assert process is not None  # _all_live
            pipe.adopt(process, await asyncio.to_thread(server.child, its_ports))
        await _settle(folder, pipe, detached)
    except BaseException:
        pipe.close()
        await _clear(folder)
        raise
    return _stack(folder, state.load(folder), adopted=True), pipe


async def _settle(folder: Path, pipe: GuardPipe, detached: bool) -> None:
    """Tell the guard that the start is over, and let go of it if the servers are to outlive this process."""
    pipe.say_ready(detached=detached)
    if not await _until(lambda: (known := pipe.known()).ready and known.detached == detached, _GUARD_HEARS_SECONDS):
        raise pipe.problem("does not answer")
    if detached:
        pipe.close()


async def _clear(folder: Path, say: Say | None = None) -> None:
    """Return when nothing of an earlier stack is left in this folder: first by its guard, then by our own hands."""
    guard_of_it = state.load(folder).guard
    if guard.is_there(folder):
        if say is not None:
            say("the run before is still stopping: waiting for it (上次运行正在停止,请稍候)")
        if guard_of_it is not None:
            processes.signal(guard_of_it, signal.SIGTERM)
        await _until(lambda: not guard.is_there(folder), _GUARD_STOPS_SECONDS)
        if guard_of_it is not None:
            processes.signal(guard_of_it, signal.SIGKILL)
    await asyncio.to_thread(_end_left_over, folder)


async def _until(true: Callable[[], bool], limit: float) -> bool:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if true():
            return True
        await asyncio.sleep(0.05)
    return False


def _end_left_over(folder: Path) -> None:
    known = state.load(folder)
    for server in _SERVERS:
        left = set(processes.working_in(folder / server.name, server.process_names))
        service = known.services.get(server.name)
        if service is not None and service.process is not None and processes.lives(service.process):
            left.add(service.process)
        if left:
            children.end(list(left), server.farewell)


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
        holder=holding.holder(folder),
    )


def _usable(folder: Path) -> Path:
    """The folder, made if need be, with room in it and ours to write."""
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".trial-") as trial:  # two may try at once
        trial.write(b"-")
    room = shutil.disk_usage(folder).free
    if room < _ROOM_NEEDED:
        raise StackError(
            f"The disk of the data folder {folder} is nearly full.",
            why=f"{room // 2**20} MB are free; an empty stack needs {_ROOM_NEEDED // 2**20} MB.",
            remedy="Make room, or name a folder on another disk.",
            chinese=f"数据目录 {folder} 所在磁盘空间不足:请清理磁盘或指定其他目录。",
        )
    return folder


def _unusable(folder: Path, cause: OSError) -> StackError:
    return StackError(
        f"The data folder {folder} cannot be used.",
        why=str(cause),
        remedy="Name a folder that you may write to, on a disk with room.",
        chinese=f"无法使用数据目录 {folder}:请指定一个可写且空间充足的目录。",
    )
