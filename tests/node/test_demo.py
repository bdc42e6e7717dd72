"""`liandong demo`: the whole loop, from list files to a closed ledger; and its continuation after a kill -9."""

import os
import re
import signal
from pathlib import Path

import pytest

from liandong.demo.run import Phase, RunFile
from tests.harness import eventually
from tests.node.sandbox import Ended, Sandbox, sandbox
from tests.stacks import Addresses

GOOD, BAD = 240, 20


def output(ended: Ended) -> str:
    return f"status {ended.status}\n{ended.out[-5000:]}\n{ended.err[-5000:]}"


async def test_demo_closes_its_ledger(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        ended = await here.run("demo", "--once", "--subjects", "120", "--folder", str(tmp_path))

        assert ended.status == 0, output(ended)
        assert "The ledger is closed" in ended.out
        assert "20 rows quarantined" in ended.out
        assert await here.count("initiator", "SELECT count(*) FROM entries WHERE status = 'published'") == 120
        left = await here.count(
            "repair", "SELECT count(*) FROM entries WHERE status IN ('revoked', 'repaired', 'ended')"
        )
        closed = await here.count("feedback", "SELECT count(*) FROM entries WHERE state = 'closed'")
        assert left == closed > 0
        assert re.search(rf"all measures of the {left} entries that left their list are undone", ended.out)
        await here.run_until_idle()

        again = await here.run("demo", "--once", "--subjects", "40", "--folder", str(tmp_path))

        assert again.status == 0, output(again)
        assert await here.count("initiator", "SELECT count(*) FROM entries WHERE status = 'published'") == 160


@pytest.mark.timeout(600)
async def test_a_sigkill_of_the_node_in_the_middle_of_the_import_loses_and_repeats_nothing(
    stack: Addresses, tmp_path: Path
) -> None:
    async with sandbox(stack, tmp_path) as here:
        arguments = ("demo", "--once", "--subjects", str(GOOD), "--folder", str(tmp_path))
        process = await here.begin(*arguments, LIANDONG_IMPORT_BATCH_ROWS="1")
        try:
            await eventually(lambda: _some_are_published(here), seconds=240)
        finally:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        before = await _published(here)
        run = RunFile(tmp_path).read()
        assert 0 < before < GOOD, "the process was not killed in the middle of the import"
        assert run is not None and run.phase is Phase.LISTING

        ended = await here.run(*arguments)

        assert ended.status == 0, output(ended)
        assert "continuing run 1" in ended.err
        await here.run_until_idle()
        await _nothing_is_lost_or_doubled(here)


async def _published(here: Sandbox) -> int:
    return await here.count("initiator", "SELECT count(*) FROM events WHERE type = 'list.entry.published.v1'")


async def _some_are_published(here: Sandbox) -> bool:
    return await _published(here) > GOOD // 10


async def _nothing_is_lost_or_doubled(here: Sandbox) -> None:
    """Each good row is one entry in every service, each bad row a reject; each line is directed once and is in all services."""
    assert await _published(here) == GOOD
    in_topic = await here.rows("initiator", "SELECT count(*), count(DISTINCT position) FROM published")
    assert in_topic == [(GOOD, GOOD)]
    assert await here.count("initiator", "SELECT count(*) FROM imports") == 3
    assert (
        await here.count("initiator", "SELECT count(*) FROM (SELECT DISTINCT import_id, line FROM import_rejects)")
        == BAD
    )
    for service in ("registry", "repair", "feedback"):
        assert await here.count(service, "SELECT count(*) FROM entries") == GOOD, service
    directed = [row.line_id for row in await here.rows("registry", _DIRECTED)]
    assert len(directed) == len(set(directed)) > GOOD
    tasks = {row.task_id for row in await here.rows("executor", "SELECT task_id FROM tasks")}
    lines = {row.line_id for row in await here.rows("feedback", "SELECT line_id FROM lines")}
    assert set(directed) == tasks == lines


_DIRECTED = """
    SELECT json_array_elements(data::json -> 'lines') ->> 'line_id' AS line_id
    FROM events WHERE type = 'response.directed.v1'
"""
