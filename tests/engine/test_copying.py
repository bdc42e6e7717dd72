"""Many rows go by COPY: what is refused, cut or rolled back is told and undone as by a statement."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import insert_rows, is_outage, sql_state, violated_constraint
from shared.database.copying import FEWEST
from shared.eventstore import VersionConflict
from tests.engine.conftest import MakeSample
from tests.engine.sample import HEARD, LETTERS, Tell
from tests.engine.statements import counted

MANY = [{"key": f"key{n}", "number": n, "text": "示例"} for n in range(FEWEST)]


async def test_many_rows_are_copied_and_few_inserted(sample: MakeSample) -> None:
    service = await sample()
    for rows, copied in ((MANY, True), (MANY[1:], False)):
        with counted(service.engine) as said:
            async with service.engine.begin() as connection:
                await connection.execute(text("DELETE FROM heard"))
                await insert_rows(connection, HEARD, rows)
                assert await connection.scalar(select(func.count()).select_from(HEARD)) == len(rows)
        assert ("COPY heard" in said) is copied


async def test_nothing_is_copied_before_the_transaction_has_begun(sample: MakeSample) -> None:
    service = await sample()
    async with service.engine.connect() as connection:
        await insert_rows(connection, HEARD, MANY)
        await connection.rollback()
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(HEARD)) == 0


async def test_a_copied_row_that_is_there_already_is_refused_as_an_inserted_one_is(sample: MakeSample) -> None:
    service = await sample()
    told: list[tuple[str | None, str]] = []
    for rows in (MANY[:1], MANY):
        with pytest.raises(IntegrityError) as raised:
            async with service.engine.begin() as connection:
                await insert_rows(connection, HEARD, MANY)
                await insert_rows(connection, HEARD, rows)
        assert "示例" not in str(raised.value), "values may be a person's"
        told.append((violated_constraint(raised.value), sql_state(raised.value)))
        assert not is_outage(raised.value)
    assert told == [("heard_pkey", "23505")] * 2
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(HEARD)) == 0


async def test_a_row_that_a_check_refuses_is_refused_by_name(sample: MakeSample) -> None:
    service = await sample()
    with pytest.raises(IntegrityError) as raised:
        async with service.engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await insert_rows(connection, HEARD, [{**row, "text": "bad row"} for row in MANY])
    assert violated_constraint(raised.value) == "heard_text_check"


async def test_of_two_who_copy_to_the_same_streams_the_later_is_told_of_a_conflict(sample: MakeSample) -> None:
    service = await sample()
    keys = [f"{n}" for n in range(FEWEST * 2)]
    sessions = [service.session(), service.session()]
    for session in sessions:
        for key in keys:
            await session.do(LETTERS, key, Tell(key, "x"))
    async with service.engine.begin() as connection:
        written = await service.store.write(connection, [sessions[0].change()])
    assert [one.position for one in written] == sorted(one.position for one in written)
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
            await insert_rows(connection, HEARD, MANY)
    assert is_outage(raised.value)
    async with service.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(HEARD)) == 0
