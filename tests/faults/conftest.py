"""A running system under load: one private stack and one process per service, shared by all fault tests."""

import random
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from liandong.soak import idle, verdict
from liandong.soak.load import Load, load_of
from liandong.soak.system import System, system
from shared.messaging.invariants import at_rest
from tests.engine.conftest import databases, log, sample

__all__ = ["databases", "log", "sample"]

SEED = 20260105


@pytest.fixture(scope="package")
async def victim() -> AsyncGenerator[System]:
    """The system that faults are injected into. No other test uses this stack.

    It is stopped after the last test of this package, so that it takes no processor time from the tests that follow.
    """
    # Not a folder of pytest's, for the reason given in tests/conftest.py.
    with tempfile.TemporaryDirectory(prefix="liandong-faults-", ignore_cleanup_errors=True) as folder:
        async with system(Path(folder), print) as made:
            yield made


@pytest.fixture(scope="package")
async def load(victim: System) -> Load:
    return await load_of(victim.client)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)


class UnderLoad(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[Load]: ...


@pytest.fixture
def under_load(victim: System, load: Load) -> UnderLoad:
    """`async with under_load():` lists are imported and departments answer as long as the block.

    After the block the system is idle, and all invariants within and between the services hold.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[Load]:
        before = load.published
        async with idle.under_load(load, victim.engines):
            yield load
        assert load.published > before
        assert await at_rest(victim.engines) == []
        assert await verdict.between(victim.engines, load.published) == []
        assert await verdict.log(victim.engines, victim.settings) == []

    return begin
