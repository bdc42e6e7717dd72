"""A folder that holds all that a local node keeps: the stack's data, the development issuer, the secrets of identity.

Deleting the folder is forgetting everything; nothing is kept elsewhere but the downloaded jars.
"""

import json
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from liandong import stack
from shared.identity import load_or_make_secrets
from shared.runtime.settings import Settings
from shared.trust.issuer import KEY_FILE, DevelopmentIssuer

DEFAULT = Path(".data")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Home:
    """The data folder of a local node."""

    folder: Path

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    @property
    def node_file(self) -> Path:
        """Where a node that runs writes its process id and address."""
        return self.folder / "node.json"

    def issuer(self) -> DevelopmentIssuer:
        return DevelopmentIssuer(self.trust)

    def adopt(self, key: Path) -> None:
        """Issue tokens with the key of a development issuer that was made elsewhere."""
        self.trust.mkdir(parents=True, exist_ok=True)
        mine = self.trust / KEY_FILE
        mine.unlink(missing_ok=True)
        mine.write_bytes(key.read_bytes())

    def settings(self, database_url: str, kafka: str) -> Settings:
        """Settings of the services of this node. The environment may still name partitions and the like."""
        identity = self.folder / "identity.json"
        load_or_make_secrets(identity)
        return Settings(
            database_url=database_url,
            kafka=kafka,
            jwks_file=self.issuer().jwks_file,
            identity_file=identity,
            movable_clock=True,
        )

    @contextmanager
    def announced(self, address: str):
        """Say where the node is while it runs."""
        self.node_file.write_text(json.dumps({"pid": os.getpid(), "address": address}))
        try:
            yield
        finally:
            self.node_file.unlink(missing_ok=True)


@asynccontextmanager
async def servers(home: Home, say: Say) -> AsyncGenerator[Settings]:
    """PostgreSQL and Kafka for a node: those that the environment names, or the embedded ones, stopped at the end."""
    database_url, kafka = os.environ.get("LIANDONG_DATABASE_URL"), os.environ.get("LIANDONG_KAFKA")
    if database_url and kafka:
        say(f"using the servers that the environment names: {kafka}")
        yield home.settings(database_url, kafka)
        return
    local = await stack.start(home.folder, say)
    try:
        yield home.settings(local.database_url, local.kafka)
    finally:
        say("stopping PostgreSQL and Kafka / 正在停止 PostgreSQL 与 Kafka")
        await stack.stop(local)


def listening(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A socket on this port, or on a free one when it is 0. Raises OSError when the port is taken."""
    # Named as TCP, asyncio sends small answers at once; otherwise each may wait 40 ms for the one before (Nagle).
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(512)
    return made
