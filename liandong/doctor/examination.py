"""The whole examination: of all services of a node, or of the services that the environment describes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.doctor import log, machine, progress, store
from liandong.doctor.finding import Finding, found, merged
from liandong.node_file import address_of_node
from liandong.target import NoSystemFound, settings_of
from shared.database import connect
from shared.runtime.settings import MissingSecret, Settings


@dataclass(frozen=True)
class Scope:
    """What is examined. `address` is the address of a node; None when only databases and Kafka are examined."""

    settings: Settings
    services: Sequence[str]
    folders: tuple[Path, ...] = ()
    address: str | None = None


def scope_of(services: Sequence[str], folder: Path) -> Scope | Finding:
    """The system that the environment describes, or the node of this folder; a finding when there is neither."""
    try:
        settings = settings_of(folder)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        return found("settings_unreadable", "machine", words=f"LIANDONG_{name}: {first['msg']}")
    except NoSystemFound:
        return found("node_not_running", "node", folder=folder)
    return Scope(settings, services, (folder,) if folder.exists() else (), address_of_node(folder))


async def examine(scope: Scope, timeout: float) -> list[Finding]:
    """All findings, problems first. `timeout`: seconds for which work without progress is watched."""
    about = ", ".join(scope.services) if len(scope.services) < 3 else "all"
    findings = [
        *machine.disks(scope.folders),
        *machine.secrets(scope.settings, about),
        *machine.token_keys(scope.settings, about),
    ]
    with suppress(MissingSecret):  # reported by machine.secrets
        findings += await _servers(scope, about, timeout)
    return merged(findings)


async def _servers(scope: Scope, about: str, timeout: float) -> list[Finding]:
    findings: list[Finding] = []
    snapshots: dict[str, store.Work] = {}
    async with _engines(scope) as engines:
        for name, engine in engines.items():
            problems, work = await store.examine(engine, name)
            findings += problems
            if work is not None:
                snapshots[name] = work
        problems, ends = await log.examine(scope.settings, scope.services, about)
        findings += problems
        for name, work in snapshots.items():
            findings += progress.state(scope.settings, name, work, ends)
        findings += await progress.standstill(engines, snapshots, ends, timeout)
    return findings + await _readiness(scope)


@asynccontextmanager
async def _engines(scope: Scope) -> AsyncGenerator[dict[str, AsyncEngine]]:
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in scope.services:
            engines[name] = engine = connect(scope.settings.database(name), pool_size=1)
            after.push_async_callback(engine.dispose)
        yield engines


async def _readiness(scope: Scope) -> list[Finding]:
    if scope.address is None:
        return []
    findings: list[Finding] = []
    async with httpx.AsyncClient(base_url=scope.address, timeout=5, trust_env=False) as http:
        for name in scope.services:
            url = f"{scope.address}/{name}/readyz"
            try:
                response = await http.get(url)
            except httpx.HTTPError as error:
                findings.append(found("not_ready", name, url=url, words=type(error).__name__))
            else:
                if response.is_error:
                    findings.append(found("not_ready", name, url=url, words=response.status_code))
    return findings
