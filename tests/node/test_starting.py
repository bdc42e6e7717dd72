"""One service as a separate process, as in a container: permanent errors are printed in one line, others are waited for."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from liandong.node import prepare
from shared.messaging.topics import Topics
from tests.harness import eventually
from tests.node.sandbox import Ended, Sandbox, sandbox
from tests.stacks import Addresses

SERVICE = "catalogue"


def _secrets(here: Sandbox) -> dict[str, str]:
    here.home.settings("postgresql+asyncpg://nobody@nowhere", "nowhere:1")  # creates the secrets
    return here.secrets()


async def _prepared(here: Sandbox) -> dict[str, str]:
    await prepare(here.settings(), [SERVICE])
    return _secrets(here)


async def _serve(here: Sandbox, **environment: str) -> asyncio.subprocess.Process:
    return await here.begin("serve", SERVICE, "--port", "0", **environment)


async def _wait_for_log(here: Sandbox, words: str) -> None:
    async def logged() -> bool:
        return words in (here.folder / "err").read_text(encoding="utf-8")

    await eventually(logged, seconds=60)


def _one_line(ended: Ended, *words: str) -> None:
    lines = [line for line in ended.err.splitlines() if line.startswith("liandong: ")]
    assert ended.status == 1
    assert len(lines) == 1, ended.err
    assert all(word in lines[0] for word in words), lines[0]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"LIANDONG_IDENTITY_FILE": "/nowhere/identity"}, ("/nowhere/identity", "No such file")),
        ({"LIANDONG_JWKS_FILE": "/nowhere/jwks"}, ("LIANDONG_JWKS_FILE", "/nowhere/jwks")),
        (
            {"LIANDONG_DATABASE_PASSWORD_FILE": "/nowhere/password"},
            ("LIANDONG_DATABASE_PASSWORD_FILE", "/nowhere/password"),
        ),
        ({"LIANDONG_PARTITIONS": "six"}, ("LIANDONG_PARTITIONS", "integer")),
    ],
)
async def test_a_missing_secret_or_a_wrong_setting_is_named_in_one_line(
    stack: Addresses, tmp_path: Path, missing: dict[str, str], words: tuple[str, ...]
) -> None:
    async with sandbox(stack, tmp_path) as here:
        process = await _serve(here, **(_secrets(here) | missing))
        _one_line(await here.ended(process), *words)


async def test_a_port_that_is_taken_is_named_in_one_line(stack: Addresses, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with sandbox(stack, tmp_path) as here:
            ended = await here.run("serve", SERVICE, "--port", port, **_secrets(here))
            _one_line(ended, port, "not free")


async def test_a_service_without_its_topic_says_so_and_ends(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        secrets = await _prepared(here)
        process = await _serve(here, **secrets, LIANDONG_TOPIC_PREFIX=f"{here.prefix}other.")
        _one_line(await here.ended(process), f"{here.prefix}other.liandong.lawbook", "liandong topics")


async def test_a_topic_with_another_number_of_partitions_is_not_written(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        await Topics(2, here.prefix).ensure(stack.kafka)
        ended = await here.run("topics", LIANDONG_PARTITIONS="3")
        _one_line(ended, "2 partitions", "the settings say 3")


async def test_a_service_waits_for_its_database_and_for_kafka_and_says_so(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        secrets = _secrets(here)
        process = await _serve(here, **secrets, LIANDONG_KAFKA="127.0.0.1:1")
        await _wait_for_log(here, f"waits for the database {here.prefix}{SERVICE}")
        await _prepared(here)
        await _wait_for_log(here, "waits for Kafka at 127.0.0.1:1")
        process.send_signal(signal.SIGTERM)
        assert (await here.ended(process)).status == 0


async def test_a_waiting_service_exits_at_once_on_sigterm(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        nowhere: dict[str, Any] = {"LIANDONG_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1"}
        process = await _serve(here, **_secrets(here), **nowhere)
        await _wait_for_log(here, "waits for PostgreSQL at 127.0.0.1:1")
        process.send_signal(signal.SIGTERM)
        assert (await here.ended(process)).status == 0
