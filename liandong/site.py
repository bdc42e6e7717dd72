"""Which system is meant by a command: the one that the environment describes (`LIANDONG_…`), or the node of a data folder."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from liandong import stack
from liandong.home import Home, Say, servers
from shared.runtime.settings import Settings
from shared.trust.issuer import JWKS_FILE


class NothingRuns(Exception):
    """Neither does the environment name a database, nor does a node run in the folder."""


def settings_of(folder: Path) -> Settings:
    """Settings of what runs. Nothing is made that is not there. Raises NothingRuns, or pydantic's ValidationError."""
    settings = Settings()
    if "database_url" in settings.model_fields_set:
        has_own = settings.identity_file or settings.identity.get_secret_value()
        lent = not has_own and (folder / "identity.json").exists()
        return _of_node(folder, settings.database_url, settings.kafka) if lent else settings
    running = stack.running(folder)
    if running is None:
        raise NothingRuns(f"no node runs in {folder}, and LIANDONG_DATABASE_URL is not set")
    return _of_node(folder, running.database_url, running.kafka)


@asynccontextmanager
async def at(folder: Path, say: Say) -> AsyncGenerator[Settings]:
    """The same; the servers of a node that does not run are started for the length of the block."""
    try:
        settings = settings_of(folder)
    except NothingRuns:
        async with servers(Home(folder), say) as settings:
            yield settings
    else:
        yield settings


def _of_node(folder: Path, database_url: str, kafka: str) -> Settings:
    home = Home(folder)
    return Settings(
        database_url=database_url,
        kafka=kafka,
        jwks_file=home.trust / JWKS_FILE,
        identity_file=home.folder / "identity.json",
        movable_clock=True,
    )
