"""Settings of a service, only from the environment (`LIANDONG_…`) or arguments.

A password is never in the environment, because every child process and every `inspect` shows it. A setting names its file
instead.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from shared.calendar.notice import Notice, read_notices
from shared.identity import BadSecrets, IdentitySecrets, load_secrets, parse_secrets
from shared.messaging.broker import Broker, Mechanism, Security
from shared.messaging.topics import Topics
from shared.trust import TrustSettings

_PREFIX = "LIANDONG_"


class MissingSecret(Exception):
    """The file of a secret is missing, unreadable or empty. The message names the setting and the file."""


class Settings(BaseSettings):
    """Settings of every service. The names are the same in the node, in compose and in production."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    database_url: str = "postgresql+asyncpg://127.0.0.1:5432/postgres"
    """The server. Each service uses its own database `<database_prefix><service>` on it."""
    database_password_file: Path | None = None
    """The file with the password of the URL's user, if the URL contains none."""
    database_prefix: str = "liandong_"
    runtime_role: str = ""
    """For migrations: the role that the service uses, if another role owns the tables."""
    pool_size: int = 20
    """Connections of a service to its database. Half as many more may be opened for short peaks."""

    kafka: str = "127.0.0.1:9092"
    """`host:port`; several are separated by commas."""
    kafka_security: Security = Security.PLAINTEXT
    kafka_mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    kafka_user: str = ""
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    """With TLS: the CA certificate of the broker, if the operating system does not trust it."""
    partitions: int = 6
    """Partitions of every topic except the law book. Fixed: changing the count needs a special procedure."""
    topic_prefix: str = ""
    replication: int = 1

    jwks_file: Path | None = None
    """Public keys of the token issuer, as a JWKS file; or `issuer_url` for discovery."""
    issuer_url: str | None = None
    issuer: str = "liandong-development"
    audience: str = "liandong"

    identity: SecretStr = SecretStr("")
    """The identity secrets as one JSON value (shared/identity/secret.py): the same in every service, and never changed."""
    identity_file: Path | None = None
    """Or the file that contains them."""

    departments: str = ""
    """For an executor: the departments that it serves, comma-separated; empty means all."""
    holidays: Path | None = None
    """The State Council's notices of holidays as a CSV file (shared/calendar/notice.py), for years that the library does not know
    yet. The same in every service of a site."""
    answers_kept_days: int = Field(default=30, ge=1)
    """How long a repeated write with the same Idempotency-Key gets the stored answer; later it is a new write."""
    movable_clock: bool = False
    """For tests and the demo only: an operator can move the clock forward."""

    def database(self, service: str) -> str:
        """The URL of one service's database. Raises MissingSecret."""
        url = make_url(self.database_url).set(database=f"{self.database_prefix}{service}")
        if self.database_password_file:
            url = url.set(password=read_secret(self.database_password_file, "LIANDONG_DATABASE_PASSWORD_FILE"))
        return url.render_as_string(hide_password=False)

    @property
    def broker(self) -> Broker:
        """Address and credentials of Kafka. Raises MissingSecret."""
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
        """Which tokens are accepted."""
        if self.issuer_url:
            return TrustSettings(oidc_issuer=self.issuer_url, audience=self.audience)
        return TrustSettings(jwks_file=self.jwks_file, issuer=self.issuer, audience=self.audience)

    def holiday_notices(self) -> tuple[Notice, ...]:
        """The notices of the site; none without a file. Raises BadNotice."""
        return read_notices(self.holidays) if self.holidays and self.holidays.parts else ()

    def secrets(self) -> IdentitySecrets:
        """The identity secrets. Raises BadSecrets."""
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
        """The environment for a child process: that of this process, with `LIANDONG_…` variables only from these settings."""
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude={"identity"})
        if identity := self.identity.get_secret_value():
            changed["identity"] = identity
        others = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
        return others | {f"{_PREFIX}{name.upper()}": str(value) for name, value in changed.items()}


def read_secret(file: Path, setting: str) -> str:
    """The content of the file without the line break at its end. Raises MissingSecret."""
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise MissingSecret(f"{setting} names {file}, which cannot be read: {reason}") from None
    if not value:
        raise MissingSecret(f"{setting} names {file}, which is empty")
    return value
