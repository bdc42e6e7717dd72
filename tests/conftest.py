"""The stack that tests run on: one for the whole run, embedded unless the environment names another (README)."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.harness import World, world
from tests.stacks import Addresses, provided


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Addresses]:
    """Real PostgreSQL and real Kafka.

    Not in a folder of pytest's: another run that starts would take PostgreSQL's way into it (as root it runs as another user).
    """
    with tempfile.TemporaryDirectory(prefix="liandong-tests-", ignore_cleanup_errors=True) as folder:
        async with provided(Path(folder)) as addresses:
            yield addresses


class StartWorld(Protocol):
    def __call__(self, *services: str, **settings: Any) -> AbstractAsyncContextManager[World]: ...


@pytest.fixture
def start(stack: Addresses) -> StartWorld:
    """`async with start("registry", "executor") as w:`"""

    def begin(*services: str, **settings: Any) -> AbstractAsyncContextManager[World]:
        return world(stack, *services, **settings)

    return begin
