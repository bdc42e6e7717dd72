"""Log lines: one JSON object each, or text on a terminal.

A line contains no personal data. Of an error it contains the type, the places in the program, and at most the first line of the
message. Messages of the database are left out, because they quote the refused values.
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
from shared.telemetry.service_context import current_service
from shared.web.correlation import correlation_if_any, traceparent


class LogFormat(StrEnum):
    """How lines are written. `auto`: text on a terminal, otherwise JSON."""

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
    form: LogFormat = LogFormat.AUTO


_OWN_LOGGERS = ("shared.", "services.", "liandong.")
_LIBRARY_LEVELS = {
    "aiokafka": logging.ERROR,  # the consumer and the relay log what it warns of
    "aiokafka.consumer.group_coordinator": logging.CRITICAL,
    "alembic": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,  # logs the URL of each request
    "opentelemetry": logging.ERROR,
    "urllib3": logging.ERROR,
    "uvicorn": logging.WARNING,
}
_KAFKA_CLIENT = "aiokafka"
_MESSAGING = "shared.messaging"
REPEAT_SECONDS = 60.0
"""A repeated line is written once in this time."""
_MAX_MESSAGE = 500
_MAX_CAUSES = 4
_MAX_FRAMES = 8


def configure(
    service: str = "",
    stream: TextIO | None = None,
    settings: LogSettings | None = None,
    level: Level = Level.INFO,
) -> None:
    """Write log lines to standard error from now on.

    `service`: the name in lines outside of any service. `level`: the lowest level, unless the environment sets another.
    """
    chosen = settings or LogSettings()
    output: TextIO = sys.stderr if stream is None else stream
    as_text = chosen.form is LogFormat.TEXT or (chosen.form is LogFormat.AUTO and output.isatty())
    handler = logging.StreamHandler(output)
    handler.setFormatter(TextLines(service) if as_text else JsonLines(service))
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=(chosen.level or level).value, handlers=[handler], force=True)
    for name, lowest in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(lowest)
    logging.getLogger("uvicorn.error").addFilter(_is_not_logged_already)
    sys.excepthook = _log_uncaught


class RepeatFilter(logging.Filter):
    """Passes a line that repeats during an outage once a minute for each service.

    Two kinds of lines repeat: each message of the Kafka client, which logs some hundred a second, and each warning of relay and
    consumer that they wait. The client cannot be silenced: in an outage of a few seconds nothing else logs it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._silent_until: dict[tuple[str, str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = _repeated_message(record)
        if message is None:
            return True
        key, now = (current_service(), record.name, message), time.monotonic()
        if now < self._silent_until.get(key, now):
            return False
        # Drop expired keys, so that a process that runs for years holds only those of the last minute.
        self._silent_until = {known: until for known, until in self._silent_until.items() if now < until}
        self._silent_until[key] = now + REPEAT_SECONDS
        return True


def _repeated_message(record: logging.LogRecord) -> str | None:
    """What identifies a repeating line: the client's template for all nodes, or the full text of our warning. Else None."""
    if record.name.partition(".")[0] == _KAFKA_CLIENT:
        return str(record.msg)
    if record.name.startswith(_MESSAGING) and record.levelno == logging.WARNING:
        return record.getMessage()
    return None


def _is_not_logged_already(record: logging.LogRecord) -> bool:
    """An error of a route was logged with its correlation id when its response was made; uvicorn logs it once more."""
    return not record.getMessage().startswith("Exception in ASGI application")


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("liandong").critical("ended by an error", exc_info=error)


class JsonLines(logging.Formatter):
    """One JSON object each line: `time` (UTC), `level`, `service`, `logger`, `message`; `correlation_id` and `trace_id` if any;
    `errors`, from the outermost to its root cause, each with its summary (`what`) and its places (`at`)."""

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(_fields(record, self._service)).decode()


class TextLines(logging.Formatter):
    """The same for people: one line, and one more for each error."""

    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record, self._service)
        head = f"{fields['time']} {fields['level']:<7} {fields['service'] or fields['logger']}: {fields['message']}"
        if correlation := fields.get("correlation_id"):
            head += f" [{correlation}]"
        errors = (f"    {error['what']} at {' < '.join(error['at'])}" for error in fields.get("errors", ()))
        return "\n".join([head, *errors])


def _fields(record: logging.LogRecord, service: str) -> dict[str, Any]:
    time_utc = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": time_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "service": current_service() or service,
        "logger": record.name,
        "message": _message(record),
    }
    if correlation := correlation_if_any():
        fields["correlation_id"] = correlation
    if trace := traceparent():
        fields["trace_id"] = trace[3:35]
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields["errors"] = [{"what": error_summary(link), "at": _frames(link)} for link in _chain(error)]
    return fields


def _message(record: logging.LogRecord) -> str:
    """The message. A message of a library may quote a whole error, so only its first line is kept."""
    message = record.getMessage()
    if not record.name.startswith(_OWN_LOGGERS):
        message = message.partition("\n")[0][:_MAX_MESSAGE]
    return mask_personal_numbers(message)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes; of an exception group the first member."""
    current: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if current is None:
            return
        yield current
        current = _cause(current)


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def error_summary(error: BaseException) -> str:
    """The type of an error and the first line of its message; for an error of the database its SQLSTATE instead."""
    kind = type(error).__name__
    if isinstance(error, DBAPIError):
        return f"{kind} {type(getattr(error.orig, '__cause__', None)).__name__} {sql_state(error)}".rstrip()
    if isinstance(error, PostgresError):
        return f"{kind} {getattr(error, 'sqlstate', '')}".rstrip()
    if (type(error).__module__ or "").startswith(("sqlalchemy", "asyncpg")):
        return kind
    message = str(error).strip().partition("\n")[0][:_MAX_MESSAGE]
    return f"{kind}: {mask_personal_numbers(message)}" if message else kind


def _frames(error: BaseException) -> list[str]:
    """The stack frames, innermost first: the frame that raised, and the frames of this program that led to it."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames[:-1] if "site-packages" not in frame.filename][-_MAX_FRAMES:]
    return [
        f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in reversed(own + frames[-1:])
    ]
