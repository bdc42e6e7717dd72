"""A service that gets SIGTERM: it leaves its consumer group at once, finishes its current work, and logs that."""

import json
from pathlib import Path

import httpx

from liandong.doctor import log
from liandong.doctor.examination import Scope
from liandong.node import prepare
from liandong.stack.ports import choose
from tests.harness import eventually
from tests.node.sandbox import Sandbox, sandbox
from tests.stacks import Addresses

SERVICE = "registry"


async def members(here: Sandbox) -> int | None:
    """Number of members of the service's consumer group."""
    scope = Scope(here.settings(), (SERVICE,))
    _, known = await log.examine(scope.settings, scope.services, SERVICE)
    return known.members.get(SERVICE) if known else None


async def test_a_stopped_service_leaves_its_group_at_once_and_exits_with_zero(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        await prepare(here.settings(), [SERVICE])
        port = choose()
        process = await here.begin("serve", SERVICE, "--port", str(port), **here.secrets())

        async def joined() -> bool:
            return await members(here) == 1

        await eventually(joined, seconds=60)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            assert (await http.get("/metrics")).is_success
        process.terminate()
        ended = await here.ended(process)
        assert ended.status == 0
        assert await members(here) == 0, "the group need not wait for a session timeout"
        lines = [json.loads(line) for line in ended.err.splitlines()]
        assert [line["message"] for line in lines if line["logger"] == "shared.service"] == ["started", "stopped"]
        assert {line["service"] for line in lines} <= {SERVICE, "liandong"}
