"""How a client reaches Kafka: where it is, and who the client says it is. The one place that knows of SASL and TLS.

A bare address stands for a broker that asks nobody who he is: the local stack, and tests.
"""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiokafka.conn import create_conn  # pyright: ignore[reportUnknownVariableType]
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context


class Security(StrEnum):
    """Kafka's `security.protocol`."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class Mechanism(StrEnum):
    """How a password is shown. SCRAM never sends it; PLAIN does, and wants TLS or a network of its own."""

    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka, and as whom it is spoken to. The password is not shown in a `repr`."""

    servers: str
    """`host:port`, several with commas."""
    security: Security = Security.PLAINTEXT
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """With TLS: who signed the broker's certificate; without it, whom the system trusts."""

    @property
    def says_who(self) -> bool:
        return self.security in (Security.SASL_PLAINTEXT, Security.SASL_SSL)

    @property
    def is_encrypted(self) -> bool:
        return self.security in (Security.SSL, Security.SASL_SSL)


Address = Broker | str


class BrokerRefuses(Exception):
    """The broker is there and does not take us: a wrong user, password, mechanism or certificate. Waiting mends nothing."""


class BrokerAway(Exception):
    """No broker answers at any of the addresses, for now."""


def connection(broker: Address) -> dict[str, Any]:
    """The arguments that every aiokafka client needs to reach this broker."""
    if isinstance(broker, str):
        return {"bootstrap_servers": broker}
    return {"bootstrap_servers": broker.servers, **_identity(broker)}


def _identity(broker: Broker) -> dict[str, Any]:
    arguments: dict[str, Any] = {"security_protocol": broker.security.value}
    if broker.is_encrypted:
        arguments["ssl_context"] = create_ssl_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    if broker.says_who:
        arguments |= {
            "sasl_mechanism": broker.mechanism.value,
            "sasl_plain_username": broker.user,
            "sasl_plain_password": broker.password,
        }
    return arguments


async def greet(broker: Address, patience: float = 5.0) -> None:
    """Say once who we are, and leave. Raises BrokerRefuses, or BrokerAway when none of the addresses answers.

    The clients themselves do not tell the two apart: to them a refused password is one more address that failed.
    """
    known = broker if isinstance(broker, Broker) else Broker(broker)
    refused: Exception | None = None
    failed: Exception | None = None
    for address in known.servers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            greeted = await create_conn(host, int(port), request_timeout_ms=int(patience * 1000), **_identity(known))
        except (
            SaslAuthenticationFailed,
            UnsupportedSaslMechanismError,
            IllegalSaslStateError,
            ssl.SSLCertVerificationError,
        ) as error:
            refused = error
        except (TimeoutError, OSError, KafkaError) as error:
            failed = error
        else:
            greeted.close()
            return
    if refused is not None:
        raise BrokerRefuses(_words(refused)) from None
    raise BrokerAway(_words(failed)) from None


def _words(error: Exception | None) -> str:
    return " ".join(str(error).split()) or type(error).__name__
