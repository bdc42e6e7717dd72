"""Settings of a service, from the environment (`LIANDONG_…`) or arguments. Nothing is read from anywhere else.

A password never stands in the environment, where every child process and every `inspect` shows it: a setting names its file.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from shared.identity import BadSecrets, IdentitySecrets, load_secrets, parse_secrets
from shared.messaging.broker import Broker, Mechanism, Security
from shared.messaging.topics import Topics
from shared.trust import TrustSettings

_PREFIX = "LIANDONG_"


class MissingSecret(Exception):
    """A file that should hold a secret is not there, cannot be read, or is empty. Says which setting named it."""


class Settings(BaseSettings):
    """What every service needs to know; the same names in the node, in compose and in production."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    database_url: str = "postgresql+asyncpg://127.0.0.1:5432/postgres"
    """The server; each service uses the database `<database_prefix><service>` on it."""
    database_password_file: Path | None = None
    """Holds the password of the URL's user, when the URL does not."""
    database_prefix: str = "liandong_"
    runtime_role: str = ""
    """Of a migration: the role under which the service works, when the tables belong to another."""
    pool_size: int = 20
    """Connections of a service to its database; half as many more for a moment."""

    kafka: str = "127.0.0.1:9092"
    """`host:port`, several with commas."""
    kafka_security: Security = Security.PLAINTEXT
    kafka_mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    kafka_user: str = ""
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    """With TLS: who signed the broker's certificate, when it is nobody whom the system trusts."""
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
    answers_kept_days: int = Field(default=30, ge=1)
    """For so long a write that is sent again under its Idempotency-Key is answered as before; later it is a new write."""
    movable_clock: bool = False
    """For tests and the demo only: lets an operator move the clock forward."""

    def database(self, service: str) -> str:
        """The URL of one service's database. Raises MissingSecret."""
        url = make_url(self.database_url).set(database=f"{self.database_prefix}{service}")
        if self.database_password_file:
            url = url.set(password=read_secret(self.database_password_file, "LIANDONG_DATABASE_PASSWORD_FILE"))
        return url.render_as_string(hide_password=False)

    @property
    def broker(self) -> Broker:
        """Where Kafka is, and who we are there. Raises MissingSecret."""
        file = self.kafka_password_file
        return Broker(
            servers=self.kafka,
            security=self.kafka_security,
            mechanism=self.kafka_mechanism,
            user=self.kafka_user,
            password=read_secret(file, "LIANDONG_KAFKA_PASSWORD_FILE") if file else "",
            ca_file=self.kafka_ca_file,
        )

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

    def environment(self) -> dict[str, str]:
        """Of a child process that is to have these settings: this process's own, but of Liandong nothing else than they."""
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"identity"})
        if identity := self.identity.get_secret_value():
            given["identity"] = identity
        others = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
        return others | {f"{_PREFIX}{name.upper()}": str(value) for name, value in given.items()}


def read_secret(file: Path, setting: str) -> str:
    """What the file holds, without the line's end. Raises MissingSecret."""
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise MissingSecret(f"{setting} names {file}, which cannot be read: {said}") from None
    if not value:
        raise MissingSecret(f"{setting} names {file}, which is empty")
    return value
