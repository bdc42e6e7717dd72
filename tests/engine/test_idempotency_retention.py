"""Stored responses are deleted when their requests will not be repeated any more."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from shared.web import idempotency_retention
from shared.web.idempotency_retention import ExpiredAnswers
from tests.engine.conftest import MakeSample
from tests.engine.sample import Sample
from tests.engine.statements import counted


async def add_responses(service: Sample, caller: str, *, days_ago: float, count: int = 1) -> None:
    insert = text("""
        INSERT INTO idempotency (caller, key, request_hash, status, body, answered_at)
        SELECT :caller, n::text, '', 200, '{}', now() - make_interval(secs => :ago) FROM generate_series(1, :count) AS n
    """)
    async with service.engine.begin() as connection:
        await connection.execute(
            insert, {"caller": caller, "ago": timedelta(days=days_ago).total_seconds(), "count": count}
        )


async def stored(service: Sample) -> dict[str, int]:
    async with service.engine.connect() as connection:
        rows = await connection.execute(text("SELECT caller, count(*) AS n FROM idempotency GROUP BY caller"))
        return {row.caller: row.n for row in rows}


async def test_a_response_is_kept_for_the_promised_days_and_not_much_longer(sample: MakeSample) -> None:
    service = await sample()
    for caller, days in (("new", 0), ("a month old, almost", 29.9), ("old", 30.1), ("older", 300)):
        await add_responses(service, caller, days_ago=days)
    assert await ExpiredAnswers("sample", service.engine, days=30).delete_expired() == 2
    assert await stored(service) == {"new": 1, "a month old, almost": 1}


async def test_old_responses_are_deleted_in_small_batches_of_one_statement(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_retention, "BATCH", 10)
    monkeypatch.setattr(idempotency_retention, "PAUSE_SECONDS", 0)
    service = await sample()
    await add_responses(service, "old", days_ago=31, count=25)
    with counted(service.engine) as statements:
        assert await ExpiredAnswers("sample", service.engine, days=30).delete_expired() == 25
    assert len(statements) == 3


async def test_two_instances_delete_concurrently_without_waiting(sample: MakeSample) -> None:
    service = await sample()
    other = await sample(same_as=service)
    await add_responses(service, "old", days_ago=31, count=2000)
    both = [ExpiredAnswers("sample", one.engine, days=30).delete_expired() for one in (service, other)]
    assert sum(await asyncio.gather(*both)) == 2000
    assert await stored(service) == {}


async def test_a_response_locked_by_another_transaction_is_skipped(sample: MakeSample) -> None:
    service = await sample()
    await add_responses(service, "old", days_ago=31)
    async with service.engine.begin() as connection:
        await connection.execute(text("SELECT * FROM idempotency FOR UPDATE"))
        async with asyncio.timeout(30):
            assert await ExpiredAnswers("sample", service.engine, days=30).delete_expired() == 0


async def test_deletion_repeats_until_it_is_stopped_also_after_an_outage(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_retention, "FIRST_DELAY_SECONDS", 0)
    monkeypatch.setattr(idempotency_retention, "POLL_SECONDS", 0.01)
    service = await sample()
    looks = 0
    forget = ExpiredAnswers.delete_expired

    async def out_at_first(self: ExpiredAnswers) -> int:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ConnectionResetError
        return await forget(self)

    monkeypatch.setattr(ExpiredAnswers, "delete_expired", out_at_first)
    await add_responses(service, "old", days_ago=31)
    running = ExpiredAnswers("sample", service.engine, days=30)
    running.start()
    async with asyncio.timeout(30):
        while await stored(service):
            await asyncio.sleep(0.01)
    await running.stop()
    assert looks > 1
