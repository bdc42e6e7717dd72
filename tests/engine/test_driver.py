"""What a connection must look up on the server before it can send an array."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import connect
from tests.engine.conftest import MakeSample

_ARRAYS = select(
    bindparam("numbers", type_=ARRAY(BigInteger())), bindparam("times", type_=ARRAY(DateTime(timezone=True)))
)
_GIVEN = {"numbers": [1, 2], "times": [datetime(2018, 3, 1, tzinfo=UTC)]}
_LOOKUPS = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%typeinfo' || '_tree%'")


@asynccontextmanager
async def fresh(url: str) -> AsyncGenerator[AsyncConnection]:
    """A connection that has not sent any statement yet."""
    engine = connect(url, pool_size=1)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def test_array_types_are_looked_up_once_for_each_process(sample: MakeSample) -> None:
    url = (await sample()).engine.url.render_as_string(hide_password=False)
    lookups: list[int] = []
    for _ in range(2):
        async with fresh(url) as connection:
            assert (await connection.execute(_ARRAYS, _GIVEN)).one() == tuple(_GIVEN.values())
            lookups += await connection.scalars(_LOOKUPS)
    assert lookups[-1] == 0


async def test_a_user_defined_type_is_looked_up_on_each_connection(sample: MakeSample) -> None:
    url = (await sample()).engine.url.render_as_string(hide_password=False)
    for shade in ("red", "black"):
        async with fresh(url) as connection:
            await connection.execute(text(f"CREATE TYPE list_shade AS ENUM ('{shade}')"))
            assert await connection.scalar(text(f"SELECT array_agg('{shade}'::list_shade)")) == [shade]
            assert await connection.scalar(_LOOKUPS) == 1
            await connection.rollback()
