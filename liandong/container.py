"""A service, or one of its jobs, as a separate process; settings come from `LIANDONG_…` variables. Used in containers.

Processes may start in any order: each waits for servers that are not up yet, and logs that. An error that waiting cannot
repair (a missing secret, a wrong password, a port in use, a missing topic) is printed in one line, with exit status 1.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from socket import socket
from time import monotonic
from typing import Any, TypeVar

import asyncpg
from aiokafka.errors import KafkaError
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.cannot_start import CannotStart
from liandong.home import listening
from liandong.kafka_rights import RightsRefused, grant
from liandong.node import SERVICES, build
from liandong.serving import on_signals, serve
from shared.calendar.notice import BadNotice
from shared.database.migration import SERVICES as SERVICE_FOLDERS
from shared.database.migration import create_database, migrate
from shared.identity import BadSecrets
from shared.messaging.broker import BrokerRefused, BrokerUnavailable, check_connection
from shared.messaging.topics import TRAFFIC, PartitionCountChanged, TopicMissing
from shared.runtime.settings import MissingSecret, Settings, read_secret
from shared.service import Service
from shared.telemetry.service_context import as_service
from shared.trust.keys import parse_jwks

log = logging.getLogger(__name__)

T = TypeVar("T")

SHUTDOWN_SECONDS = 10.0
"""Limit from the signal to the end: current requests, the current batch, queued commands, the relay."""

_RETRY_SECONDS = 1.0
_REPEAT_LOG_SECONDS = 30.0
_TOPIC_ATTEMPTS = 3
"""A broker that has just started may not list its topics yet, so a missing topic is looked up this many times."""

_WRONG_PASSWORD = ("28P01", "28000")
_NOT_ALLOWED = "42501"
_NO_DATABASE = "3D000"
_NO_TABLE = "42P01"
_INSERTED_ONLY = ("events", "published")
"""The runtime role may only insert into these tables: recorded events stay unchanged even if a service is compromised."""


class _NotYet(Exception):
    """A dependency is not available yet; the text names it."""


class _NoDatabase(_NotYet):
    """The server is up and the database does not exist."""


async def serve_service(name: str, host: str, port: int) -> None:
    """Run one service until a signal stops it. Raises CannotStart."""
    stop = asyncio.Event()
    on_signals(stop)
    settings = _settings()
    with as_service(name):
        service = _built(name, settings)
        listener = _listener(host, port)
        try:
            if await _unless_stopped(stop, _wait_until_available(lambda: _check_migrated(name, settings))):
                await _run(service, settings, listener, stop)
        finally:
            listener.close()


async def migrate_service(name: str) -> None:
    """Create the database of one service if it does not exist, and migrate it to this version. Raises CannotStart."""
    settings = _settings()
    url = _configured(name, lambda: settings.database(name))
    with as_service(name):
        try:
            await _wait_until_available(lambda: _query(url, "SELECT 1"), never_waits_for=_NoDatabase)
        except _NoDatabase:
            await create_database(url)
        await migrate(name, url)
        if settings.runtime_role:
            await _restrict(url, settings.runtime_role)
        log.info("the database is at version %s", _head(name))


async def prepare_topics(accounts: Path | None) -> None:
    """Create the topics; with a folder of passwords, also the account and rights of each service. Raises CannotStart."""
    settings = _settings()
    broker = _configured("topics", lambda: settings.broker)
    passwords = _configured("topics", lambda: _passwords(accounts)) if accounts else {}
    if passwords and broker.uses_sasl:
        passwords[broker.user] = broker.password  # the operator gets an account on the services' listener, too

    async def ensure() -> None:
        try:
            await check_connection(broker)
            await settings.topics.ensure(broker)
            if passwords:
                await grant(broker, settings.topics, passwords)
        except (BrokerUnavailable, KafkaError) as error:
            raise _NotYet(f"Kafka at {settings.kafka}: {_message(error)}") from None
        except (BrokerRefused, TopicMissing, PartitionCountChanged, RightsRefused) as error:
            raise CannotStart(f"topics: {_kafka_message(error, settings)}") from None

    with as_service("topics"):
        await _wait_until_available(ensure)
        log.info("the topics exist, with %d partitions; accounts: %s", settings.partitions, ", ".join(passwords) or "-")


def _passwords(folder: Path) -> dict[str, str]:
    return {name: read_secret(folder / f"{name}_kafka", "--accounts") for name in SERVICES}


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise CannotStart(f"LIANDONG_{'_'.join(map(str, first['loc'])).upper()}: {first['msg']}") from None


def _built(name: str, settings: Settings) -> Service:
    def made() -> Service:
        trust = settings.trust()
        if trust.jwks_file:
            parse_jwks(trust.jwks_file.read_bytes())
        return build(name, settings)

    return _configured(name, made)


def _configured(name: str, read: Callable[[], T]) -> T:
    """The result of `read`, which needs secrets and settings. Raises CannotStart when they are missing or do not fit."""
    if name not in (*SERVICES, "topics"):
        raise CannotStart(f"there is no service {name}; the services are {', '.join(SERVICES)}")
    try:
        return read()
    except (MissingSecret, BadSecrets) as error:
        raise CannotStart(f"{name}: {_message(error)}") from None
    except BadNotice as error:
        raise CannotStart(f"{name}: LIANDONG_HOLIDAYS: {_message(error)}") from None
    except ValidationError as error:
        raise CannotStart(f"{name}: {error.errors()[0]['msg']} (LIANDONG_JWKS_FILE, LIANDONG_ISSUER_URL)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"{name}: LIANDONG_JWKS_FILE holds no usable key: {_message(error)}") from None


def _listener(host: str, port: int) -> socket:
    try:
        return listening(port, host)
    except OSError as error:
        raise CannotStart(f"port {port} on {host} is not free: {error.strerror}") from None


async def _run(service: Service, settings: Settings, listener: socket, stop: asyncio.Event) -> None:
    """Serve HTTP at once and check Kafka in the background: requests need the database only."""
    await service.start()
    kafka = asyncio.create_task(_wait_until_available(lambda: _check_kafka(service.name, settings)))
    kafka.add_done_callback(lambda done: stop.set() if not done.cancelled() and done.exception() else None)
    leaving = asyncio.create_task(_leave_group(service, stop))
    try:
        await serve(service.app, listener, until=stop, path=f"/{service.name}")
    finally:
        stop.set()
        await _shut_down(service, leaving)
        kafka.cancel()
        outcome = (await asyncio.gather(kafka, return_exceptions=True))[0]
    if isinstance(outcome, CannotStart):
        raise outcome


async def _leave_group(service: Service, stop: asyncio.Event) -> None:
    """Leave the consumer group while the last requests are answered, so that other instances take over at once."""
    await stop.wait()
    if service.consumer:
        await service.consumer.stop()


async def _shut_down(service: Service, leaving: asyncio.Task[None]) -> None:
    """Unfinished work is resumed at the next start: all state that matters is in the database."""
    try:
        async with asyncio.timeout(SHUTDOWN_SECONDS):
            await leaving
            await service.stop()
    except TimeoutError:
        log.warning("did not finish within %.0f s", SHUTDOWN_SECONDS)


async def _unless_stopped(stop: asyncio.Event, coroutine: Coroutine[Any, Any, None]) -> bool:
    """True when the coroutine ended before the stop signal. Raises what the coroutine raises."""
    waiting, stopping = asyncio.create_task(coroutine), asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if waiting.done():
        waiting.result()
        return True
    waiting.cancel()
    return False


async def _wait_until_available(
    check: Callable[[], Coroutine[Any, Any, object]], never_waits_for: type[_NotYet] | tuple[()] = ()
) -> None:
    """Repeat the check until it succeeds. The reason for waiting is logged when it changes, and every 30 seconds."""
    logged, logged_at = "", float("-inf")
    while True:
        try:
            await check()
        except never_waits_for:
            raise
        except _NotYet as missing:
            if str(missing) != logged or monotonic() - logged_at > _REPEAT_LOG_SECONDS:
                logged, logged_at = str(missing), monotonic()
                log.warning("waits for %s", logged)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            if logged:
                log.info("continues: %s is available", logged.partition(":")[0])
            return


# --- PostgreSQL


async def _check_migrated(name: str, settings: Settings) -> None:
    """Raises _NotYet while the database is older than this version.

    A newer database is accepted: migrations only add, and remove what is unused one version later (expand, contract).
    """
    url = _configured(name, lambda: settings.database(name))
    head = _head(name)
    try:
        version = await _query(url, "SELECT version_num FROM public.alembic_version")
    except asyncpg.PostgresError:
        version = None
    if version != head and (version is None or _is_known(name, version)):
        raise _NotYet(f"the migration of its database to version {head} (it is at {version}): liandong migrate {name}")


async def _query(url: str, query: str) -> Any:
    """The value of a query. Raises CannotStart or _NotYet when the connection fails, PostgresError when the query fails."""
    at = make_url(url)
    _, arguments = at.get_dialect()().create_connect_args(at)
    try:
        connection: Any = await asyncpg.connect(**arguments, timeout=5)
    except asyncpg.PostgresError as error:
        raise _connection_error(at, error) from None
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise _NotYet(f"PostgreSQL at {at.host}:{at.port or 5432}: {_message(error)}") from None
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close(timeout=5)


def _connection_error(at: URL, error: asyncpg.PostgresError) -> CannotStart | _NotYet:
    match error.sqlstate:
        case state if state in _WRONG_PASSWORD:
            return CannotStart(f"PostgreSQL at {at.host} refuses {at.username}: {_message(error)}")
        case state if state == _NOT_ALLOWED:
            return CannotStart(
                f"PostgreSQL at {at.host} does not let {at.username} into {at.database}: {_message(error)}"
            )
        case state if state == _NO_DATABASE:
            return _NoDatabase(f"the database {at.database} at {at.host}: it does not exist")
        case _:
            return _NotYet(f"PostgreSQL at {at.host}:{at.port or 5432}: {_message(error)}")


def _scripts(name: str) -> ScriptDirectory:
    return ScriptDirectory(str(SERVICE_FOLDERS / name / "migrations"))


def _head(name: str) -> str | None:
    return _scripts(name).get_current_head()


def _is_known(name: str, version: str) -> bool:
    try:
        _scripts(name).get_revision(version)
    except CommandError:
        return False
    return True


async def _restrict(url: str, role: str) -> None:
    """Take UPDATE, DELETE and TRUNCATE on the event tables from the runtime role (deploy/postgres/service.sql grants them)."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            quoted = engine.dialect.identifier_preparer.quote(role)
            for table in _INSERTED_ONLY:
                await connection.execute(text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}"))
    finally:
        await engine.dispose()


# --- Kafka


async def _check_kafka(name: str, settings: Settings) -> None:
    for attempt in range(1, _TOPIC_ATTEMPTS + 1):
        try:
            await check_connection(settings.broker)
            await settings.topics.check(settings.broker, TRAFFIC[name].topics)
        except (BrokerUnavailable, KafkaError) as error:
            raise _NotYet(f"Kafka at {settings.kafka}: {_message(error)}") from None
        except (BrokerRefused, PartitionCountChanged) as error:
            raise CannotStart(f"{name}: {_kafka_message(error, settings)}") from None
        except TopicMissing as error:
            if attempt == _TOPIC_ATTEMPTS:
                raise CannotStart(f"{name}: {_kafka_message(error, settings)}") from None
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


def _kafka_message(error: Exception, settings: Settings) -> str:
    if isinstance(error, BrokerRefused):
        return f"Kafka at {settings.kafka} refuses {settings.kafka_user or 'us'}: {error}"
    if isinstance(error, TopicMissing):
        return f"{error}; create it: liandong topics"
    return _message(error)


def _message(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
