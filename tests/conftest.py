"""The servers that tests use, one stack per worker for the whole run (see tests/stacks.py), and the order of the test files."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.harness import World, world
from tests.stacks import Addresses, provided

SLOW_FILES = (
    "tests/faults/test_faults.py",  # 119 s
    "tests/faults/test_backup.py",  # 82 s
    "tests/stack/test_local_stack.py",  # 76 s
    "tests/faults/test_restore.py",  # 46 s; uses the same system as test_faults.py, so it comes soon after it
    "tests/node/test_demo.py",  # 73 s
    "tests/services/test_imports.py",  # 45 s
    "tests/node/test_upgrade.py",  # 41 s
    "tests/services/test_rebuild.py",  # 40 s
    "tests/node/test_backup.py",  # 35 s
    "tests/faults/test_verdict.py",  # 32 s
    "tests/benchmarks/test_benches.py",  # 26 s
    "tests/services/test_rehearsal.py",  # 25 s
    "tests/node/test_starting.py",  # 22 s
    "tests/node/test_token.py",  # 15 s
    "tests/node/test_quickstart.py",  # 11 s
    "tests/node/test_doctor.py",  # 11 s
)
"""Files of 10 s and more, measured with two workers on two cores. They run first, so that only short files are left at the end
and no worker is idle (`make test` passes `--no-loadscope-reorder`, which makes xdist keep this order)."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow files first; all other files, and the tests of each file, keep their order."""
    order = {config.rootpath / file: place for place, file in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Addresses]:
    """Real PostgreSQL and real Kafka.

    The folder is not one of pytest's: another pytest run changes the permissions of those at its start, and then PostgreSQL,
    which runs as another user when the tests run as root, could not reach its data any more.
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
