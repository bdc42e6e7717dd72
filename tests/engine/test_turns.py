"""The loop of every job: a turn after the other, a rest when there is nothing to do, until it is stopped."""

import asyncio
from collections.abc import Callable

import pytest

from shared.turns import Turns

LONG = 3600.0


class Sample(Turns):
    """Does what it is told in its first turns; after that there is nothing to do."""

    def __init__(
        self, *deeds: Callable[[], bool], rest: float = LONG, first_rest: float = 0.0, workers: int = 1
    ) -> None:
        super().__init__("sample", rest=rest, first_rest=first_rest, workers=workers)
        self._deeds = list(deeds)
        self.taken = 0

    async def turn(self) -> bool:
        self.taken += 1
        return self._deeds.pop(0)() if self._deeds else False


def fail() -> bool:
    raise ConnectionResetError("the server hung up")


async def taken(job: Sample, turns: int) -> None:
    async with asyncio.timeout(10):
        while job.taken < turns:
            await asyncio.sleep(0.001)


async def test_while_there_is_something_to_do_turns_follow_at_once_and_then_it_rests() -> None:
    job = Sample(lambda: True, lambda: True)
    job.start()
    await taken(job, 3)
    await asyncio.sleep(0.05)
    await job.stop()
    assert job.taken == 3


async def test_after_a_rest_it_looks_again_until_it_is_stopped() -> None:
    job = Sample(rest=0.001)
    job.start()
    await taken(job, 5)
    await job.stop()
    done = job.taken
    await asyncio.sleep(0.02)
    assert job.taken == done


async def test_a_turn_that_fails_is_told_and_taken_again_after_a_rest(caplog: pytest.LogCaptureFixture) -> None:
    job = Sample(fail, rest=0.001)
    job.start()
    await taken(job, 2)
    await job.stop()
    [told] = caplog.records
    assert (told.levelname, told.getMessage()) == (
        "WARNING",
        "sample: a turn failed, it is taken again: ConnectionResetError",
    )
    assert told.exc_info is not None


async def test_it_can_be_made_to_wait_before_the_first_turn() -> None:
    job = Sample(first_rest=LONG)
    job.start()
    await asyncio.sleep(0.02)
    await job.stop()
    assert job.taken == 0


async def test_several_workers_take_turns_side_by_side_and_all_are_stopped() -> None:
    stopped = 0

    class Slow(Sample):
        async def turn(self) -> bool:
            nonlocal stopped
            self.taken += 1
            try:
                await asyncio.sleep(LONG)
            finally:
                stopped += 1
            return False

    job = Slow(workers=3)
    job.start()
    await taken(job, 3)
    await job.stop()
    assert (job.taken, stopped) == (3, 3)


async def test_what_was_never_started_can_be_stopped() -> None:
    await Sample().stop()
