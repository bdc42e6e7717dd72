"""Many rows are sent by COPY: rejected, cut or rolled back, the outcome is the same as with a statement."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import insert_rows, is_outage, sql_state, violated_constraint
from shared.database.copying import COPY_MIN_ROWS
from shared.eventstore import VersionConflict
from tests.engine.conftest import MakeSample
from tests.engine.sample import CONSUMED, LETTERS, Publish
from tests.engine.statements import counted

MANY = [{"key": f"key{n}", "number": n, "text": "示例"} for n in range(COPY_MIN_ROWS)]


async def test_many_rows_are_copied_and_few_inserted(sample: MakeSample) -> None:
    service = await sample()
    for rows, copied in ((MANY, True), (MANY[1:], False)):
        with counted(service.engine) as statements:
            async with service.engine.begin() as connection:
                await connection.execute(text("DELETE FROM consumed"))
                await insert_rows(connection, CONSUMED, rows)
                assert await connection.scalar(select(func.count()).select_from(CONSUMED)) == len(rows)
        assert ("COPY consumed" in statements) is copied


async def test_nothing_is_copied_before_the_transaction_has_begun(sample: MakeSample) -> None:
    service = await sample()
    async with service.engine.connect() as connection:
        await insert_rows(connection, CONSUMED, MANY)
        await connection.rollback()
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(CONSUMED)) == 0


async def test_a_duplicate_row_raises_the_same_error_by_copy_and_by_insert(sample: MakeSample) -> None:
    service = await sample()
    raised_errors: list[tuple[str | None, str]] = []
    for rows in (MANY[:1], MANY):
        with pytest.raises(IntegrityError) as raised:
            async with service.engine.begin() as connection:
                await insert_rows(connection, CONSUMED, MANY)
                await insert_rows(connection, CONSUMED, rows)
        assert "示例" not in str(raised.value), "values may be a person's"
        raised_errors.append((violated_constraint(raised.value), sql_state(raised.value)))
        assert not is_outage(raised.value)
    assert raised_errors == [("consumed_pkey", "23505")] * 2
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(CONSUMED)) == 0


async def test_a_copied_row_that_violates_a_check_names_the_constraint(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(IntegrityError) as raised:
        async with service.engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await insert_rows(connection, CONSUMED, [{**row, "text": "bad row"} for row in MANY])
    assert violated_constraint(raised.value) == "consumed_text_check"


async def test_the_later_of_two_copies_to_the_same_streams_raises_a_conflict(sample: MakeSample) -> None:
    service = await sample()
    keys = [f"{n}" for n in range(COPY_MIN_ROWS * 2)]
    sessions = [service.session(), service.session()]
    for session in sessions:
        for key in keys:
            await session.do(LETTERS, key, Publish(key, "x"))
    async with service.engine.begin() as connection:
        written = await service.store.write(connection, [sessions[0].change()])
    assert [event.position for event in written] == sorted(event.position for event in written)
    with pytest.raises(VersionConflict):
        async with service.engine.begin() as connection:
            await service.store.write(connection, [sessions[1].change()])


async def test_a_connection_that_is_cut_while_it_copies_is_an_outage(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(DBAPIError) as raised:
        async with service.engine.begin() as connection:
            own = await connection.scalar(text("SELECT pg_backend_pid()"))
            async with service.engine.connect() as other:
                await other.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": own})
            await insert_rows(connection, CONSUMED, MANY)
    assert is_outage(raised.value)
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(CONSUMED)) == 0
