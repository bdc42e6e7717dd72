"""Timers: each fires once, when it is due by the service's clock, whichever instance fires it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.calendar.clock import MovableClock
from shared.eventstore import Session, Timer
from shared.eventstore.schema import TIMERS
from shared.messaging.invariants import at_rest
from shared.rejection import Rejected
from shared.timers.failed import discard_failed, list_failed, retry_failed
from shared.timers.worker import Timers
from tests.engine.conftest import MakeSample
from tests.engine.sample import LETTERS, Publish, Sample
from tests.harness import eventually


class Fixed(MovableClock):
    """A clock that moves only by its offset."""

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, 0, tzinfo=UTC) + self.offset


async def fire(session: Session, due: Sequence[Timer]) -> None:
    """A due timer publishes a letter under its own id; with the text "no" it fails."""
    for timer in due:
        if timer.payload.get("text") == "no":
            raise ValueError("this timer cannot fire")
        await session.do(LETTERS, timer.timer_id, Publish(timer.timer_id, str(timer.payload.get("text", ""))))


def timers(service: Sample) -> Timers:
    return Timers(service.name, service.store, service.clock, fire)


async def schedule(service: Sample, timer_id: str, minutes: float, **payload: object) -> None:
    session = service.session()
    session.schedule(timer_id, service.clock.now() + timedelta(minutes=minutes), **payload)
    async with service.engine.begin() as connection:
        await service.store.write(connection, [session.change()])


async def fired(service: Sample) -> list[str]:
    async with service.engine.connect() as connection:
        query = text("SELECT substr(stream, 9) FROM events WHERE stream LIKE 'letters-%' ORDER BY position")
        return list(await connection.scalars(query))


async def kept(service: Sample) -> dict[str, str | None]:
    """The stored timers, each with the reason of its failure, or None."""
    async with service.engine.connect() as connection:
        return {row.timer_id: row.failed_because for row in await connection.execute(TIMERS.select())}


async def test_a_timer_does_not_fire_before_it_is_due_by_the_clock(sample: MakeSample) -> None:
    service = await sample(clock=Fixed())
    await schedule(service, "t", 10)
    assert await timers(service).drain() == 0
    service.clock.offset = timedelta(minutes=10) - timedelta(seconds=1)
    assert await timers(service).drain() == 0
    service.clock.offset = timedelta(minutes=10)
    assert await timers(service).drain() == 1
    assert await fired(service) == ["t"]
    assert await timers(service).drain() == 0


async def test_timers_fire_in_the_order_in_which_they_are_due(sample: MakeSample) -> None:
    service = await sample(clock=Fixed())
    for timer_id, minutes in (("late", 3), ("early", 1), ("middle", 2)):
        await schedule(service, timer_id, minutes)
    service.clock.offset = timedelta(minutes=5)
    order: list[str] = []

    async def note(_: Session, due: Sequence[Timer]) -> None:
        order.extend(timer.timer_id for timer in due)

    await Timers(service.name, service.store, service.clock, note).drain()
    assert order == ["early", "middle", "late"]


async def test_two_instances_fire_each_timer_once(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    for n in range(50):
        await schedule(service, f"t{n:02}", -1)
    running = [timers(service), timers(other)]
    for worker in running:
        worker.start()
    await eventually(lambda: _nothing_left(service))
    await asyncio.gather(*(worker.stop() for worker in running))
    assert sorted(await fired(service)) == [f"t{n:02}" for n in range(50)]


async def _nothing_left(service: Sample) -> bool:
    return await kept(service) == {}


async def test_a_moved_timer_fires_at_the_new_time_only(sample: MakeSample) -> None:
    service = await sample(clock=Fixed())
    await schedule(service, "t", 10, text="first")
    await schedule(service, "t", 20, text="second")
    service.clock.offset = timedelta(minutes=15)
    assert await timers(service).drain() == 0
    service.clock.offset = timedelta(minutes=20)
    assert await timers(service).drain() == 1
    assert await fired(service) == ["t"]


async def test_a_timer_that_is_moved_while_it_fires_fires_again_at_the_new_time(sample: MakeSample) -> None:
    service = await sample(clock=Fixed())
    await schedule(service, "t", -1)

    async def fire_slowly(session: Session, due: Sequence[Timer]) -> None:
        moving = asyncio.create_task(schedule(service, "t", 30))
        await fire(session, due)
        await asyncio.sleep(0.05)
        assert not moving.done(), "it waits for the one that fires"
        movings.append(moving)

    movings: list[asyncio.Task[None]] = []
    await Timers(service.name, service.store, service.clock, fire_slowly).drain()
    await movings[0]
    assert await kept(service) == {"t": None}
    service.clock.offset = timedelta(minutes=30)
    assert await timers(service).drain() == 1


async def test_a_cancelled_timer_does_not_fire(sample: MakeSample) -> None:
    service = await sample()
    await schedule(service, "t", -1)
    session = service.session()
    session.cancel("t")
    async with service.engine.begin() as connection:
        await service.store.write(connection, [session.change()])
    assert await timers(service).drain() == 0


async def test_a_timer_that_fails_for_good_is_kept_with_its_reason_and_the_others_fire(sample: MakeSample) -> None:
    service = await sample()
    for n in range(10):
        await schedule(service, f"t{n}", -1, text="no" if n == 4 else "yes")
    assert await timers(service).drain() == 10
    assert await timers(service).drain() == 0
    assert await kept(service) == {"t4": "ValueError: this timer cannot fire"}
    assert await fired(service) == [f"t{n}" for n in range(10) if n != 4]
    assert "service: timer t4 failed" in await at_rest({"service": service.engine})


async def test_a_failed_timer_fires_when_it_is_retried_or_scheduled_anew(sample: MakeSample) -> None:
    service = await sample()
    for timer_id in ("retried", "moved"):
        await schedule(service, timer_id, -1, text="no")
    await timers(service).drain()
    async with service.engine.begin() as connection:
        await connection.execute(text("UPDATE timers SET payload = '{}' WHERE timer_id = 'retried'"))
    assert await retry_failed(service.store, service.clock.now(), by="operator") == 2
    await timers(service).drain()
    assert await fired(service) == ["retried"]
    await schedule(service, "moved", -1, text="yes")
    await timers(service).drain()
    assert await fired(service) == ["retried", "moved"]


async def test_a_timer_whose_command_is_refused_as_already_done_ends_without_a_fault(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("published", "by another command")
    for timer_id in ("published", "new"):
        await schedule(service, timer_id, -1, text="once")
    await Timers(service.name, service.store, service.clock, fire, done_codes={"already_published"}).drain()
    assert await kept(service) == {}
    assert await fired(service) == ["published", "new"], "the first letter was published before"


async def test_a_timer_whose_command_is_refused_for_another_reason_too_is_kept(sample: MakeSample) -> None:
    service = await sample()
    await service.publish("published", "by another command")
    await schedule(service, "published", -1, text="once")
    await Timers(service.name, service.store, service.clock, fire, done_codes={"something_else"}).drain()
    assert await kept(service) == {"published": "Rejected: already_published"}


async def test_only_a_failed_timer_can_be_discarded_with_a_reason(sample: MakeSample) -> None:
    service = await sample()
    for timer_id, word in (("bad", "no"), ("good", "yes")):
        await schedule(service, timer_id, -1, text=word)
    await timers(service).drain()
    await schedule(service, "good", 10)
    async with service.engine.connect() as connection:
        [failed] = await list_failed(connection)
    assert (failed.timer_id, failed.failed_because) == ("bad", "ValueError: this timer cannot fire")
    now = service.clock.now()
    for timer_id in ("good", "unknown"):
        with pytest.raises(Rejected, match="timer_not_failed"):
            await discard_failed(service.store, now, timer_id, "it is in the way", by="operator")
        with pytest.raises(Rejected, match="timer_not_failed"):
            await retry_failed(service.store, now, timer_id, by="operator")
    await discard_failed(service.store, now, "bad", "it cannot fire", by="operator")
    assert await kept(service) == {"good": None}
    async with service.engine.connect() as connection:
        query = text("SELECT data::text FROM events WHERE stream = 'operated-timer:bad'")
        assert "it cannot fire" in (await connection.scalars(query)).one()


async def test_an_outage_leaves_a_timer_to_be_fired_later(sample: MakeSample) -> None:
    service = await sample()
    await schedule(service, "t", -1)

    async def out(_: Session, __: Sequence[Timer]) -> None:
        raise ConnectionResetError

    failing = Timers(service.name, service.store, service.clock, out)
    with pytest.raises(ConnectionResetError):
        await failing.drain()
    assert await kept(service) == {"t": None}
    assert await timers(service).drain() == 1
