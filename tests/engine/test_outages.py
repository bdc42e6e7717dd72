"""What counts as an outage: outages are retried, other errors need an operator."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from shared.database import connect, is_outage
from shared.database import engine as database_engine
from shared.eventstore import VersionConflict
from shared.messaging import consumer as consumers
from shared.messaging.message import Message
from shared.messaging.parking import list_parked
from shared.messaging.reaction import Batch
from tests.engine.conftest import MakeSample
from tests.engine.log import Log
from tests.engine.proxy import proxied
from tests.engine.running import all_consumed, consuming, relaying

REQUEST = httpx.Request("GET", "http://keyring.example/v1/keys")


async def test_a_connection_without_response_times_out_and_is_replaced(
    sample: MakeSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_engine, "COMMAND_TIMEOUT_SECONDS", 1)
    direct = await sample()
    async with proxied(direct.engine.url.render_as_string(hide_password=False)) as (proxy, url):
        engine = connect(url, pool_size=1)
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 1"))
            proxy.silence()
            with pytest.raises(TimeoutError) as raised:
                async with asyncio.timeout(30), engine.begin() as connection:
                    await connection.execute(text("SELECT 2"))
            assert is_outage(raised.value)
            async with asyncio.timeout(30), engine.begin() as connection:
                assert await connection.scalar(text("SELECT 3")) == 3
        finally:
            await engine.dispose()


async def test_a_consumer_with_silent_connections_opens_others_and_parks_nothing(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_engine, "COMMAND_TIMEOUT_SECONDS", 2)
    direct, publisher = await sample("subscriber"), await sample("publisher")
    keys = [f"key{n}" for n in range(20)]
    async with proxied(direct.engine.url.render_as_string(hide_password=False)) as (proxy, url):
        subscriber = await sample(same_as=direct, url=url)
        async with relaying(publisher, log), consuming(subscriber, log):
            await publisher.publish_many(keys, 2)
            await all_consumed(publisher=publisher, subscriber=direct)
            proxy.silence()
            await publisher.publish_many(keys, 2)
            await all_consumed(publisher=publisher, subscriber=direct)
        await subscriber.engine.dispose()
    assert await direct.consumed() == {key: [1, 2, 3, 4] for key in keys}
    async with direct.engine.connect() as connection:
        assert await list_parked(connection) == []


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("no answer"),
        httpx.RemoteProtocolError("hung up"),
        *(httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(n)) for n in (429, 502, 503, 504)),
    ],
    ids=repr,
)
def test_another_service_that_does_not_answer_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        httpx.UnsupportedProtocol("no scheme"),
        httpx.LocalProtocolError("no such header"),
        *(httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(n)) for n in (400, 403, 404, 422, 500)),
    ],
    ids=repr,
)
def test_a_request_that_would_fail_again_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)


async def test_a_reaction_whose_http_request_fails_parks_nothing(sample: MakeSample, log: Log) -> None:
    subscriber = await sample("subscriber")
    failures = iter([httpx.ConnectError("refused"), httpx.ReadTimeout("no answer")])

    async def request(_: Batch, __: Message) -> None:
        if error := next(failures, None):
            raise error

    subscriber.faults.before_each = request
    publisher = await sample("publisher")
    async with relaying(publisher, log), consuming(subscriber, log):
        await publisher.publish("a", "1", "2")
        await all_consumed(publisher=publisher, subscriber=subscriber)
    assert await subscriber.consumed() == {"a": [1, 2]}


async def test_a_batch_that_lost_a_race_is_decided_again_at_once(
    sample: MakeSample, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RETRY_SECONDS", 3600)
    subscriber = await sample("subscriber")
    lost: list[int] = []

    async def lose_the_race(_: Batch, __: Message) -> None:
        if len(lost) < 4:
            lost.append(1)
            raise VersionConflict

    subscriber.faults.before_each = lose_the_race
    publisher = await sample("publisher")
    async with relaying(publisher, log), consuming(subscriber, log):
        await publisher.publish("a", "1", "2")
        await all_consumed(publisher=publisher, subscriber=subscriber)
    assert (await subscriber.consumed(), len(lost)) == ({"a": [1, 2]}, 4)
