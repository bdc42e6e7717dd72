"""Settings of a service, from the environment (`LIANDONG_…`) or arguments. Nothing is read from anywhere else."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from shared.identity import BadSecrets, IdentitySecrets, load_secrets, parse_secrets
from shared.messaging.topics import Topics
from shared.trust import TrustSettings


class Settings(BaseSettings):
    """What every service needs to know; the same names in the node, in compose and in production."""

    model_config = SettingsConfigDict(env_prefix="LIANDONG_", extra="ignore")

    database_url: str = "postgresql+asyncpg://127.0.0.1:5432/postgres"
    """The server; each service uses the database `<database_prefix><service>` on it."""
    database_prefix: str = "liandong_"
    pool_size: int = 20
    """Connections of a service to its database; half as many more for a moment."""

    kafka: str = "127.0.0.1:9092"
    partitions: int = 6
    """Of every topic but the law book. Pinned: changing it is a procedure of its own."""
    topic_prefix: str = ""
    replication: int = 1

    jwks_file: Path | None = None
    """Public keys of the token issuer, as a JWKS file; or `issuer_url` for discovery."""
    issuer_url: str | None = None
    issuer: str = "liandong-development"
    audience: str = "liandong"

    identity: SecretStr = SecretStr("")
    """The secrets of identity as one JSON value (shared/identity/secret.py): the same in every service, kept for good."""
    identity_file: Path | None = None
    """Or the file that holds them."""

    departments: str = ""
    """Of an executor: the departments that it serves, comma-separated; empty means all."""
    movable_clock: bool = False
    """For tests and the demo only: lets an operator move the clock forward."""

    def database(self, service: str) -> str:
        """The URL of one service's database."""
        url = make_url(self.database_url).set(database=f"{self.database_prefix}{service}")
        return url.render_as_string(hide_password=False)

    def trust(self) -> TrustSettings:
        """Whose tokens are believed."""
        if self.issuer_url:
            return TrustSettings(oidc_issuer=self.issuer_url, audience=self.audience)
        return TrustSettings(jwks_file=self.jwks_file, issuer=self.issuer, audience=self.audience)

    def secrets(self) -> IdentitySecrets:
        """Raises BadSecrets."""
        value = self.identity.get_secret_value()
        if value:
            return parse_secrets(value)
        if self.identity_file:
            return load_secrets(self.identity_file)
        raise BadSecrets("neither LIANDONG_IDENTITY nor LIANDONG_IDENTITY_FILE is set")

    @property
    def topics(self) -> Topics:
        return Topics(self.partitions, self.topic_prefix, self.replication)
