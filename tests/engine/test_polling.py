"""Polling workers: one poll after another, a wait when there is no work, until they are stopped."""

import asyncio
from collections.abc import Callable

import pytest

from shared.polling import PollingWorker

LONG = 3600.0


class Sample(PollingWorker):
    """Runs the given actions in its first polls; after that it finds no work."""

    def __init__(
        self,
        *actions: Callable[[], bool],
        idle_seconds: float = LONG,
        first_delay: float = 0.0,
        workers: int = 1,
    ) -> None:
        super().__init__("sample", idle_seconds=idle_seconds, first_delay=first_delay, workers=workers)
        self._actions = list(actions)
        self.polls = 0

    async def poll(self) -> bool:
        self.polls += 1
        return self._actions.pop(0)() if self._actions else False


def fail() -> bool:
    raise ConnectionResetError("the server hung up")


async def polled(worker: Sample, times: int) -> None:
    async with asyncio.timeout(10):
        while worker.polls < times:
            await asyncio.sleep(0.001)


async def test_while_there_is_work_polls_follow_at_once_and_then_the_worker_waits() -> None:
    worker = Sample(lambda: True, lambda: True)
    worker.start()
    await polled(worker, 3)
    await asyncio.sleep(0.05)
    await worker.stop()
    assert worker.polls == 3


async def test_after_the_idle_time_it_polls_again_until_it_is_stopped() -> None:
    worker = Sample(idle_seconds=0.001)
    worker.start()
    await polled(worker, 5)
    await worker.stop()
    done = worker.polls
    await asyncio.sleep(0.02)
    assert worker.polls == done


async def test_a_poll_that_fails_is_logged_and_repeated_after_the_idle_time(caplog: pytest.LogCaptureFixture) -> None:
    worker = Sample(fail, idle_seconds=0.001)
    worker.start()
    await polled(worker, 2)
    await worker.stop()
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "WARNING",
        "sample: a poll failed and is repeated: ConnectionResetError",
    )
    assert record.exc_info is not None


async def test_the_first_poll_can_be_delayed() -> None:
    worker = Sample(first_delay=LONG)
    worker.start()
    await asyncio.sleep(0.02)
    await worker.stop()
    assert worker.polls == 0


async def test_several_workers_poll_concurrently_and_all_are_stopped() -> None:
    stopped = 0

    class Slow(Sample):
        async def poll(self) -> bool:
            nonlocal stopped
            self.polls += 1
            try:
                await asyncio.sleep(LONG)
            finally:
                stopped += 1
            return False

    worker = Slow(workers=3)
    worker.start()
    await polled(worker, 3)
    await worker.stop()
    assert (worker.polls, stopped) == (3, 3)


async def test_a_worker_that_was_never_started_can_be_stopped() -> None:
    await Sample().stop()
