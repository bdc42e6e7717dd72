"""Log lines: one JSON object each, with the correlation id of the request and no personal data."""

import io
import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import connect
from shared.telemetry import logs
from shared.telemetry.logs import JsonLines, Level, LogFormat, LogSettings, configure
from shared.telemetry.service_context import as_service
from shared.web.correlation import correlated
from tests.stacks import Addresses

NUMBER = "410305199001010019"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Lines = Callable[[], list[dict[str, Any]]]
log = logging.getLogger("services.sample")


@pytest.fixture
def lines() -> Generator[Lines]:
    """The JSON log lines of the test so far."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("sample"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [orjson.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)


@contextmanager
def configured(form: LogFormat = LogFormat.TEXT) -> Generator[Callable[[], list[str]]]:
    """Logging as a process of this system configures it. Yields a function that returns the lines so far."""
    written = io.StringIO()  # no terminal
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure("sample", written, LogSettings(level=Level.INFO, form=form))
        yield lambda: written.getvalue().splitlines()
    finally:
        root.handlers[:], root.level = before[0], before[1]


@asynccontextmanager
async def database(stack: Addresses) -> AsyncGenerator[AsyncEngine]:
    engine = connect(stack.database_url, pool_size=1)
    try:
        yield engine
    finally:
        await engine.dispose()


def test_a_line_contains_time_service_and_correlation_id(lines: Lines) -> None:
    with as_service("executor"), correlated("batch-7", TRACE):
        log.warning("three things\nhappened")
    [line] = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "WARNING",
        "service": "executor",
        "logger": "services.sample",
        "message": "three things\nhappened",
        "correlation_id": "batch-7",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


def test_outside_of_requests_it_has_no_correlation_id_and_names_the_process(lines: Lines) -> None:
    log.warning("at work")
    assert lines()[0]["service"] == "sample"
    assert not {"correlation_id", "trace_id", "errors"} & set(lines()[0])


async def test_an_error_of_the_database_is_logged_without_parameters_and_values(stack: Addresses, lines: Lines) -> None:
    async with database(stack) as engine, engine.connect() as connection:
        await connection.execute(text("CREATE TEMP TABLE people (number text PRIMARY KEY)"))
        for _ in range(2):
            try:
                await connection.execute(text("INSERT INTO people VALUES (:number)"), {"number": NUMBER})
            except Exception:
                log.exception("it was refused")
    [line] = lines()
    assert [error["what"] for error in line["errors"]][:1] == ["IntegrityError UniqueViolationError 23505"]
    assert "test_logs.py" in line["errors"][0]["at"][-1]
    assert NUMBER not in orjson.dumps(line).decode()
    assert "INSERT" not in orjson.dumps(line).decode()


def test_a_validation_error_is_logged_without_the_refused_value(lines: Lines) -> None:
    class Person(BaseModel):
        born: int

    try:
        Person.model_validate({"born": f"示例某某 {NUMBER}"})
    except ValueError:
        log.exception("it was refused")
    assert "示例某某" not in str(lines())
    assert lines()[0]["errors"][0]["what"] == "ValidationError: 1 validation error for Person"


def test_personal_numbers_are_masked_everywhere(lines: Lines) -> None:
    log.warning("asked for %s", NUMBER)
    try:
        raise LookupError(NUMBER)
    except LookupError:
        log.exception("not found")
    assert NUMBER not in str(lines())
    assert lines()[0]["message"] == "asked for *"


def test_only_the_first_line_of_a_library_message_is_logged(lines: Lines) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: Key (name)=(示例某某)")
    assert lines()[0]["message"] == "Task exception was never retrieved"


def test_an_error_is_logged_with_its_cause(lines: Lines) -> None:
    try:
        try:
            raise ConnectionResetError("the server hung up")
        except OSError as error:
            raise RuntimeError("no answer") from error
    except RuntimeError:
        log.exception("failed")
    summaries = [error["what"] for error in lines()[0]["errors"]]
    assert summaries == ["RuntimeError: no answer", "ConnectionResetError: the server hung up"]


def test_repeated_messages_of_the_kafka_client_are_logged_once_in_a_while_for_each_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "REPEAT_SECONDS", 0.2)
    client = logging.getLogger("aiokafka")

    def away(service: str, *nodes: int) -> None:
        with as_service(service):
            for node in nodes:
                client.error("Unable connect to node with id %s", node)
                client.error("Unable to update metadata")

    with configured() as logged:
        away("executor", 1, 2, 3)
        away("registry", 4)
        for _ in range(2):
            log.error("logged twice by this project")
        before = logged()
        time.sleep(0.2)
        away("executor", 5)
    assert [line.split(maxsplit=2)[2] for line in before] == [
        "executor: Unable connect to node with id 1",
        "executor: Unable to update metadata",
        "registry: Unable connect to node with id 4",
        "registry: Unable to update metadata",
        "sample: logged twice by this project",
        "sample: logged twice by this project",
    ]
    assert "node with id 5" in logged()[len(before)]


def test_waiting_of_relay_and_consumer_is_logged_once_in_a_while_and_errors_always() -> None:
    relay = logging.getLogger("shared.messaging.relay")
    with configured() as logged:
        for _ in range(3):
            relay.warning("%s: relay waits: %s", "registry", "KafkaConnectionError")
            relay.error("partition 1 stopped")
        relay.warning("%s: relay waits: %s", "registry", "TimeoutError")
        lines = [line.split(maxsplit=2)[2] for line in logged()]
    assert lines == [
        "sample: registry: relay waits: KafkaConnectionError",
        *["sample: partition 1 stopped"] * 3,
        "sample: registry: relay waits: TimeoutError",
    ]


@pytest.mark.parametrize(("form", "begins"), [(LogFormat.JSON, "{"), (LogFormat.AUTO, "{"), (LogFormat.TEXT, "20")])
def test_people_read_text_and_programs_json(form: LogFormat, begins: str) -> None:
    with configured(form) as logged:
        log.info("started")
        log.debug("in detail")
    [line] = logged()
    assert line.startswith(begins)
    assert "started" in line
