"""Log lines: one JSON object an event, or text on a terminal.

A line tells of no person: of an error it says its kind and the places in the program, and of its message the first line at
most. Messages of the database are left out, for they quote the values that it refused.
"""

import logging
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any, TextIO, cast

import orjson
from asyncpg import PostgresError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError

from shared.database import sql_state
from shared.identity.personal_numbers import mask_personal_numbers
from shared.telemetry import whose
from shared.web.correlation import correlation_if_any, traceparent


class Form(StrEnum):
    """How lines are written. `auto`: as text when a person reads along."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Level(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogSettings(BaseSettings):
    """`LIANDONG_LOG_LEVEL` and `LIANDONG_LOG_FORM`."""

    model_config = SettingsConfigDict(env_prefix="LIANDONG_LOG_", extra="ignore")

    level: Level | None = None
    form: Form = Form.AUTO


_OURS = ("shared.", "services.", "liandong.")
_QUIETER = {
    "aiokafka": logging.ERROR,  # what it warns of, the consumer and the relay say in their own words
    "aiokafka.consumer.group_coordinator": logging.CRITICAL,
    "alembic": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,  # tells the addresses that are called
    "opentelemetry": logging.ERROR,
    "urllib3": logging.ERROR,
    "uvicorn": logging.WARNING,
}
_CLIENT = "aiokafka"
_WAITING = "shared.messaging"
AGAIN_SECONDS = 60.0
_LONGEST = 500
_CAUSES = 4
_PLACES = 8


def configure(
    service: str = "",
    stream: TextIO | None = None,
    settings: LogSettings | None = None,
    level: Level = Level.INFO,
) -> None:
    """Send log lines to standard error from now on. `service` is named where no other is at work.

    `level` is the lowest that is told, where the environment does not say another.
    """
    told = settings or LogSettings()
    to: TextIO = sys.stderr if stream is None else stream
    as_text = told.form is Form.TEXT or (told.form is Form.AUTO and to.isatty())
    handler = logging.StreamHandler(to)
    handler.setFormatter(TextLines(service) if as_text else JsonLines(service))
    handler.addFilter(Seldom())
    logging.basicConfig(level=(told.level or level).value, handlers=[handler], force=True)
    for name, least in _QUIETER.items():
        logging.getLogger(name).setLevel(least)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    sys.excepthook = _uncaught


class Seldom(logging.Filter):
    """Lets through once a minute, of each service, what is said again and again while a server is away.

    That is each wording of the Kafka client, which says the same some hundred times a second, and each warning of relay and
    consumer that they wait. The client cannot be silenced: in an outage of some seconds it is the only one that says anything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._silent_until: dict[tuple[str, str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        wording = _repeated(record)
        if wording is None:
            return True
        said, now = (whose.service(), record.name, wording), time.monotonic()
        if now < self._silent_until.get(said, now):
            return False
        # What may be said again is forgotten: a process that runs for years remembers a minute.
        self._silent_until = {known: until for known, until in self._silent_until.items() if now < until}
        self._silent_until[said] = now + AGAIN_SECONDS
        return True


def _repeated(record: logging.LogRecord) -> str | None:
    """What a line says again and again: the client's wording whatever node it names, a warning of ours word for word."""
    if record.name.partition(".")[0] == _CLIENT:
        return str(record.msg)
    if record.name.startswith(_WAITING) and record.levelno == logging.WARNING:
        return record.getMessage()
    return None


def _is_news(record: logging.LogRecord) -> bool:
    """What a route failed with was logged where it was answered, with its correlation id."""
    return not record.getMessage().startswith("Exception in ASGI application")


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("liandong").critical("ended by an error", exc_info=error)


class JsonLines(logging.Formatter):
    """One line an event: `time` (UTC), `level`, `service`, `logger`, `message`; `correlation_id` and `trace_id` where
    there are any; `errors`, from the outermost to the one that caused it, each with its kind and where it arose."""

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(_fields(record, self._service)).decode()


class TextLines(logging.Formatter):
    """The same for people: one line, and one more an error."""

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        told = _fields(record, self._service)
        head = f"{told['time']} {told['level']:<7} {told['service'] or told['logger']}: {told['message']}"
        if correlation := told.get("correlation_id"):
            head += f" [{correlation}]"
        errors = (f"    {error['what']} at {' < '.join(error['at'])}" for error in told.get("errors", ()))
        return "\n".join([head, *errors])


def _fields(record: logging.LogRecord, service: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "service": whose.service() or service,
        "logger": record.name,
        "message": _message(record),
    }
    if correlation := correlation_if_any():
        told["correlation_id"] = correlation
    if trace := traceparent():
        told["trace_id"] = trace[3:35]
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        told["errors"] = [{"what": what_went_wrong(one), "at": _places(one)} for one in _chain(error)]
    return told


def _message(record: logging.LogRecord) -> str:
    """What others log may quote an error whole: of theirs only the first line."""
    message = record.getMessage()
    if not record.name.startswith(_OURS):
        message = message.partition("\n")[0][:_LONGEST]
    return mask_personal_numbers(message)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it; of several that came together the first."""
    current: BaseException | None = error
    for _ in range(_CAUSES):
        if current is None:
            return
        yield current
        current = _cause(current)


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def what_went_wrong(error: BaseException) -> str:
    """The kind of an error and the first line of what it says; of a database's error its SQLSTATE instead."""
    kind = type(error).__name__
    if isinstance(error, DBAPIError):
        return f"{kind} {type(getattr(error.orig, '__cause__', None)).__name__} {sql_state(error)}".rstrip()
    if isinstance(error, PostgresError):
        return f"{kind} {getattr(error, 'sqlstate', '')}".rstrip()
    if (type(error).__module__ or "").startswith(("sqlalchemy", "asyncpg")):
        return kind
    said = str(error).strip().partition("\n")[0][:_LONGEST]
    return f"{kind}: {mask_personal_numbers(said)}" if said else kind


def _places(error: BaseException) -> list[str]:
    """Where it arose, the innermost first; of the way there what lies in this program."""
    frames = extract_tb(error.__traceback__)
    told = [frame for frame in frames[:-1] if "site-packages" not in frame.filename][-_PLACES:] + frames[-1:]
    return [f"{'/'.join(Path(one.filename).parts[-2:])}:{one.lineno} {one.name}" for one in reversed(told)]
