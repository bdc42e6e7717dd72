"""The whole examination, of all services of a node or of some that the environment describes."""

import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from liandong.doctor import log, machine, progress, store
from liandong.doctor.finding import Finding, found, together
from liandong.site import NothingRuns, settings_of
from shared.database import connect
from shared.runtime.settings import MissingSecret, Settings


@dataclass(frozen=True)
class Patient:
    """What is examined. `address` is that of a node; None where services are asked through their databases only."""

    settings: Settings
    services: Sequence[str]
    folders: tuple[Path, ...] = ()
    address: str | None = None


def patient(services: Sequence[str], folder: Path) -> Patient | Finding:
    """Described by the environment, or the node of this folder; a finding when there is neither."""
    try:
        settings = settings_of(folder)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        return found("settings_unreadable", "machine", words=f"LIANDONG_{name}: {first['msg']}")
    except NothingRuns:
        return found("node_not_running", "node", folder=folder)
    return Patient(settings, services, (folder,) if folder.exists() else (), _address(folder))


def _address(folder: Path) -> str | None:
    """Where the node of this folder says that it answers, if its process lives."""
    try:
        told = json.loads((folder / "node.json").read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return str(told["address"])


async def examine(who: Patient, patience: float) -> list[Finding]:
    """Everything that was found, wrong things first. `patience` is in seconds: how long a standstill is watched."""
    about = ", ".join(who.services) if len(who.services) < 3 else "all"
    findings = [
        *machine.disks(who.folders),
        *machine.secrets(who.settings, about),
        *machine.token_keys(who.settings, about),
    ]
    with suppress(MissingSecret):  # told already
        findings += await _at_work(who, about, patience)
    return together(findings)


async def _at_work(who: Patient, about: str, patience: float) -> list[Finding]:
    findings: list[Finding] = []
    works: dict[str, store.Work] = {}
    async with _engines(who) as engines:
        for name, engine in engines.items():
            wrong, work = await store.condition(engine, name)
            findings += wrong
            if work is not None:
                works[name] = work
        wrong, known = await log.condition(who.settings, who.services, about)
        findings += wrong
        for name, work in works.items():
            findings += progress.at_a_glance(who.settings, name, work, known)
        findings += await progress.standstill(engines, works, known, patience)
    return findings + await _readiness(who)


@asynccontextmanager
async def _engines(who: Patient) -> AsyncGenerator[dict[str, AsyncEngine]]:
    async with AsyncExitStack() as after:
        engines: dict[str, AsyncEngine] = {}
        for name in who.services:
            engines[name] = engine = connect(who.settings.database(name), pool_size=1)
            after.push_async_callback(engine.dispose)
        yield engines


async def _readiness(who: Patient) -> list[Finding]:
    if who.address is None:
        return []
    findings: list[Finding] = []
    async with httpx.AsyncClient(base_url=who.address, timeout=5, trust_env=False) as http:
        for name in who.services:
            url = f"{who.address}/{name}/readyz"
            try:
                answer = await http.get(url)
            except httpx.HTTPError as error:
                findings.append(found("not_ready", name, url=url, words=type(error).__name__))
            else:
                if answer.is_error:
                    findings.append(found("not_ready", name, url=url, words=answer.status_code))
    return findings
