"""Facts about the machine of a run. Figures have no meaning without them."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

_PACKAGES = ("aiokafka", "asyncpg", "eventsourcing", "fastapi", "pydantic", "sqlalchemy", "uvloop")
_ROOT = Path(__file__).resolve().parent.parent


async def facts(dsn: str, kafka: str, loop: str) -> dict[str, Any]:
    """Cores, memory, processor, load, versions, commit, and whether files differ from the commit."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "processor": _processor(),
        "load_before": load(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "event_loop": loop,
        "postgresql": await _postgresql(dsn),
        "kafka": kafka,
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": _git("rev-parse", "--short", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "sources": sources(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


async def _postgresql(dsn: str) -> dict[str, str]:
    connection = await asyncpg.connect(dsn)
    try:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size")
        return {name: await connection.fetchval("SELECT current_setting($1)", name) for name in names}
    finally:
        await connection.close()


def load() -> list[float]:
    """Load averages of 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def sources() -> str:
    """A digest of the source files. If it differs after a run, the figures are not those of one version."""
    digest = hashlib.sha256()
    for folder in ("benchmarks", "liandong", "services", "shared"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
