"""Reading a file apart: in a child process with limits of memory, processor time and waiting time.

A hostile file costs its budget and is refused with the reason. It never stops the event loop, it takes no memory of the
service, and it cannot end the service. The child gets no secrets: its environment holds the import path only. It is a new
interpreter, never a fork of this process. It is killed by its own process id when its reader leaves.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, cast

import orjson

from shared.files.budget import Budget
from shared.files.child import LENGTH
from shared.rejection import Fault, Rejected, reject

Chunks = Callable[[], AsyncIterator[bytes]]
"""Reads the file from its beginning."""

_ROUNDS = 3
"""How often a child may ask to be started again with another instruction."""


class ReadingStopped(Exception):
    """The child ended without an answer, and not because of its limits: it was killed from outside, or it crashed."""


@asynccontextmanager
async def frames_apart(
    module: str, instruction: dict[str, Any], chunks: Chunks, budget: Budget
) -> AsyncGenerator[AsyncIterator[Any]]:
    """The frames of `python -m module`, the first of them its summary.

    Raises Rejected for a file that cannot be read or that exceeds the budget (`file_takes_too_long`,
    `file_needs_too_much_memory`, `file_too_large`), and ReadingStopped.
    """
    async with aclosing(_frames(module, instruction, chunks, budget)) as frames:
        yield frames


async def _frames(module: str, instruction: dict[str, Any], chunks: Chunks, budget: Budget) -> AsyncGenerator[Any]:
    for _ in range(_ROUNDS):
        again: Any = None
        async with _child(module, instruction | {"budget": asdict(budget)}, chunks) as process:
            waited = 0.0
            while again is None:
                frame, seconds = await _next(process, budget, budget.wall_seconds - waited)
                waited += seconds
                if _said(frame, "end"):
                    return
                again = _said(frame, "again")
                if again is None:
                    yield frame
        instruction = instruction | again
    raise ReadingStopped(f"{module} asked to be started again too often")


async def _next(process: asyncio.subprocess.Process, budget: Budget, left: float) -> tuple[Any, float]:
    """The next frame, and the seconds for which it was awaited."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    frame: Any
    try:
        async with asyncio.timeout(max(left, 0.001)):
            frame = await _read(process)
    except TimeoutError:
        raise reject("file_takes_too_long", "file", seconds=int(budget.wall_seconds)) from None
    except asyncio.IncompleteReadError:
        raise await _why_it_ended(process, budget) from None
    faults: list[tuple[str, str | None, dict[str, object]]] | None = _said(frame, "faults")
    if faults:
        raise Rejected(*(Fault(code, field, facts) for code, field, facts in faults))
    return frame, loop.time() - begun


def _said(frame: Any, name: str) -> Any:
    return cast("dict[str, Any]", frame).get(name) if isinstance(frame, dict) else None


async def _read(process: asyncio.subprocess.Process) -> Any:
    out = cast("asyncio.StreamReader", process.stdout)
    head = await out.readexactly(LENGTH.size)
    return orjson.loads(await out.readexactly(LENGTH.unpack(head)[0]))


async def _why_it_ended(process: asyncio.subprocess.Process, budget: Budget) -> Exception:
    code = await process.wait()
    if code == -signal.SIGXCPU:
        return reject("file_takes_too_long", "file", seconds=budget.cpu_seconds)
    return ReadingStopped(f"the reading process ended with {code}")


@asynccontextmanager
async def _child(
    module: str, instruction: dict[str, Any], chunks: Chunks
) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, orjson.dumps(instruction).decode()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1", "TMPDIR": os.environ.get("TMPDIR", "/tmp")},  # noqa: S108
    )
    feeding = asyncio.create_task(_feed(process, chunks))
    try:
        yield process
    except ReadingStopped:
        if feeding.done():
            feeding.result()  # the file could not be handed over: that error is the reason
        raise
    finally:
        feeding.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.gather(feeding, process.wait(), return_exceptions=True)


async def _feed(process: asyncio.subprocess.Process, chunks: Chunks) -> None:
    """Hand the file over. A file that breaks off here must not be taken for a whole one, so its reader is killed."""
    stdin = cast("asyncio.StreamWriter", process.stdin)
    try:
        async for chunk in chunks():
            stdin.write(chunk)
            await stdin.drain()
        stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return  # the reader has answered already
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        raise
