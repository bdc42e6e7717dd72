"""An upgrade while the previous version runs: expand, replace, contract; no request fails permanently.

The next versions are copies of this program, each with one additional migration.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import prepare
from liandong.stack.ports import choose
from shared.database.migration import SERVICES
from shared.trust import OfficerRole
from tests.harness import eventually
from tests.node.sandbox import Sandbox, sandbox
from tests.stacks import Addresses

SERVICE = "repair"
PROGRAM = SERVICES.parent
EXPAND = 'op.add_column("entries", sa.Column("remark", sa.Text(), nullable=False, server_default=""))'
CONTRACT = 'op.drop_column("entries", "remark")'


def version(folder: Path, *steps: str) -> Path:
    """A copy of the program whose service has these additional migrations."""
    for part in ("liandong", "services", "shared"):
        shutil.copytree(PROGRAM / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    versions = folder / "services" / SERVICE / "migrations" / "versions"
    before = max(file.stem[:4] for file in versions.glob("[0-9]*.py"))
    for number, step in enumerate(steps, 901):
        migration = f'''import sqlalchemy as sa
from alembic import op

revision = "0{number}"
down_revision = "{before}"


def upgrade() -> None:
    {step}
'''
        (versions / f"0{number}_step.py").write_text(migration, encoding="utf-8")
        before = f"0{number}"
    return folder


@dataclass
class Callers:
    """Callers that write without pause, and use the next instance when one stops."""

    token: str
    instances: list[str] = field(default_factory=list[str])
    answered: int = 0
    failed: list[str] = field(default_factory=list[str])

    async def write(self, key: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        for address in list(self.instances):
            try:
                async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as http:
                    answer = await http.post("/v1/operations/timers/retry", json={}, headers=headers)
            except httpx.TransportError:
                continue
            if answer.is_success:
                self.answered += 1
                return
            self.failed.append(answer.text)
        self.failed.append(f"no instance answered {key}")

    async def run(self) -> None:
        number = 0
        while True:
            await self.write(f"write-{number}")
            number += 1

    async def wait_for_more(self) -> None:
        """Return when five more writes were answered since the call."""
        wanted = self.answered + 5
        await eventually(lambda: self.answered >= wanted, what="answers")


@asynccontextmanager
async def instance(here: Sandbox, program: Path, callers: Callers) -> AsyncGenerator[asyncio.subprocess.Process]:
    """One instance of a version, used by these callers as long as the block."""
    port, apart = choose(), Sandbox(here.addresses, here.prefix, program / "output")
    apart.folder.mkdir()
    address = f"http://127.0.0.1:{port}"
    process = await apart.begin("serve", SERVICE, "--port", str(port), **environment(here, program))
    try:
        await eventually(lambda: _ready(address), seconds=60)
        callers.instances.append(address)
        yield process
    finally:
        process.terminate()
        ended = await apart.ended(process)
        callers.instances.remove(address)
        assert (ended.status, "did not finish" in ended.err) == (0, False), ended.err


def environment(here: Sandbox, program: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(program), **here.secrets()}


async def _ready(address: str) -> bool:
    try:
        async with httpx.AsyncClient(base_url=address, timeout=5, trust_env=False) as http:
            return (await http.get("/readyz")).is_success
    except httpx.TransportError:
        return False


async def revision(here: Sandbox) -> str:
    return (await here.rows(SERVICE, "SELECT version_num FROM alembic_version"))[0][0]


@pytest.mark.timeout(400)
async def test_a_version_is_replaced_by_the_next_and_its_column_is_then_dropped(
    stack: Addresses, tmp_path: Path
) -> None:
    async with sandbox(stack, tmp_path) as here:
        await prepare(here.settings(), [SERVICE])
        now = await asyncio.to_thread(version, tmp_path / "now")
        following = await asyncio.to_thread(version, tmp_path / "next", EXPAND)
        last = await asyncio.to_thread(version, tmp_path / "last", EXPAND, CONTRACT)
        callers = Callers(here.home.issuer().issue(None, [OfficerRole.OPERATOR], "operator"))
        async with AsyncExitStack() as new_one:
            async with instance(here, now, callers):
                writing = asyncio.create_task(callers.run())
                await callers.wait_for_more()

                # Expand: the database is newer than the running program, which continues, and could be restarted.
                assert (await here.run("migrate", SERVICE, **environment(here, following))).status == 0
                assert await revision(here) == "0901"
                await callers.wait_for_more()
                async with instance(here, await asyncio.to_thread(version, tmp_path / "again"), callers):
                    await callers.wait_for_more()

                # Replace: the next version runs at the same time, then alone.
                await new_one.enter_async_context(instance(here, following, callers))
            await callers.wait_for_more()

            # Contract: what is no longer used is removed, while the version that does not use it runs.
            assert (await here.run("migrate", SERVICE, **environment(here, last))).status == 0
            assert await revision(here) == "0902"
            await callers.wait_for_more()
            writing.cancel()
            await asyncio.wait([writing])
    assert callers.failed == []


async def test_a_blocked_migration_does_not_block_others_and_is_retried(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        await prepare(here.settings(), [SERVICE])
        following = await asyncio.to_thread(version, tmp_path / "next", EXPAND)
        engine = create_async_engine(here.database(SERVICE))
        async with engine.connect() as long_reader:
            await long_reader.execute(text("SELECT count(*) FROM entries"))  # its transaction stays open
            apart = Sandbox(here.addresses, here.prefix, following)
            process = await apart.begin("migrate", SERVICE, **environment(here, following))

            async def blocked() -> bool:
                waits = (
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'ALTER%'"
                )
                return await here.count(SERVICE, f"{waits} AND wait_event_type = 'Lock'") > 0

            await eventually(blocked)
            assert await here.count(SERVICE, "SELECT count(*) + 1 FROM entries") == 1, "other statements run in between"
            assert process.returncode is None
        await engine.dispose()
        assert (await apart.ended(process)).status == 0
        assert await revision(here) == "0901"
