"""The stack that tests run on: one for the whole run, embedded unless the environment names another (README)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest

from tests.harness import World, world
from tests.stacks import Addresses, provided


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Addresses]:
    """Real PostgreSQL and real Kafka."""
    async with provided(tmp_path_factory.mktemp("stack")) as addresses:
        yield addresses


class StartWorld(Protocol):
    def __call__(self, *services: str, **settings: Any) -> AbstractAsyncContextManager[World]: ...


@pytest.fixture
def start(stack: Addresses) -> StartWorld:
    """`async with start("registry", "executor") as w:`"""

    def begin(*services: str, **settings: Any) -> AbstractAsyncContextManager[World]:
        return world(stack, *services, **settings)

    return begin
