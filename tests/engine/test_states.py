"""Cached states: they save reading, and never change the result."""

import pytest
from sqlalchemy import text

from shared.contracts.event import Event
from shared.eventstore import VersionConflict
from shared.eventstore.committer import Committer
from shared.eventstore.states import CachedState, StateCache
from tests.engine.conftest import MakeSample
from tests.engine.log import raw
from tests.engine.sample import CONSUMPTION, LETTERS, Publish, Sample
from tests.engine.test_intake import offset, parked


async def committed(service: Sample, committer: Committer, *texts: str) -> None:
    session = service.session()
    for content in texts:
        await session.do(LETTERS, "a", Publish("a", content))
    await committer.commit(session.change())


async def state(service: Sample) -> tuple[int, int]:
    session = service.session()
    return await session.state(LETTERS, "a"), await session.version(LETTERS, "a")


async def test_a_committed_state_is_cached_and_its_events_are_not_read_again(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await sample()
    async with service.committing() as committer:
        await committed(service, committer, "one", "two")
    decoded: list[str] = []

    real = service.store.vocabulary.decode

    def recording(type_name: str, body: str | bytes) -> Event:
        decoded.append(type_name)
        return real(type_name, body)

    monkeypatch.setattr(service.store.vocabulary, "decode", recording)
    assert await state(service) == (2, 2)
    assert decoded == []


async def test_events_appended_by_another_instance_are_applied(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    async with service.committing() as here, other.committing() as there:
        await committed(service, here, "one")
        await committed(other, there, "two")
        assert await state(service) == (2, 2)
        await committed(service, here, "three")
        assert await state(other) == (3, 3)


async def test_a_state_that_was_not_committed_is_not_cached(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    async with service.committing() as here, other.committing() as there:
        await committed(service, here, "one")
        late = service.session()
        await late.do(LETTERS, "a", Publish("a", "lost"))
        await committed(other, there, "two")
        with pytest.raises(VersionConflict):
            await here.commit(late.change())
    assert await state(service) == (2, 2)


@pytest.mark.parametrize("lost", ["version > 1", "version > 0"])
async def test_after_a_restore_under_a_running_service_the_database_wins(sample: MakeSample, lost: str) -> None:
    service = await sample()
    async with service.committing() as committer:
        await committed(service, committer, "one", "two", "three")
        async with service.engine.begin() as connection:
            await connection.execute(text(f"DELETE FROM events WHERE {lost}"))
        left = 1 if lost == "version > 1" else 0
        assert await state(service) == (left, left)
        await committed(service, committer, "again")
    assert await state(service) == (left + 1, left + 1)


async def test_another_event_at_the_cached_version_replaces_the_cached_state(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    async with service.committing() as here, other.committing() as there:
        await committed(service, here, "one", "two")
        async with service.engine.begin() as connection:
            await connection.execute(text("DELETE FROM events"))
        other.store.states.forget(LETTERS.stream("a"))
        await committed(other, there, "other one", "other two", "other three")
    seen = service.session()
    await seen.load(LETTERS, ["a"])
    assert await seen.version(LETTERS, "a") == 3


async def test_a_batch_handled_one_by_one_caches_no_states(sample: MakeSample) -> None:
    service = await sample()
    service.faults.poison = {"poison"}
    await service.intake.take(await offset(service), [raw("a", 1, at=0), raw("a", 2, "poison", at=1)])
    assert [(key, culprit) for key, _, culprit in await parked(service)] == [("a", True)]
    assert service.store.states.get(CONSUMPTION.stream("a")) is None
    assert await service.session().version(CONSUMPTION, "a") == 1


def test_the_most_recently_used_states_are_kept() -> None:
    states = StateCache(capacity=2)
    states.put([("a", CachedState(1, 1, "x")), ("b", CachedState(1, 1, "x"))])
    assert states.get("a")
    states.put([("c", CachedState(1, 1, "x"))])
    assert states.get("b") is None
    assert states.get("a")
    states.put([("a", CachedState(0, 0, "old"))])
    assert states.get("a") == CachedState(1, 1, "x")
