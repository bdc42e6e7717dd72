"""Backup, restore and repartitioning of a whole system that is in use, with the commands of operators."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from liandong.node import SERVICES
from liandong.soak.load import Load
from tests.harness import drop_database, eventually
from tests.node.operated import OperatedNode
from tests.node.sandbox import sandbox
from tests.stacks import Addresses

pytestmark = [pytest.mark.fault, pytest.mark.timeout(500)]


@pytest.fixture
async def node(stack: Addresses, tmp_path: Path) -> AsyncGenerator[OperatedNode]:
    async with sandbox(stack, tmp_path) as here:
        yield OperatedNode(here)


async def test_a_backup_taken_at_work_restores_the_whole_system_after_every_database_was_lost(
    node: OperatedNode, tmp_path: Path
) -> None:
    target = tmp_path / "backup"

    async def in_the_middle(_: Load) -> None:
        await eventually(lambda: node.here.count("executor", "SELECT count(*) FROM tasks"), what="tasks")
        taken = await node.run("backup", str(target))
        assert taken.status == 0, taken.err

    await node.run_load(in_the_middle)
    entries = await node.entries()
    for name in SERVICES:
        await drop_database(node.here.addresses.database_url, f"{node.here.prefix}{name}")
    restored = await node.run("restore", "--from", str(target))
    assert restored.status == 0, restored.err
    kept = await node.entries()
    assert 0 < kept <= entries, "what was published after the backup is lost with the databases"
    await node.run_load()
    assert await node.entries() > kept


async def test_topics_get_more_partitions_and_every_subject_keeps_its_order(node: OperatedNode) -> None:
    await node.run_load()
    node.more = {"LIANDONG_PARTITIONS": "7"}
    doctor = await node.run("doctor", "--json", "--patience", "0")
    assert "partition_count_changed" in {one["code"] for one in json.loads(doctor.out)}
    grown = await node.run("repartition")
    assert grown.status == 0, grown.err
    await node.run_load()
    partitions = await node.here.count("registry", "SELECT count(DISTINCT partition) FROM published")
    assert partitions == 7
    fewer = await node.run("repartition", LIANDONG_PARTITIONS="3")
    assert "never fewer" in fewer.err
