"""`liandong doctor`: each kind of problem is caused, and must be reported."""

import ast
import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from liandong import doctor
from liandong.doctor import machine, store
from liandong.doctor.examination import Scope, examine
from liandong.doctor.finding import Finding, found, merged
from liandong.stack.ports import choose
from services.catalogue.files.shipped import shipped
from shared.runtime.settings import Settings
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.listings import an_entry, published, revoked
from tests.node.sandbox import sandbox
from tests.stacks import Addresses
from tests.subjects import company

LAWBOOK = shipped().changes()
HERE = Path(doctor.__file__).parent


async def codes(settings: Settings, *services: str, timeout: float = 0) -> dict[str, Finding]:
    """The findings, by code."""
    return {one.code: one for one in await examine(Scope(settings, services), timeout)}


@asynccontextmanager
async def at_work(start: StartWorld, *services: str) -> AsyncGenerator[World]:
    """Started services, when the doctor has no findings about them."""
    async with start(*services) as w:

        async def healthy() -> bool:
            return not await codes(w.settings, *services)

        await eventually(healthy, what="services without findings")
        yield w


async def change(w: World, service: str, statement: str) -> None:
    async with w.services[service].core.engine.begin() as connection:
        await connection.execute(text(statement))


async def test_healthy_services_have_no_findings(start: StartWorld) -> None:
    async with at_work(start, "catalogue", "registry") as w:
        assert await codes(w.settings, "catalogue", "registry") == {}


async def test_a_service_that_does_not_run_is_reported(start: StartWorld) -> None:
    async with at_work(start, "catalogue", "registry") as w:
        await w.services["registry"].stop()
        assert set(await codes(w.settings, "catalogue", "registry")) == {"not_running"}


async def test_a_database_is_unreachable_missing_behind_or_newer(start: StartWorld) -> None:
    async with at_work(start, "catalogue") as w:
        elsewhere = f"postgresql+asyncpg://postgres@127.0.0.1:{choose()}/postgres"
        assert "database_unreachable" in await codes(
            w.settings.model_copy(update={"database_url": elsewhere}), "catalogue"
        )
        assert "database_missing" in await codes(w.settings, "feedback")
        await change(w, "catalogue", "UPDATE alembic_version SET version_num = '0001'")
        assert (await codes(w.settings, "catalogue"))["migrations_behind"].report()["facts"]["at"] == "0001"
        await change(w, "catalogue", "UPDATE alembic_version SET version_num = '9999'")
        newer = (await codes(w.settings, "catalogue"))["database_newer"]
        assert not newer.wrong, "an upgrade may be under way"


async def test_kafka_is_unreachable_a_topic_is_missing_or_has_other_partitions(start: StartWorld) -> None:
    async with at_work(start, "catalogue", "registry") as w:
        nowhere = w.settings.model_copy(update={"kafka": f"127.0.0.1:{choose()}"})
        assert set(await codes(nowhere, "registry")) == {"broker_unreachable"}
        assert "topic_missing" in await codes(w.settings.model_copy(update={"topic_prefix": "none_"}), "catalogue")
        changed = (await codes(w.settings.model_copy(update={"partitions": 5}), "registry"))["partition_count_changed"]
        assert dict(changed.facts)["found"] == w.settings.partitions


async def test_an_absent_or_stuck_consumer_is_reported(start: StartWorld) -> None:
    async with at_work(start, "registry") as w:
        consumer = w.services["registry"].consumer
        assert consumer is not None
        await consumer.stop()
        await w.publish_lawbook(*LAWBOOK, wait=False)
        found = await codes(w.settings, "registry", timeout=2)
        assert set(found) == {"consumer_absent", "consumer_stuck"}
        assert dict(found["consumer_stuck"].facts) == {
            "topic": "liandong.lawbook",
            "partition": 0,
            "lag": len(LAWBOOK),
            "seconds": 2,
        }


async def test_a_consumer_that_makes_progress_is_not_reported(start: StartWorld) -> None:
    async with at_work(start, "registry") as w:
        consumer = w.services["registry"].consumer
        assert consumer is not None
        await consumer.stop()
        await w.publish_lawbook(*LAWBOOK, wait=False)
        watching = asyncio.create_task(codes(w.settings, "registry", timeout=60))
        await asyncio.sleep(1)
        await w.restart("registry")
        assert "consumer_stuck" not in await watching


async def test_parked_events_stopped_partitions_and_a_shorter_log_are_reported(start: StartWorld) -> None:
    async with at_work(start, "registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(revoked(entry), published(entry))  # in the wrong order

        async def parked() -> list[Finding]:
            found = await codes(w.settings, "registry", timeout=20)
            finding = found.get("events_parked")
            return (
                [finding] if finding and dict(finding.facts)["events"] == 2 else []
            )  # the second one is parked a moment later

        [finding] = await eventually(parked)
        assert dict(finding.facts) == {"events": 2, "keys": 1}
        assert entry.subject.key not in str(finding.report())
        await w.services["registry"].stop()
        await change(w, "registry", "UPDATE offsets SET stopped_because = 'lost' WHERE topic = 'liandong.lawbook'")
        await change(w, "registry", "UPDATE offsets SET next_offset = 7000 WHERE topic = 'liandong.list'")
        assert {"partition_stopped", "log_shorter"} <= set(await codes(w.settings, "registry"))


async def test_failed_timers_are_reported(start: StartWorld) -> None:
    async with at_work(start, "repair") as w:
        await change(w, "repair", "INSERT INTO timers VALUES ('t1', now() - interval '1 day', '{}', 'no such thing')")
        assert dict((await codes(w.settings, "repair"))["timers_failed"].facts) == {"timers": 1}


async def test_unpublished_events_and_overdue_timers_are_reported_while_another_instance_leads(
    start: StartWorld,
) -> None:
    """The lock is held as by an instance that hangs: the service counts as running and makes no progress."""
    async with at_work(start, "repair") as w:
        await w.services["repair"].stop()
        async with w.services["repair"].core.engine.connect() as hanging:
            await hanging.execute(text("SELECT pg_advisory_lock(hashtext('liandong relay'))"))
            await change(w, "repair", "INSERT INTO timers VALUES ('t1', now() - interval '1 day', '{}', NULL)")
            await change(w, "repair", "INSERT INTO outbox VALUES (1, 'liandong.list', 0, 'k')")
            found = await codes(w.settings, "repair", timeout=1)
        assert {"relay_stuck", "timers_overdue"} <= set(found)


async def test_a_missing_key_or_password_is_reported(start: StartWorld, tmp_path: Path) -> None:
    async with at_work(start, "catalogue") as w:
        lost = {"identity_file": tmp_path / "none.json", "jwks_file": tmp_path / "none.jwks"}
        assert set(await codes(w.settings.model_copy(update=lost), "catalogue")) == {
            "key_missing",
            "token_keys_missing",
        }
        no_password = w.settings.model_copy(update={"database_password_file": tmp_path / "none"})
        assert "key_missing" in await codes(no_password, "catalogue")


async def test_clocks_that_differ_and_a_full_disk_are_reported(
    start: StartWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with at_work(start, "catalogue") as w:
        monkeypatch.setattr(store, "CLOCKS_MAY_DIFFER_SECONDS", -1)
        monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 2**62)
        findings = await examine(Scope(w.settings, ("catalogue",), (tmp_path,)), 0)
        assert {"clock_off", "disk_nearly_full"} == {one.code for one in findings}


async def test_the_command_reports_in_both_languages_and_exits_with_one(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        ended = await here.run("doctor", "registry", "--folder", str(tmp_path), "--patience", "0")
        assert ended.status == 1
        assert "不存在" in ended.out
        assert "does not exist" in ended.out
        assert "liandong migrate" in ended.out
        ended = await here.run("doctor", "registry", "--folder", str(tmp_path), "--json")
        findings: list[dict[str, Any]] = json.loads(ended.out)
        assert {"database_missing", "topic_missing", "key_missing"} <= {one["code"] for one in findings}


async def test_a_setting_that_cannot_be_read_is_reported(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        ended = await here.run(
            "doctor", LIANDONG_DATABASE_URL="postgresql+asyncpg://127.0.0.1:1/postgres", LIANDONG_PARTITIONS="many"
        )
        assert ended.status == 1
        assert "LIANDONG_PARTITIONS" in ended.out


def test_a_fault_of_several_services_with_one_cause_is_reported_once() -> None:
    away = {"server": "db:5432", "words": "refused"}
    findings = [found("clock_moved", "repair", days=3)]
    findings += [found("database_unreachable", name, **away) for name in ("catalogue", "registry")]
    first, second = merged(findings)
    assert (first.about, first.code, second.code) == ("catalogue, registry", "database_unreachable", "clock_moved")


def test_every_finding_has_texts_and_all_texts_are_used() -> None:
    words = yaml.safe_load((HERE / "findings.yaml").read_text(encoding="utf-8"))
    constants = {
        node.value
        for file in HERE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(words) <= constants
    calls = {
        node.args[0].value
        for file in HERE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "found"
        and isinstance(node.args[0], ast.Constant)
    }
    assert calls <= set(words)
