"""The system that a command works on: the one that the environment describes (`LIANDONG_…`), or the node of a data folder."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from liandong import stack
from liandong.home import Home, Say, servers
from shared.runtime.settings import Settings
from shared.trust.issuer import JWKS_FILE


class NoSystemFound(Exception):
    """The environment names no database, and no node runs in the folder."""


def settings_of(folder: Path) -> Settings:
    """Settings of the running system; creates nothing. Raises NoSystemFound, or pydantic's ValidationError.

    When the environment names a database but no identity secrets, those of the data folder are used, if it has any.
    """
    settings = Settings()
    if "database_url" in settings.model_fields_set:
        has_secrets = settings.identity_file or settings.identity.get_secret_value()
        use_folder = not has_secrets and (folder / "identity.json").exists()
        return _node_settings(folder, settings.database_url, settings.kafka) if use_folder else settings
    running = stack.running(folder)
    if running is None:
        raise NoSystemFound(f"no node runs in {folder}, and LIANDONG_DATABASE_URL is not set")
    return _node_settings(folder, running.database_url, running.kafka)


@asynccontextmanager
async def with_servers(folder: Path, say: Say) -> AsyncGenerator[Settings]:
    """The same settings; when no node runs in the folder, its servers are started for the length of the block."""
    try:
        settings = settings_of(folder)
    except NoSystemFound:
        async with servers(Home(folder), say) as settings:
            yield settings
    else:
        yield settings


def _node_settings(folder: Path, database_url: str, kafka: str) -> Settings:
    home = Home(folder)
    return Settings(
        database_url=database_url,
        kafka=kafka,
        jwks_file=home.trust / JWKS_FILE,
        identity_file=home.folder / "identity.json",
        movable_clock=True,
    )
