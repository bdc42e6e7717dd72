"""The data folder of a local node: data of PostgreSQL and Kafka, the development issuer's key, the identity secrets.

To delete the folder is to delete the node; only the downloaded jars are kept elsewhere.
"""

import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from liandong import stack
from liandong.cannot_start import CannotStart
from liandong.node_file import NODE_FILE
from shared.calendar.notice import BadNotice
from shared.identity import load_or_make_secrets
from shared.runtime.settings import Settings
from shared.trust.issuer import KEY_FILE, DevelopmentIssuer

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
        """A running node writes its process id and address to this file."""
        return self.folder / NODE_FILE

    def issuer(self) -> DevelopmentIssuer:
        return DevelopmentIssuer(self.trust)

    def adopt(self, key: Path) -> None:
        """Use the key of another development issuer from now on."""
        self.trust.mkdir(parents=True, exist_ok=True)
        own = self.trust / KEY_FILE
        own.unlink(missing_ok=True)
        own.write_bytes(key.read_bytes())

    def settings(self, database_url: str, kafka: str) -> Settings:
        """Settings of the services of this node. The environment can set the others (such as LIANDONG_PARTITIONS).

        Raises CannotStart when the notices of holidays cannot be used.
        """
        identity = self.folder / "identity.json"
        load_or_make_secrets(identity)
        settings = Settings(
            database_url=database_url,
            kafka=kafka,
            jwks_file=self.issuer().jwks_file,
            identity_file=identity,
            movable_clock=True,
        )
        try:
            settings.holiday_notices()
        except BadNotice as error:
            raise CannotStart(f"LIANDONG_HOLIDAYS: {error}") from None
        return settings


@asynccontextmanager
async def servers(home: Home, say: Say) -> AsyncGenerator[Settings]:
    """PostgreSQL and Kafka for a node: the servers that the environment names, or embedded ones, stopped at the end."""
    database_url, kafka = os.environ.get("LIANDONG_DATABASE_URL"), os.environ.get("LIANDONG_KAFKA")
    if database_url and kafka:
        say(f"using the servers named by the environment: {kafka}")
        yield home.settings(database_url, kafka)
        return
    local = await stack.start(home.folder, say)
    try:
        yield home.settings(local.database_url, local.kafka)
    finally:
        say("stopping PostgreSQL and Kafka / 正在停止 PostgreSQL 与 Kafka")
        await stack.stop(local)


def listening(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket on this port; 0 chooses a free port. Raises OSError when the port is in use."""
    # With IPPROTO_TCP, asyncio sets TCP_NODELAY; without it a small response may wait 40 ms for the previous one (Nagle).
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(512)
    return made
