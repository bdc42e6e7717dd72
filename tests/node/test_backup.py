"""Cases that `liandong backup`, `restore` and `repartition` refuse; tests/faults/test_backup.py tests what they do."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from liandong import backup
from tests.node.operated import OperatedNode
from tests.node.sandbox import sandbox
from tests.stacks import Addresses


@pytest.fixture
async def node(stack: Addresses, tmp_path: Path) -> AsyncGenerator[OperatedNode]:
    async with sandbox(stack, tmp_path) as here:
        yield OperatedNode(here)


async def test_a_backup_is_refused_that_is_incomplete_changed_or_of_other_secrets(
    node: OperatedNode, tmp_path: Path
) -> None:
    target = tmp_path / "backup"
    async with node.running("--empty"):
        assert (await node.run("backup", str(target))).status == 0
        again = await node.run("backup", str(target))
        assert "is not empty" in again.err
        while_it_runs = await node.run("restore", "--from", str(target))
        assert "stop every service first" in while_it_runs.err
    identity = node.here.folder / "identity.json"
    kept = identity.read_text(encoding="utf-8")
    identity.unlink()
    assert "identity secrets" in (await node.run("restore", "--from", str(target))).err
    identity.write_text(kept, encoding="utf-8")
    dump = target / "registry.dump"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-1])
    assert "registry.dump" in (await node.run("restore", "--from", str(target))).err
    dump.write_bytes(whole)
    (target / "manifest.json").unlink()
    assert "no complete backup" in (await node.run("restore", "--from", str(target))).err


def test_a_consumer_is_dumped_before_the_publishers_that_it_reads() -> None:
    assert backup.order() == ["feedback", "executor", "registry", "repair", "initiator", "catalogue"]


async def test_nothing_is_repartitioned_while_work_is_in_flight(node: OperatedNode) -> None:
    async with node.running("--empty"):
        assert "stop every service first" in (await node.run("repartition", LIANDONG_PARTITIONS="7")).err
    await node.here.rows("repair", "INSERT INTO outbox VALUES (1, 'liandong.list', 0, 'k') RETURNING position")
    refused = await node.run("repartition", LIANDONG_PARTITIONS="7")
    assert refused.status == 1
    assert "waits in the outbox" in refused.err
