"""A service, or a job beside it, as a process of its own: in a container, or wherever settings come from `LIANDONG_…`.

It starts in any order: what is not there yet is waited for, and said. What waiting will not mend (a missing secret, a wrong
password, a port that is taken, a topic that does not exist) is said in one line, and the process ends with status 1.
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
from shared.database.migration import SERVICES as SERVICE_FOLDERS
from shared.database.migration import create_database, migrate
from shared.identity import BadSecrets
from shared.messaging.broker import BrokerAway, BrokerRefuses, greet
from shared.messaging.topics import TRAFFIC, PartitionCountChanged, TopicMissing
from shared.runtime.settings import MissingSecret, Settings, read_secret
from shared.service import Service
from shared.telemetry.service_context import as_service
from shared.trust.keys import parse_jwks

log = logging.getLogger(__name__)

T = TypeVar("T")

STOPS_WITHIN_SECONDS = 10.0
"""From the signal: requests in hand, the batch that is being consumed, the commands that wait, the relay."""

_ASK_AGAIN_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 30.0
_CERTAIN_AFTER = 3
"""A broker that has just started may not know its topics for a moment: so often it is asked."""

_WRONG_PASSWORD = ("28P01", "28000")
_NOT_ALLOWED = "42501"
_NO_DATABASE = "3D000"
_NO_TABLE = "42P01"
_INSERTED_ONLY = ("events", "published")
"""What was recorded is never changed, whoever breaks into a service."""


class _NotYet(Exception):
    """What is waited for, in words."""


class _NoDatabase(_NotYet):
    pass


async def serve_service(name: str, host: str, port: int) -> None:
    """Run one service until a signal ends it. Raises CannotStart."""
    stop = asyncio.Event()
    on_signals(stop)
    settings = _settings()
    with as_service(name):
        service = _built(name, settings)
        listener = _listener(host, port)
        try:
            if await _before(stop, _until_there(lambda: _migrated(name, settings))):
                await _work(service, settings, listener, stop)
        finally:
            listener.close()


async def migrate_service(name: str) -> None:
    """Make the database of one service, when the server has none, and bring it to this version. Raises CannotStart."""
    settings = _settings()
    url = _known(name, lambda: settings.database(name))
    with as_service(name):
        try:
            await _until_there(lambda: _asked(url, "SELECT 1"), never_waits_for=_NoDatabase)
        except _NoDatabase:
            await create_database(url)
        await migrate(name, url)
        if settings.runtime_role:
            await _narrow(url, settings.runtime_role)
        log.info("the database is at version %s", _head(name))


async def prepare_topics(accounts: Path | None) -> None:
    """Make the topics; with a folder of passwords, also each service's account and rights. Raises CannotStart."""
    settings = _settings()
    broker = _known("topics", lambda: settings.broker)
    passwords = _known("topics", lambda: _passwords(accounts)) if accounts else {}
    if passwords and broker.says_who:
        passwords[broker.user] = broker.password  # who sets this up may come by the services' door from then on

    async def made() -> None:
        try:
            await greet(broker)
            await settings.topics.ensure(broker)
            if passwords:
                await grant(broker, settings.topics, passwords)
        except (BrokerAway, KafkaError) as error:
            raise _NotYet(f"Kafka at {settings.kafka}: {_words(error)}") from None
        except (BrokerRefuses, TopicMissing, PartitionCountChanged, RightsRefused) as error:
            raise CannotStart(f"topics: {_of_kafka(error, settings)}") from None

    with as_service("topics"):
        await _until_there(made)
        log.info("the topics stand, with %d partitions; accounts: %s", settings.partitions, ", ".join(passwords) or "-")


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

    return _known(name, made)


def _known(name: str, read: Callable[[], T]) -> T:
    """What needs secrets and settings that hang together."""
    if name not in (*SERVICES, "topics"):
        raise CannotStart(f"there is no service {name}; there are {', '.join(SERVICES)}")
    try:
        return read()
    except (MissingSecret, BadSecrets) as error:
        raise CannotStart(f"{name}: {_words(error)}") from None
    except ValidationError as error:
        raise CannotStart(f"{name}: {error.errors()[0]['msg']} (LIANDONG_JWKS_FILE, LIANDONG_ISSUER_URL)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"{name}: LIANDONG_JWKS_FILE holds no usable key: {_words(error)}") from None


def _listener(host: str, port: int) -> socket:
    try:
        return listening(port, host)
    except OSError as error:
        raise CannotStart(f"port {port} on {host} is not free: {error.strerror}") from None


async def _work(service: Service, settings: Settings, listener: socket, stop: asyncio.Event) -> None:
    """Answer while Kafka is looked for beside: what a service knows it tells, with or without the log."""
    await service.start()
    kafka = asyncio.create_task(_until_there(lambda: _on_kafka(service.name, settings)))
    kafka.add_done_callback(lambda done: stop.set() if not done.cancelled() and done.exception() else None)
    leaving = asyncio.create_task(_leave_group(service, stop))
    try:
        await serve(service.app, listener, until=stop, path=f"/{service.name}")
    finally:
        stop.set()
        await _end(service, leaving)
        kafka.cancel()
        found = (await asyncio.gather(kafka, return_exceptions=True))[0]
    if isinstance(found, CannotStart):
        raise found


async def _leave_group(service: Service, stop: asyncio.Event) -> None:
    """Other instances take over at once: the group is left while the last requests are answered."""
    await stop.wait()
    if service.consumer:
        await service.consumer.stop()


async def _end(service: Service, leaving: asyncio.Task[None]) -> None:
    """What cannot be finished is taken up at the next start: everything that counts is in the database."""
    try:
        async with asyncio.timeout(STOPS_WITHIN_SECONDS):
            await leaving
            await service.stop()
    except TimeoutError:
        log.warning("did not finish within %.0f s", STOPS_WITHIN_SECONDS)


async def _before(stop: asyncio.Event, coming: Coroutine[Any, Any, None]) -> bool:
    """True when it came before the signal to stop. Raises what it raises."""
    waiting, stopping = asyncio.create_task(coming), asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if waiting.done():
        waiting.result()
        return True
    waiting.cancel()
    return False


async def _until_there(
    ask: Callable[[], Coroutine[Any, Any, object]], never_waits_for: type[_NotYet] | tuple[()] = ()
) -> None:
    """Ask until there is nothing to wait for; what is waited for is said when it changes, and now and then."""
    said, said_at = "", float("-inf")
    while True:
        try:
            await ask()
        except never_waits_for:
            raise
        except _NotYet as waits:
            if str(waits) != said or monotonic() - said_at > _SAY_AGAIN_SECONDS:
                said, said_at = str(waits), monotonic()
                log.warning("waits for %s", said)
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
        else:
            if said:
                log.info("goes on: it has %s", said.partition(":")[0])
            return


# --- PostgreSQL


async def _migrated(name: str, settings: Settings) -> None:
    """A newer version than ours is no hindrance: what is taken away is taken away one version later."""
    url = _known(name, lambda: settings.database(name))
    head = _head(name)
    try:
        version = await _asked(url, "SELECT version_num FROM public.alembic_version")
    except asyncpg.PostgresError:
        version = None
    if version != head and (version is None or _is_known(name, version)):
        raise _NotYet(f"the migration of its database to version {head} (it is at {version}): liandong migrate {name}")


async def _asked(url: str, question: str) -> Any:
    """What the database answers. Raises CannotStart, _NotYet, or PostgresError when it is the question that was wrong."""
    at = make_url(url)
    _, arguments = at.get_dialect()().create_connect_args(at)
    try:
        connection: Any = await asyncpg.connect(**arguments, timeout=5)
    except asyncpg.PostgresError as error:
        raise _of_postgres(at, error) from None
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise _NotYet(f"PostgreSQL at {at.host}:{at.port or 5432}: {_words(error)}") from None
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close(timeout=5)


def _of_postgres(at: URL, error: asyncpg.PostgresError) -> CannotStart | _NotYet:
    match error.sqlstate:
        case state if state in _WRONG_PASSWORD:
            return CannotStart(f"PostgreSQL at {at.host} refuses {at.username}: {_words(error)}")
        case state if state == _NOT_ALLOWED:
            return CannotStart(
                f"PostgreSQL at {at.host} does not let {at.username} into {at.database}: {_words(error)}"
            )
        case state if state == _NO_DATABASE:
            return _NoDatabase(f"the database {at.database} at {at.host}: it does not exist")
        case _:
            return _NotYet(f"PostgreSQL at {at.host}:{at.port or 5432}: {_words(error)}")


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


async def _narrow(url: str, role: str) -> None:
    """The tables are the owner's, and what the services' role may do with new ones the server was told when it was set up."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            quoted = engine.dialect.identifier_preparer.quote(role)
            for table in _INSERTED_ONLY:
                await connection.execute(text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}"))
    finally:
        await engine.dispose()


# --- Kafka


async def _on_kafka(name: str, settings: Settings) -> None:
    for turn in range(_CERTAIN_AFTER):
        try:
            await greet(settings.broker)
            await settings.topics.check(settings.broker, TRAFFIC[name].topics)
        except (BrokerAway, KafkaError) as error:
            raise _NotYet(f"Kafka at {settings.kafka}: {_words(error)}") from None
        except (BrokerRefuses, PartitionCountChanged) as error:
            raise CannotStart(f"{name}: {_of_kafka(error, settings)}") from None
        except TopicMissing as error:
            if turn + 1 == _CERTAIN_AFTER:
                raise CannotStart(f"{name}: {_of_kafka(error, settings)}") from None
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
        else:
            return


def _of_kafka(error: Exception, settings: Settings) -> str:
    if isinstance(error, BrokerRefuses):
        return f"Kafka at {settings.kafka} refuses {settings.kafka_user or 'us'}: {error}"
    if isinstance(error, TopicMissing):
        return f"{error}; make it: liandong topics"
    return _words(error)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
